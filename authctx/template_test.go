package authctx

import (
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	const names = ", want one of {user_id}, {organization_id}, {project_id}, {world_id}, {launch_context_id}, {scope}, {client_type} (and {{ for a brace)"
	for _, tt := range []struct{ in, want, err string }{
		{"", "", ""},
		{"plain", "plain", ""},
		{"{user_id}", "user-1", ""},
		{"/o/{organization_id}/p/{project_id}/w/{world_id}?l={launch_context_id}&s={scope}&c={client_type}", "/o/org-1/p/proj-1/w/world-1?l=launch-1&s=world&c=player", ""},
		{"{user_id}{user_id}", "user-1user-1", ""},
		{"{{user_id}", "{user_id}", ""},
		{"{{{user_id}}", "{user-1}", ""},
		{`{"json": "stays", "a": {}}`, `{"json": "stays", "a": {}}`, ""},
		{"{", "{", ""},
		{"{user_id", "{user_id", ""},
		{"{}", "{}", ""},
		{"{USER_ID}", "{USER_ID}", ""},
		{"ab {usr_id}", "", "unknown placeholder at byte 3" + names + `: did you mean "user_id"?`},
		{"{secretpart}", "", "unknown placeholder at byte 0" + names},
	} {
		tpl, err := parseTemplate(tt.in)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: got error\n%v\nwant\n%s", tt.in, err, tt.err)
			}
			continue
		}
		if got := tpl.expand(Request{Scope: ScopeWorld, Identity: full}, nil); err != nil || got != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestTemplateKey(t *testing.T) {
	all := Request{Client: GameServer, Scope: ScopeWorld, Identity: full}
	for in, want := range map[string]Request{
		"":                         {},
		"{user_id}":                {Identity: Identity{UserID: "user-1"}},
		"{world_id} {project_id}":  {Identity: Identity{World: "world-1", Project: "proj-1"}},
		"{scope}":                  {Scope: ScopeWorld},
		"{client_type} {user_id}":  {Client: GameServer, Identity: Identity{UserID: "user-1"}},
		"{{user_id} is text alone": {},
	} {
		tpl, err := parseTemplate(in)
		var d demand
		d.add(must(t, tpl, err))
		if got := d.key(all); got != want {
			t.Errorf("%q: got %+v, want %+v", in, got, want)
		}
	}
}

func TestEscapeURL(t *testing.T) {
	for in, want := range map[string]string{
		"user-1.x_~": "user-1.x_~", "a b": "a%20b", "a+b": "a%2Bb", "../x?y#z&k=v": "..%2Fx%3Fy%23z%26k%3Dv", "ü": "%C3%BC",
	} {
		if got := escapeURL(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Text without placeholders comes out as it went in, but for doubled braces; nothing panics.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "{", "{{", "{{{user_id}", "{user_id}", "{x", "a{b}c", "{scope}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := parseTemplate(text)
		if err != nil {
			return
		}
		got := tpl.expand(Request{Identity: full}, nil)
		if !strings.Contains(text, "{") && got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
		if strings.Count(got, "user-1") < strings.Count(text, "user-1") {
			t.Fatalf("%q lost text: %q", text, got)
		}
	})
}
