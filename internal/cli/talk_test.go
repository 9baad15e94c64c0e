package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/rig"
)

// TestServing: the address that is told is one that a browser can go to.
func TestServing(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:9464": "127.0.0.1:9464", "[::1]:9464": "[::1]:9464", "[::]:9464": "localhost:9464", "0.0.0.0:9464": "localhost:9464",
	} {
		var b bytes.Buffer
		(&talker{w: &b}).serving(addr)
		if got := b.String(); got != "loadrig: look at it at http://"+want+"/; metrics at http://"+want+"/metrics\n" {
			t.Errorf("%s: got %s", addr, got)
		}
	}
}

// TestProgressLine: a line of progress has its keys in an order that stays, leaves out what is 0, and the help of run
// names them all.
func TestProgressLine(t *testing.T) {
	most := rig.Progress{
		Elapsed: 12 * time.Second, Players: 5000, Interval: 2 * time.Second, Asked: 20000, Sent: 19000, Received: 18000,
		Answers: 1, P50: 1234 * time.Microsecond, P99: 45678 * time.Microsecond, Lag: 26 * time.Millisecond,
		Failed: 1, Dropped: 2, Corrupted: 3, Duplicated: 4, Lost: 5, FailedChecks: 6,
	}
	most.States[messages.Connected], most.States[messages.Connecting], most.States[messages.Disconnected] = 4512, 400, 88
	prompt := most
	prompt.Lag = 25 * time.Millisecond
	for _, c := range []struct {
		p    rig.Progress
		want string
	}{
		{rig.Progress{Elapsed: time.Second, Players: 10, Interval: time.Second}, "   1s  connected=0/10 sent=0/s received=0/s\n"},
		{most, "  12s  connected=4512/5000 connecting=400 disconnected=88 asked=10000/s sent=9500/s received=9000/s p50=1.23ms p99=45.68ms" +
			" lag=26ms failed=1 dropped=2 corrupted=3 duplicated=4 lost=5 failed_checks=6\n"},
		{prompt, "  12s  connected=4512/5000 connecting=400 disconnected=88 asked=10000/s sent=9500/s received=9000/s p50=1.23ms p99=45.68ms" +
			" failed=1 dropped=2 corrupted=3 duplicated=4 lost=5 failed_checks=6\n"},
	} {
		var b bytes.Buffer
		talk := &talker{w: &b, maxLag: 100 * time.Millisecond}
		talk.progress(c.p)
		if b.String() != c.want {
			t.Errorf("got  %swant %s", b.String(), c.want)
		}
	}
	run, _, err := newRoot(&Process{Getenv: func(string) string { return "" }}).Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	(&talker{w: &b, maxLag: time.Nanosecond}).progress(most)
	for _, m := range regexp.MustCompile(`(\w+)=`).FindAllStringSubmatch(b.String(), -1) {
		if !regexp.MustCompile(`(?m)^  (\w+, )*` + m[1] + `(, \w+)*  `).MatchString(run.Long) {
			t.Errorf("the help of run has no line on %s", m[1])
		}
	}
	if n := strings.Count(b.String(), "="); n != 15 {
		t.Errorf("got %d keys, want 15", n)
	}
}
