package metrics

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// many gives n names that differ.
func many(n int) (names []string) {
	for i := range n {
		names = append(names, strings.Repeat("x", i+1))
	}
	return names
}

func TestNewScenario(t *testing.T) {
	long := strings.Repeat("ä", MaxNameLength/2)
	for _, c := range []struct {
		name  string
		names Names
		want  []string // lines of the error
	}{
		{"nothing", Names{}, nil},
		{"all that may be", Names{many(MaxNames), many(MaxNames), many(MaxNames), many(MaxNames), many(MaxNames)}, nil},
		{"the same name for two kinds", Names{Requests: []string{"move"}, Ticks: []string{"move"}}, nil},
		{"100 bytes", Names{Checks: []string{long}}, nil},
		{"101 bytes", Names{Checks: []string{long + "x"}}, []string{`checks: got the name "` + long + `x", want 1 to 100 bytes of printable text`}},
		{"65 names, and more", Names{Requests: many(MaxNames + 1), Checks: []string{""}, Deliveries: []string{"a", "b", "a"}, Ticks: []string{"\xff", "a\nb", "\x1b[2J"}}, []string{
			"requests: got 65 names, want at most 64",
			`checks: got the name "", want 1 to 100 bytes of printable text`,
			`deliveries: got the name "a" twice, want it once`,
			`ticks: got the name "\xff", want 1 to 100 bytes of printable text`,
			`ticks: got the name "a\nb", want 1 to 100 bytes of printable text`,
			`ticks: got the name "\x1b[2J", want 1 to 100 bytes of printable text`,
		}},
	} {
		s, err := NewScenario(c.names)
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if d := cmp.Diff(c.want, got); d != "" || (s == nil) != (err != nil) {
			t.Errorf("%s: got %v, %v (-want +got)\n%s", c.name, s, err, d)
		}
	}
}

// TestScenarioKeepsItsNames: who changes the lists afterwards changes nothing.
func TestScenarioKeepsItsNames(t *testing.T) {
	n := Names{Requests: []string{"login"}}
	s, err := NewScenario(n)
	if err != nil {
		t.Fatal(err)
	}
	n.Requests[0] = "logout"
	if got := s.NewSnapshot().Requests[0].Name; got != "login" {
		t.Errorf("got %q, want login", got)
	}
}
