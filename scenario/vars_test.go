package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseVar(t *testing.T) {
	for _, c := range []struct{ text, name, value, err string }{
		{"room=lobby", "room", "lobby", ""},
		{"room=", "room", "", ""},
		{"URL=ws://x?a=b", "URL", "ws://x?a=b", ""},
		{"_x=1", "_x", "1", ""},
		{"room", "", "", `got "room", want NAME=VALUE, as room=lobby`},
		{"=x", "", "", `got "", want NAME=VALUE, as room=lobby`},
		{"a b=s3cret", "", "", `got "a b", want NAME=VALUE, as room=lobby`},
	} {
		name, value, err := ParseVar(c.text)
		if name != c.name || value != c.value || err != nil && err.Error() != c.err || err == nil && c.err != "" {
			t.Errorf("%s: got %q, %q, %v, want %q, %q, %q", c.text, name, value, err, c.name, c.value, c.err)
		}
	}
}

func TestLoadVars(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[string]string
		err  string
	}{
		{"room: lobby\nlives: 3\nflag: true\nnone: null\nlist: [1, {a: b}]\nid: \"007\"\ntemplate: \"{{ n }}\"\nday: 2001-01-01\n", map[string]string{
			"room": "lobby", "lives": "3", "flag": "true", "none": "null", "list": `[1,{"a":"b"}]`, "id": "007", "template": "{{ n }}", "day": "2001-01-01",
		}, ""},
		{`{"room": "lobby", "lives": 3}`, map[string]string{"room": "lobby", "lives": "3"}, ""},
		{"room=lobby\n", nil, "V:1:1: vars: got no mapping, want one from names to values, as room: lobby"},
		{"a: 1\na: 2\nb: .nan\n", nil, "V:2:1: vars: a is there twice\nV:3:4: json: got \".nan\", which JSON cannot say"},
		{"a: [\n", nil, "V:2:1: got the end of the file, want a value, or the ] or } of what is open"},
	} {
		file := filepath.Join(t.TempDir(), "vars.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadVars(file)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(diff)
		}
		if err != nil || c.err != "" {
			if got := strings.ReplaceAll(fmt.Sprint(err), file, "V"); got != c.err {
				t.Errorf("got %s, want %s", got, c.err)
			}
		}
	}
	if _, err := LoadVars(filepath.Join(t.TempDir(), "absent")); !os.IsNotExist(err) {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

// TestGivenVars: what is given from outside is no template, is known to env, and is not shown.
func TestGivenVars(t *testing.T) {
	const secret = "a-secret-of-twenty-characters-{{ n }}"
	text := "vars: {token: x}\nplayers: {ann: {steps: [connect, {send: '{{ env(\"KEY\") }}'}]}}\n"
	s, err := Read(strings.NewReader(text), "x.yaml", "", Options{Vars: map[string]string{"token": secret, "KEY": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Programs[0].Init[0].Value; !got.Constant || string(got.Text()) != secret {
		t.Errorf("got %v, want the text as it was given", got)
	}
	if s.Env["KEY"] != "v" || s.Env["token"] != secret {
		t.Errorf("env sees %v", s.Env)
	}
	_, err = Read(strings.NewReader(text), "x.yaml", "", Options{Vars: map[string]string{"token": secret, "tokn": secret}})
	if want := "x.yaml: -e tokn: unknown variable: want KEY, token; did you mean token?"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEnough(t *testing.T) {
	s, err := Load("testdata/good/everything.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Enough(3); err != nil {
		t.Error(err)
	}
	want := "testdata/good/everything.yaml:57:16: data own: data/users.csv has 3 rows and there are 4 players, each of whom is to have one of its own; want more rows, fewer players, or another order"
	if err := s.Enough(4); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadAbsent(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "absent.yaml"), Options{}); !os.IsNotExist(err) {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

// TestReadFails: an error of the file system is no mistake in the file.
func TestReadFails(t *testing.T) {
	broken := errors.New("disk on fire")
	if _, err := Read(&failingReader{text: "players:\n", err: broken}, "x.yaml", "", Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
