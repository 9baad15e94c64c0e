package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// TestCatalogueIsWhole: every number that the catalogue has in these sections is here, and none twice.
func TestCatalogueIsWhole(t *testing.T) {
	have := make(map[string]bool)
	for _, c := range catalogue() {
		if have[c.id] {
			t.Errorf("%s is there twice", c.id)
		}
		have[c.id] = true
		if c.title == "" || strings.Contains(c.title, "\n") {
			t.Errorf("%s has the title %q", c.id, c.title)
		}
		scripts := 0
		for _, is := range []bool{c.tcp != nil, c.request != nil, c.script != nil} {
			if is {
				scripts++
			}
		}
		if scripts != 1 {
			t.Errorf("%s has %d scripts, want one", c.id, scripts)
		}
	}
	for section, n := range map[string]int{
		"1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20,
		"6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4, "6.10": 3, "6.11": 5,
		"6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8,
		"6.22": 34, "6.23": 7,
		"7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 13, "7.13": 2,
		"9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6, "10.1": 1, "12.1": 12, "12.2": 12, "12.3": 12, "12.4": 12, "12.5": 12, "13.1": 9, "13.2": 15,
	} {
		for i := range n {
			if id := fmt.Sprintf("%s.%d", section, i+1); !have[id] {
				t.Errorf("%s is missing", id)
			}
		}
	}
}

// TestJudgeFinds: a difference in anything that is required is found, and is the only one.
func TestJudgeFinds(t *testing.T) {
	want := fails(messages.CloseProtocolError, txt("a"), pinged("b")).complete()
	if wrong := judge(want, want); len(wrong) > 0 {
		t.Errorf("the reaction required is wrong: %q", wrong)
	}
	for what, change := range map[string]func(*reaction){
		"state":              func(r *reaction) { r.state = messages.Connected },
		"opened":             func(r *reaction) { r.opened = false },
		"cause":              func(r *reaction) { r.cause = messages.CauseEOF },
		"phase":              func(r *reaction) { r.phase = messages.PhaseTLS },
		"status":             func(r *reaction) { r.status = 403 },
		"subprotocol":        func(r *reaction) { r.subprotocol = "x" },
		"close code rep":     func(r *reaction) { r.code = 1000 },
		"close reason rep":   func(r *reaction) { r.reason = "x" },
		"clean":              func(r *reaction) { r.clean = true },
		"note":               func(r *reaction) { r.note = "x" },
		"close code sent":    func(r *reaction) { r.sent = 1000 },
		"close reason sent":  func(r *reaction) { r.why = "x" },
		"bytes behind":       func(r *reaction) { r.after = 1 },
		"ended TCP before":   func(r *reaction) { r.hasty = true },
		"fault":              func(r *reaction) { r.fault = "x" },
		"end of TCP":         func(r *reaction) { r.end = wstest.EndReset },
		"received, message":  func(r *reaction) { r.got = []message{txt("a"), pinged("c")} },
		"received: got 1":    func(r *reaction) { r.got = r.got[:1] },
		"sent, message 2":    func(r *reaction) { r.said = []message{txt("a"), ponged("c")} },
		"sent: got 3 messag": func(r *reaction) { r.said = append(slices.Clone(r.said), txt("c")) },
	} {
		got := want
		change(&got)
		if wrong := judge(got, want); len(wrong) != 1 || !strings.HasPrefix(wrong[0], what) {
			t.Errorf("%s: got %q, want that one thing", what, wrong)
		}
	}
}

// TestPlayFinds: a case whose requirement is not met is played through and says so, and what a connection
// leaves behind is found.
func TestPlayFinds(t *testing.T) {
	v := variant{"any", transport.EngineAuto, false}
	shared, err := newClient(v.options())
	if err != nil {
		t.Fatal(err)
	}
	defer shared.stop()
	t.Run("requirement", func(t *testing.T) {
		for _, c := range []Case{
			{script: says(shut("\x03")), want: left(1000, "")},
			{script: says(text("hello")), want: stays(txt("hallo"))},
			{request: answers(wstest.Refused("403 Forbidden")), want: refused(404)},
		} {
			if got, _ := run(t, v, &c, shared); len(judge(got, c.want.complete())) == 0 {
				t.Errorf("%v was taken for %v", got, c.want)
			}
		}
	})
	srv := wstest.Serve(t, wstest.Echo)
	p := &player{client: shared, c: new(Case), told: make(chan struct{})}
	shared.do(func() { p.conn = shared.loop.Dial(&messages.Connect{URL: srv.URL()}, nil, p) })
	if left := shared.left(); !slices.ContainsFunc(left, func(s string) bool { return strings.Contains(s, "1 connections") }) {
		t.Errorf("got %q, want that a connection is left", left)
	}
	shared.do(func() { p.conn.Abort(messages.CauseLocal, nil) })
	within(p.told)
	if left := shared.left(); len(left) > 0 {
		t.Errorf("got %q, want nothing left", left)
	}
}
