package cli

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// outcome is what came of a run.
type outcome struct {
	code   int
	sum    gjson.Result // the summary
	talked string       // on stderr, by the run
}

// carryOut runs loadrig with args and --json in this process.
func carryOut(t *testing.T, args ...string) outcome {
	t.Helper()
	var out, talk bytes.Buffer
	code := Main(Process{
		Args:  append(append([]string{"run"}, args...), "-q", "--json", "--max-lag", "1m"),
		Stdin: new(bytes.Buffer), Stdout: &out, Stderr: &talk,
		Getenv: func(string) string { return "" }, Executable: os.Executable,
		Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
	})
	return outcome{code, gjson.Parse(out.String()), talk.String()}
}

// judged checks the verdict: that there are reasons which say so, or that it is pass if there are to be none. That the
// run was not to be trusted besides is for a busy machine to say; the counts are exact all the same.
func judged(t *testing.T, o outcome, reason string) {
	t.Helper()
	var ofServer []string
	for _, r := range o.sum.Get("reasons").Array() {
		ofServer = append(ofServer, r.Str)
	}
	switch {
	case o.code == ExitUntrustworthy:
		t.Logf("not to be trusted: %q", ofServer)
		if reason == "" {
			return
		}
	case reason == "" && o.code == ExitPass && len(ofServer) == 0:
		return
	case reason == "" || o.code != ExitFailed:
		t.Errorf("got code %d, %q, want the reason %q\n%s", o.code, ofServer, reason, o.talked)
		return
	}
	if !slices.ContainsFunc(ofServer, func(r string) bool { return strings.Contains(r, reason) }) {
		t.Errorf("got %q, want %q among them", ofServer, reason)
	}
}

// same is a pair of counts of the same thing.
type same struct {
	what      string
	got, want uint64
}

func agree(t *testing.T, list ...same) {
	t.Helper()
	for _, w := range list {
		if w.got != w.want {
			t.Errorf("%s: got %d, want %d", w.what, w.got, w.want)
		}
	}
}

// served starts a target of a kind in a process of its own.
func served(t *testing.T, kind string, flags ...string) *child {
	t.Helper()
	t.Setenv("LOADRIG_TEST_AS_PROGRAM", "1")
	parent := ThisProcess()
	parent.Stderr = new(bytes.Buffer)
	server, err := startChild(&parent, kind, flags...)
	if err != nil {
		t.Fatal(err, parent.Stderr)
	}
	return server
}

// TestEchoes: what an echo server leaves out, sends twice and changes is what the run reports, to the unit, and so is
// everything else that both count.
func TestEchoes(t *testing.T) {
	paced := []string{"-c", "100", "-d", "1s", "--traffic", "paced", "--msg-rate", "40/s"}
	pingPong := []string{"-c", "20", "-d", "1s", "--traffic", "pingpong"}
	all := []string{"--lose-every", "97", "--duplicate-every", "89", "--corrupt-every", "83"}
	for _, c := range []struct {
		name    string
		serve   []string
		run     []string
		faults  bool
		refusal string // of the reasons
	}{
		{"all at once", all, paced, true, "came back changed"},
		{"long messages", all, append([]string{"--size", "20000"}, paced...), true, "came back changed"},
		{"nothing but stamps", all, append([]string{"--size", "48"}, paced...), true, "came back changed"},
		{"compressed", append([]string{"--compress"}, all...), append([]string{"--compress"}, paced...), true, "came back changed"},
		{"held back", append([]string{"--delay", "uniform:1ms-400ms"}, all...), paced, true, "came back changed"},
		{"goroutines", all, append([]string{"--engine", "goroutine"}, paced...), true, "came back changed"},
		{"ping-pong", []string{"--duplicate-every", "89", "--corrupt-every", "83"}, pingPong, true, "had been answered"},
		{"ping-pong that ends", all, pingPong, true, "came back changed"}, // a player whose answer is lost waits for ever
		{"none", nil, paced, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := served(t, "echo", c.serve...)
			o := carryOut(t, append([]string{"--url", server.url}, c.run...)...)
			stats, err := server.stop()
			if err != nil {
				t.Fatal(err, o.talked)
			}
			m := o.sum.Get("messages")
			agree(t,
				same{"sent", m.Get("sent").Uint(), stats.Received},
				same{"sent bytes", m.Get("sent_bytes").Uint(), stats.ReceivedBytes},
				same{"received", m.Get("received").Uint(), stats.Sent},
				same{"received bytes", m.Get("received_bytes").Uint(), stats.SentBytes},
				same{"corrupted", m.Get("corrupted").Uint(), stats.Corrupted},
				same{"duplicated", m.Get("duplicated").Uint(), stats.Duplicated},
				same{"unanswered", o.sum.Get("rig.unanswered").Uint(), stats.Lost},
				same{"foreign", m.Get("foreign").Uint(), 0},
				same{"answers", o.sum.Get("response_seconds.count").Uint(), stats.Received - stats.Lost - stats.Corrupted},
				same{"opened", o.sum.Get("connections.opened").Uint(), stats.Opened},
			)
			judged(t, o, c.refusal)
			if c.faults != (stats.Corrupted > 0 && stats.Duplicated > 0) {
				t.Errorf("got %d corrupted, %d duplicated", stats.Corrupted, stats.Duplicated)
			}
			t.Logf("%d messages: %d lost, %d twice, %d changed", stats.Received, stats.Lost, stats.Duplicated, stats.Corrupted)
		})
	}
}
