package authctx

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/loadrig/loadrig/messages"
	"pgregory.net/rapid"
)

func TestScopeHeaders(t *testing.T) {
	org := http.Header{"X-M2-Organization-Id": {"org-1"}}
	with := func(h http.Header, name, value string) http.Header {
		h = h.Clone()
		h.Set(name, value)
		return h
	}
	project := with(org, "x-m2-project-id", "proj-1")
	for _, tt := range []struct {
		scope Scope
		want  http.Header
	}{
		{ScopeNone, http.Header{}},
		{ScopeOrganization, org},
		{ScopeProject, project},
		{ScopeWorld, with(project, "x-m2-world-id", "world-1")},
		{ScopeLaunchContext, with(project, "x-m2-launch-context-id", "launch-1")},
	} {
		p, err := NewPolicy(PolicyOptions{Scope: tt.scope})
		got, err := must(t, p, err).For(full).HandshakeHeaders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.scope, diff)
		}
	}
}

func TestIdentityErrors(t *testing.T) {
	mint := func(t *testing.T) TokenSource {
		m, err := NewMinter(MintOptions{Key: testKey(t, EdDSA)})
		return must(t, m, err)
	}
	for _, tt := range []struct {
		name  string
		scope Scope
		token bool
		id    Identity
		want  string
		is    []error
	}{
		{"nothing", ScopeWorld, false, Identity{}, "scope world: missing organization id, project id, world id", []error{ErrMissingID}},
		{"one", ScopeProject, false, Identity{Organization: "o"}, "scope project: missing project id", []error{ErrMissingID}},
		{"deprecated", ScopeLaunchContext, false, Identity{Project: "p"}, "scope launch_context: missing organization id, launch context id", []error{ErrMissingID}},
		{"user for a token", ScopeWorld, true, Identity{Organization: "o", Project: "p"}, "scope world with a token: missing user id, world id", []error{ErrMissingID}},
		{"user only", ScopeNone, true, Identity{}, "scope none with a token: missing user id", []error{ErrMissingID}},
		{
			"split header", ScopeOrganization, false, Identity{Organization: "o\r\nCookie: x"},
			"scope organization: organization id has a line break at byte 1, want visible ASCII",
			[]error{messages.ErrBadHeader},
		},
		{
			"all at once", ScopeWorld, true, Identity{UserID: "u\x00", Organization: "o 1", World: "wörld"},
			"scope world with a token: missing project id; user id has a control character at byte 1, want UTF-8 without control characters; " +
				"organization id has a space at byte 1, want visible ASCII; world id has a character beyond ASCII at byte 1, want visible ASCII",
			[]error{ErrMissingID, messages.ErrBadHeader},
		},
		{
			"no UTF-8", ScopeNone, true, Identity{UserID: "u\xff"},
			"scope none with a token: user id is not UTF-8, want UTF-8 without control characters",
			[]error{messages.ErrBadHeader},
		},
		{
			"too long", ScopeOrganization, false, Identity{Organization: strings.Repeat("o", 1025)},
			"scope organization: organization id has 1025 bytes, want at most 1024",
			[]error{messages.ErrBadHeader},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := PolicyOptions{Scope: tt.scope}
			if tt.token {
				o.Tokens = mint(t)
			}
			p, err := NewPolicy(o)
			h, err := must(t, p, err).For(tt.id).HandshakeHeaders(t.Context())
			if h != nil || err == nil || err.Error() != tt.want {
				t.Fatalf("got %v and\n%v\nwant\n%s", h, err, tt.want)
			}
			for _, want := range []error{ErrMissingID, messages.ErrBadHeader} {
				if got := errors.Is(err, want); got != slices.Contains(tt.is, want) {
					t.Errorf("is %v: got %v", want, got)
				}
			}
			if e, ok := errors.AsType[*IdentityError](err); !ok || e.Scope != tt.scope {
				t.Errorf("got %#v", e)
			}
		})
	}
}

// part is an actor component whose owner may change.
type partOf struct{ owner atomic.Pointer[Identity] }

func (p *partOf) Owner() Actor {
	if id := p.owner.Load(); id != nil {
		return *id
	}
	return nil
}

func TestComponentAnswersWithItsOwner(t *testing.T) {
	p, err := NewPolicy(PolicyOptions{Scope: ScopeOrganization})
	var c partOf
	auth := must(t, p, err).ForComponent(&c)
	headers := func() (string, error) {
		h, err := auth.HandshakeHeaders(t.Context())
		return h.Get(HeaderOrganization), err
	}
	if _, err := headers(); !errors.Is(err, ErrNoActor) || err.Error() != "no actor to take the identity from: the component is detached" {
		t.Errorf("detached: got %v", err)
	}
	c.owner.Store(&Identity{Organization: "first"})
	if got, err := headers(); got != "first" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	c.owner.Store(&Identity{Organization: "second"})
	if got, err := headers(); got != "second" || err != nil {
		t.Errorf("another owner: got %q, %v: want it read afresh", got, err)
	}
	if got := (owned{&c}).Identity(); got.Organization != "second" {
		t.Errorf("got %+v", got)
	}
	for _, none := range []*Context{p.For(nil), p.ForComponent(nil)} {
		if _, err := none.HandshakeHeaders(t.Context()); !errors.Is(err, ErrNoActor) {
			t.Errorf("nil: got %v, want ErrNoActor", err)
		}
	}
}

func TestPolicyOptions(t *testing.T) {
	for _, tt := range []struct {
		o    PolicyOptions
		is   error
		want string
	}{
		{PolicyOptions{Client: GameServer}, ErrServerScope, "auth policy: a game server has world scope only: got scope none"},
		{PolicyOptions{Client: GameServer, Scope: ScopeProject}, ErrServerScope, "auth policy: a game server has world scope only: got scope project"},
		{PolicyOptions{Scope: 7}, ErrBadOption, "auth policy: bad option: scope: got 7, want 0 to 4"},
		{PolicyOptions{Client: 7}, ErrBadOption, "auth policy: bad option: client type: got 7, want Player or GameServer"},
	} {
		if _, err := NewPolicy(tt.o); !errors.Is(err, tt.is) || err.Error() != tt.want {
			t.Errorf("%+v: got %v, want %s", tt.o, err, tt.want)
		}
	}
	if _, err := NewPolicy(PolicyOptions{Client: GameServer, Scope: ScopeWorld}); err != nil {
		t.Error(err)
	}
}

func TestBearerIsRenewedAtTheNextConnectOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p, err := NewPolicy(PolicyOptions{Tokens: sourceFunc(func(context.Context, Request) (Token, error) {
			calls++
			return NewToken("token-"+string(rune('0'+calls)), time.Now().Add(5*time.Minute))
		})})
		auth := must(t, p, err).For(full)
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{0, "Bearer token-1"},
			{4*time.Minute + 29*time.Second, "Bearer token-1"}, // 31 s left
			{time.Second, "Bearer token-2"},                    // 30 s left: the margin
			{time.Hour, "Bearer token-3"},                      // none was fetched meanwhile
		} {
			advance(step.wait)
			h, err := auth.HandshakeHeaders(t.Context())
			if got := h.Get("Authorization"); got != step.want || err != nil {
				t.Errorf("after %s: got %q, %v, want %q", step.wait, got, err, step.want)
			}
		}
	})
}

func TestPolicySharesAGivenCache(t *testing.T) {
	static, err := NewStatic("t0ken")
	cache, err := NewCache(must(t, static, err), CacheOptions{})
	must(t, cache, err)
	for range 2 {
		p, err := NewPolicy(PolicyOptions{Tokens: cache})
		if must(t, p, err).tokens != cache {
			t.Error("a cache was put behind another cache")
		}
	}
}

func TestContextIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(Context{}); got > 3*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("got %d bytes, want three words", got)
	}
}

// For every identity and scope: either all ids of the scope are in the headers and nothing else is,
// or the error names exactly those that are missing.
func TestHeadersProperty(t *testing.T) {
	id := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[!-~]{1,20}`))
	rapid.Check(t, func(t *rapid.T) {
		who := Identity{id.Draw(t, "user"), id.Draw(t, "org"), id.Draw(t, "project"), id.Draw(t, "world"), id.Draw(t, "launch")}
		scope := Scope(rapid.IntRange(0, NumScopes-1).Draw(t, "scope"))
		p, err := NewPolicy(PolicyOptions{Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		h, err := p.For(who).HandshakeHeaders(context.Background())
		want := map[string]string{HeaderOrganization: who.Organization, HeaderProject: who.Project, HeaderWorld: who.World, HeaderLaunchContext: who.LaunchContext}
		byScope := [NumScopes][]string{
			nil, {HeaderOrganization}, {HeaderOrganization, HeaderProject}, {HeaderOrganization, HeaderProject, HeaderWorld},
			{HeaderOrganization, HeaderProject, HeaderLaunchContext},
		}[scope]
		missing := 0
		for _, name := range byScope {
			if want[name] == "" {
				missing++
			} else if err == nil && h.Get(name) != want[name] {
				t.Fatalf("%s: got %q, want %q", name, h.Get(name), want[name])
			}
		}
		if err == nil {
			if missing > 0 || len(h) != len(byScope) {
				t.Fatalf("got %v with %d missing", h, missing)
			}
			return
		}
		e, ok := errors.AsType[*IdentityError](err)
		if !ok || len(e.Missing) != missing || len(e.Bad) != 0 {
			t.Fatalf("got %v, want %d missing", err, missing)
		}
	})
}
