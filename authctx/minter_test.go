package authctx

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

func newMinter(t testing.TB, o MintOptions) *Minter {
	t.Helper()
	m, err := NewMinter(o)
	return must(t, m, err)
}

func TestMintedTokensVerify(t *testing.T) {
	for alg := range Algorithm(NumAlgorithms) {
		t.Run(alg.String(), func(t *testing.T) {
			key := testKey(t, alg)
			set, err := NewKeySet(must(t, key, nil))
			must(t, set, err)
			m := newMinter(t, MintOptions{Key: key, Issuer: "https://rig.test", Audience: []string{"game", "chat"}})
			token, err := m.Token(t.Context(), Request{Scope: ScopeWorld, Identity: full})
			header, payload := verify(t, set, must(t, token, err).Reveal(), alg)
			if header.KeyID != key.ID() || header.Algorithm != alg.String() || header.ExtraHeaders["typ"] != "JWT" {
				t.Errorf("got header %+v", header)
			}
			// A second library's opinion, with no leeway at all: iat is not in the future.
			var standard jwt.Claims
			must(t, 0, json.Unmarshal(payload, &standard))
			expected := jwt.Expected{Issuer: "https://rig.test", AnyAudience: jwt.Audience{"chat"}}
			if err := standard.ValidateWithLeeway(expected, 0); err != nil {
				t.Error(err)
			}
			if !standard.Expiry.Time().Equal(token.Expiry()) {
				t.Errorf("exp: got %s in the payload and %s beside it", standard.Expiry.Time(), token.Expiry())
			}
		})
	}
}

func TestClaims(t *testing.T) {
	base := `"iss":"loadrig","aud":[],`
	times := `"iat":946684795,"exp":946685095}` // 2000-01-01T00:00:00Z - 5 s, + 5 min from there
	for _, tt := range []struct {
		name string
		o    MintOptions
		req  Request
		want string
	}{
		{"none", MintOptions{}, Request{}, `{` + base + `"scopes":[],"user_id":"user-1",` + times},
		{"organization", MintOptions{}, Request{Scope: ScopeOrganization}, `{` + base + `"scopes":["organization"],"user_id":"user-1","organization_id":"org-1",` + times},
		{"project", MintOptions{}, Request{Scope: ScopeProject}, `{` + base + `"scopes":["project"],"user_id":"user-1","organization_id":"org-1","project_id":"proj-1",` + times},
		{"world", MintOptions{}, Request{Scope: ScopeWorld}, `{` + base + `"scopes":["world"],"user_id":"user-1","organization_id":"org-1","project_id":"proj-1","world_id":"world-1",` + times},
		{"launch context", MintOptions{}, Request{Scope: ScopeLaunchContext}, `{` + base + `"scopes":["launch_context"],"user_id":"user-1","organization_id":"org-1","project_id":"proj-1","launch_context_id":"launch-1",` + times},
		{"game server", MintOptions{}, Request{Scope: ScopeWorld, Client: GameServer}, `{` + base + `"scopes":["world"],"client_type":"ue_server","organization_id":"org-1","project_id":"proj-1","world_id":"world-1",` + times},
		{"one audience is an array too", MintOptions{Audience: []string{"game"}}, Request{}, `{"iss":"loadrig","aud":["game"],"scopes":[],"user_id":"user-1",` + times},
		{"own scopes", MintOptions{Scopes: []string{"ws:connect", "chat"}}, Request{}, `{` + base + `"scopes":["ws:connect","chat"],"user_id":"user-1",` + times},
		{"own scopes, none", MintOptions{Scopes: []string{}}, Request{Scope: ScopeOrganization}, `{` + base + `"scopes":[],"user_id":"user-1","organization_id":"org-1",` + times},
		{"no skew", MintOptions{Skew: -1, Lifetime: time.Minute}, Request{}, `{` + base + `"scopes":[],"user_id":"user-1","iat":946684800,"exp":946684860}`},
		{"short: skew is 8 s / 4", MintOptions{Lifetime: 8 * time.Second}, Request{}, `{` + base + `"scopes":[],"user_id":"user-1","iat":946684798,"exp":946684806}`},
		{"fractions are dropped", MintOptions{Lifetime: 1900 * time.Millisecond}, Request{}, `{` + base + `"scopes":[],"user_id":"user-1","iat":946684800,"exp":946684801}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Key = testKey(t, EdDSA)
			tt.req.Identity = full
			synctest.Test(t, func(t *testing.T) { // the clock of the bubble starts at 2000-01-01T00:00:00Z
				advance(900 * time.Millisecond) // and iat is rounded down, not to the nearest
				claims, err := newMinter(t, tt.o).Claims(tt.req)
				got := must2(t)(json.Marshal(must(t, claims, err)))
				if diff := cmp.Diff(tt.want, string(got)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

// At whatever fraction of a second a token is minted, it is not expired, its iat is not in the
// future, and exp - iat is the lifetime.
func TestClaimsAtAnyFraction(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, time.Minute} {
		m := newMinter(t, MintOptions{Key: testKey(t, EdDSA), Lifetime: lifetime})
		for ms := range 40 {
			now := time.Unix(1_000_000, 0).Add(time.Duration(ms) * 25 * time.Millisecond)
			var c Claims
			c.date(now, m.o.Skew, m.o.Lifetime)
			if iat, exp := time.Unix(c.IssuedAt, 0), time.Unix(c.Expiry, 0); iat.After(now) || !exp.After(now) || exp.Sub(iat) != lifetime {
				t.Errorf("%s at %s: got iat %s, exp %s", lifetime, now, iat, exp)
			}
		}
	}
}

func TestMinterErrors(t *testing.T) {
	m := newMinter(t, MintOptions{Key: testKey(t, EdDSA)})
	source := "no token from minter with EdDSA key " + testKey(t, EdDSA).ID() + ": "
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		req  Request
		is   error
		want string
	}{
		{"server without world scope", t.Context(), Request{Client: GameServer, Scope: ScopeProject, Identity: full}, ErrServerScope, "a game server has world scope only: got scope project"},
		{"server without world", t.Context(), Request{Client: GameServer, Scope: ScopeWorld, Identity: Identity{Organization: "o", Project: "p"}}, ErrMissingID, "scope world with a token: missing world id"},
		{"nobody", t.Context(), Request{Scope: ScopeProject}, ErrMissingID, "scope project with a token: missing user id, organization id, project id"},
		{"no such scope", t.Context(), Request{Scope: 9, Identity: full}, ErrBadOption, "bad option: scope: got 9, want 0 to 4"},
		{"ended", ended, Request{Identity: full}, context.Canceled, "context canceled"},
	} {
		_, err := m.Token(tt.ctx, tt.req)
		if !errors.Is(err, tt.is) || !errors.Is(err, ErrNoToken) || err.Error() != source+tt.want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, source+tt.want)
		}
	}
}

func TestMintOptions(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    MintOptions
		want []string
	}{
		{"no key", MintOptions{}, []string{"key: got none, want a key: load or generate one"}},
		{"negative lifetime", MintOptions{Key: testKey(t, EdDSA), Lifetime: -time.Minute}, []string{"lifetime: got -1m0s, want 1s or more"}},
		{"half a second", MintOptions{Key: testKey(t, EdDSA), Lifetime: time.Second / 2}, []string{"lifetime: got 0s, want 1s or more"}},
		{
			"born expired", MintOptions{Key: testKey(t, EdDSA), Lifetime: time.Minute, Skew: time.Minute},
			[]string{"skew: got 1m0s, want at most 59s, the lifetime less 1s: tokens would be born expired"},
		},
		{
			"all at once", MintOptions{Issuer: "a\nb", Audience: []string{"x", ""}, Scopes: []string{"y\x00"}},
			[]string{
				"key: got none, want a key: load or generate one",
				"issuer has a line break at byte 1, want UTF-8 without control characters",
				"audience: entry 1 is empty, want a name",
				"scopes: entry 0 has a control character at byte 1, want UTF-8 without control characters",
			},
		},
	} {
		_, err := NewMinter(tt.o)
		want := "bad option: minter: " + strings.Join(tt.want, "\nminter: ")
		if !errors.Is(err, ErrBadOption) || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, want)
		}
	}
}

// The options are copied: what the caller does with its slices later has no effect.
func TestMinterKeepsItsOwnOptions(t *testing.T) {
	aud, scopes := []string{"game"}, []string{"chat"}
	m := newMinter(t, MintOptions{Key: testKey(t, EdDSA), Audience: aud, Scopes: scopes})
	aud[0], scopes[0] = "changed", "changed"
	first, err := m.Claims(Request{Identity: full})
	must(t, first, err).Audience[0] = "changed"
	if got, err := m.Claims(Request{Identity: full}); err != nil || got.Audience[0] != "game" || got.Scopes[0] != "chat" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// One minter serves everyone at once; each token names its own player, and ids that are not in the
// payload do not split the cache.
func TestMinterConcurrently(t *testing.T) {
	key := testKey(t, ES256)
	set, err := NewKeySet(key)
	must(t, set, err)
	c := newCache(t, newMinter(t, MintOptions{Key: key}), CacheOptions{})
	p, err := NewPolicy(PolicyOptions{Scope: ScopeOrganization, Tokens: c})
	must(t, p, err)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			id := full
			id.UserID = "user-" + string(rune('a'+i%8))
			id.World = string(rune('a' + i%64)) // not in the payload of this scope
			h, err := p.For(id).HandshakeHeaders(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			_, payload := verify(t, set, strings.TrimPrefix(h.Get("Authorization"), "Bearer "), ES256)
			var claims Claims
			if err := json.Unmarshal(payload, &claims); err != nil || claims.UserID != id.UserID {
				t.Errorf("got %+v, %v, want user %s", claims, err, id.UserID)
			}
		})
	}
	wg.Wait()
	if c.Len() != 8 {
		t.Errorf("got %d tokens, want 8", c.Len())
	}
}
