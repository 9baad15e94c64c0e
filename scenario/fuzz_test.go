package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead: any text is either a scenario, which the schema takes too and whose program holds together, or
// gives mistakes whose places are in it; the same ones each time.
func FuzzRead(f *testing.F) {
	for _, glob := range []string{"testdata/bad", "testdata/good", "../examples"} {
		files, err := os.ReadDir(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if name := file.Name(); strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".json") {
				b, err := os.ReadFile(glob + "/" + name)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(string(b))
			}
		}
	}
	for _, text := range large {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return // TestLarge has those
		}
		read := func() (*Scenario, error) {
			return Read(strings.NewReader(text), "x.yaml", "testdata/good", Options{Vars: map[string]string{"room": "a"}})
		}
		s, err := read()
		if err == nil {
			checkScenario(t, s)
			if err := bySchema(t, []byte(text)); err != nil {
				t.Fatalf("Read takes what the schema does not: %v", err)
			}
			return
		}
		var p *Problems
		if !errors.As(err, &p) {
			t.Fatalf("got error %v (%T), want *Problems", err, err)
		}
		checkProblems(t, p, text)
		if _, again := read(); again == nil || again.Error() != err.Error() {
			t.Fatalf("the first time\n%v\nthe second\n%v", err, again)
		}
	})
}

func checkProblems(t *testing.T, p *Problems, text string) {
	t.Helper()
	if len(p.List) == 0 || len(p.List) > maxProblems {
		t.Fatalf("got %d mistakes, want 1 to %d", len(p.List), maxProblems)
	}
	lines := splitLines(strings.TrimPrefix(text, "\xef\xbb\xbf"))
	for _, m := range p.List {
		if m.Pos == (Pos{}) {
			continue
		}
		if m.Line < 1 || m.Line > len(lines)+1 || m.Column < 1 {
			t.Fatalf("%d:%d: %s: there is no such place", m.Line, m.Column, m.Message)
		}
		if m.Message == "" || utf8.RuneCountInString(m.Message) > maxMessage+1 || strings.Contains(m.Message, "%!") && !strings.Contains(text, "%!") {
			t.Fatalf("%d:%d: bad message %q", m.Line, m.Column, m.Message)
		}
		if utf8.RuneCountInString(m.Excerpt) > 3*maxExcerpt {
			t.Fatalf("%d:%d: excerpt %q is too long", m.Line, m.Column, m.Excerpt)
		}
	}
}

func checkScenario(t *testing.T, s *Scenario) {
	t.Helper()
	if len(s.Programs) == 0 || len(s.Rows) != len(s.Feeds) {
		t.Fatalf("got %d programs, %d files of rows for %d feeds", len(s.Programs), len(s.Rows), len(s.Feeds))
	}
	if len(s.Thresholds) != len(s.File.Thresholds) {
		t.Fatalf("got %d thresholds, want %d", len(s.Thresholds), len(s.File.Thresholds))
	}
	for _, th := range s.Thresholds {
		if _, err := th.Parse(s.Names()); err != nil || th.Window < 0 || th.Delay < 0 {
			t.Fatalf("got threshold %+v: %v", th, err)
		}
	}
	for _, p := range s.Programs {
		_ = p.String()
		code := int32(len(p.Code))
		inside := func(at int32, what string) {
			if at < 0 || at >= code {
				t.Fatalf("%s: got %d, want 0 to %d\n%s", what, at, code-1, p)
			}
		}
		for _, in := range p.Code {
			switch in.Op {
			case OpRequest, OpExpect, OpLoopTest, OpLoopNext, OpUnless, OpJump, OpHTTP:
				inside(in.B, in.Op.String())
			case OpReconnect:
				inside(in.B, in.Op.String())
				inside(in.A-int32(p.Counters)+code, "counter") // below Counters
			case OpLoop, OpPace:
				inside(in.A-int32(p.Counters)+code, "counter")
			case OpChoose:
				for _, to := range in.Arg.(*Choice).To {
					inside(to, "choose")
				}
			}
		}
		if p.Code[code-1].Op != OpEnd {
			t.Fatalf("the last instruction is no end\n%s", p)
		}
		for _, r := range p.Rules {
			if r.Start >= 0 {
				inside(int32(r.Start), "rule")
			}
		}
		for _, a := range p.Init {
			if a.Slot < 0 || a.Slot >= len(p.Vars) {
				t.Fatalf("got slot %d, want 0 to %d", a.Slot, len(p.Vars)-1)
			}
		}
	}
}
