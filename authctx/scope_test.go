package authctx

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestParseScope(t *testing.T) {
	const names = "want one of none, organization, project, world, launch_context"
	for _, tt := range []struct {
		in   string
		want Scope
		err  string
	}{
		{in: "none", want: ScopeNone},
		{in: "organization", want: ScopeOrganization},
		{in: "Project", want: ScopeProject},
		{in: "WORLD", want: ScopeWorld},
		{in: "launch_context", want: ScopeLaunchContext},
		{in: "Launch Context", want: ScopeLaunchContext},
		{in: "launch-context", want: ScopeLaunchContext},
		{in: "LaunchContext", want: ScopeLaunchContext},
		{in: "wrold", err: `bad option: scope: got "wrold", ` + names + `: did you mean "world"?`},
		{in: "organisation", err: `bad option: scope: got "organisation", ` + names + `: did you mean "organization"?`},
		{in: "", err: `bad option: scope: got "", ` + names},
		{in: "galaxy", err: `bad option: scope: got "galaxy", ` + names},
		{in: "scope\nof a name that is far too long to be shown", err: `bad option: scope: got "scope\nof a name that is far too long to …", ` + names},
	} {
		got, err := ParseScope(tt.in)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("ParseScope(%q): got %v, %v, want %v", tt.in, got, err, tt.want)
		case tt.err != "" && (err == nil || err.Error() != tt.err || !errors.Is(err, ErrBadOption)):
			t.Errorf("ParseScope(%q): got error\n%v\nwant\n%v", tt.in, err, tt.err)
		}
	}
}

func TestScopeText(t *testing.T) {
	for s := range Scope(NumScopes) {
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Scope
		if err := json.Unmarshal(raw, &back); err != nil || back != s {
			t.Errorf("%s: got %v, %v back", raw, back, err)
		}
		if got, want := s.Deprecated(), s == ScopeLaunchContext; got != want {
			t.Errorf("%s: deprecated: got %v, want %v", s, got, want)
		}
	}
	if _, err := json.Marshal(Scope(9)); err == nil {
		t.Error("a scope that does not exist was marshalled")
	}
	if got := Scope(9).String(); got != "scope(9)" {
		t.Errorf("got %q", got)
	}
}

func TestParseAlgorithm(t *testing.T) {
	for a := range Algorithm(NumAlgorithms) {
		if got, err := ParseAlgorithm(a.String()); err != nil || got != a {
			t.Errorf("%s: got %v, %v", a, got, err)
		}
	}
	if got, err := ParseAlgorithm("eddsa"); err != nil || got != EdDSA {
		t.Errorf("got %v, %v, want EdDSA", got, err)
	}
	const want = `bad option: algorithm: got "HS256", want one of ES256, EdDSA, RS256`
	if _, err := ParseAlgorithm("HS256"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
