package target

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/messages"
)

// gate lets in those whose delegated token verifies against the JWKS and whose scope headers say what the
// token says.
type gate struct {
	// Static after construction.
	keys     *keyring
	issuer   string
	audience string
}

func newGate(o *Options) (*gate, error) {
	k, err := newKeyring(o.JWKS)
	if err != nil {
		return nil, err
	}
	return &gate{k, o.Issuer, o.Audience}, nil
}

// pass is what a token said.
type pass struct {
	user, client string
	ids          [len(scopeHeaders)]string
	scopes       []string
	expires      int64          // seconds since 1970
	ends         messages.Stamp // when the session does
}

// scopeHeaders are the headers that name a scope's ids, and what whoami calls these.
var scopeHeaders = [...]struct{ header, name string }{
	{"x-m2-organization-id", "organization"},
	{"x-m2-project-id", "project"},
	{"x-m2-world-id", "world"},
	{"x-m2-launch-context-id", "launch_context"},
}

// scopeNeeds says which of them each scope needs. Scopes of other names need none.
var scopeNeeds = map[string][]int{
	"organization":  {0},
	"project":       {0, 1},
	"world":         {0, 1, 2},
	"launchcontext": {0, 1, 3},
}

// plainScope makes "Launch Context", "launch-context" and "launch_context" one.
var plainScope = strings.NewReplacer("-", "", "_", "", " ", "")

func needs(scope string) []int { return scopeNeeds[plainScope.Replace(strings.ToLower(scope))] }

// admit judges a request that is an upgrade otherwise.
func (g *gate) admit(s *session, r *request) *refusal {
	token, bad := r.bearer()
	var p *pass
	if bad == nil {
		p, bad = g.verify(token, time.Now())
	}
	if bad == nil {
		bad = r.scope(p)
	}
	switch {
	case bad == nil:
		s.guest.pass = p
	case bad.status == http.StatusUnauthorized:
		s.host.tally.tokensRefused.Add(1)
	case bad.status == http.StatusForbidden:
		s.host.tally.scopesRefused.Add(1)
	}
	return bad
}

// bearer gives the token (RFC 6750 §2.1).
func (r *request) bearer() (token string, bad *refusal) {
	value, n := r.claim("Authorization")
	scheme, rest, _ := bytes.Cut(value, []byte(" "))
	token = string(bytes.Trim(rest, " "))
	switch {
	case n > 1:
		return "", badRequest("Authorization more than once")
	case n == 0:
		return "", &refusal{http.StatusUnauthorized, "Authorization is missing: want Bearer and a token", `Bearer realm="loadrig target"`}
	case !isName(scheme, "Bearer") || token == "":
		return "", &refusal{http.StatusUnauthorized, "Authorization must be Bearer and a token", `Bearer realm="loadrig target"`}
	}
	return token, nil
}

// claim gives the first of the fields of that name, and how many there are.
func (r *request) claim(name string) (value []byte, n int) {
	for _, h := range r.claims {
		if isName(h.name, name) {
			if n == 0 {
				value = h.value
			}
			n++
		}
	}
	return value, n
}

// invalid refuses a token. The text must be fit for a quoted string.
func invalid(text string) *refusal {
	return &refusal{
		http.StatusUnauthorized, "the token is not valid: " + text,
		`Bearer realm="loadrig target", error="invalid_token", error_description="` + text + `"`,
	}
}

// claims are what is read of a token.
type claims struct {
	Issuer          string           `json:"iss"`
	Audience        jwt.Audience     `json:"aud"`
	Expiry          *jwt.NumericDate `json:"exp"`
	NotBefore       *jwt.NumericDate `json:"nbf"`
	Scopes          []string         `json:"scopes"`
	UserID          string           `json:"user_id"`
	ClientType      string           `json:"client_type"`
	OrganizationID  string           `json:"organization_id"`
	ProjectID       string           `json:"project_id"`
	WorldID         string           `json:"world_id"`
	LaunchContextID string           `json:"launch_context_id"`
}

// verify judges a token at now: first the signature, so that nothing else is told to who has none.
func (g *gate) verify(token string, now time.Time) (*pass, *refusal) {
	payload, bad := g.open(token)
	if bad != nil {
		return nil, bad
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, invalid("its payload is not a set of claims")
	}
	switch {
	case c.Expiry == nil:
		return nil, invalid("exp is missing")
	case !now.Before(c.Expiry.Time()):
		return nil, invalid("it has expired")
	case c.NotBefore != nil && now.Before(c.NotBefore.Time()):
		return nil, invalid("it is not valid yet")
	case g.issuer != "" && c.Issuer != g.issuer:
		return nil, invalid("iss is another issuer")
	case g.audience != "" && !c.Audience.Contains(g.audience):
		return nil, invalid("aud does not name this server")
	case c.UserID == "" && c.ClientType == "":
		return nil, invalid("user_id is missing, and client_type too")
	}
	p := &pass{
		user: c.UserID, client: c.ClientType, scopes: c.Scopes, expires: int64(*c.Expiry),
		ids: [...]string{c.OrganizationID, c.ProjectID, c.WorldID, c.LaunchContextID},
	}
	for _, scope := range c.Scopes {
		for _, i := range needs(scope) {
			if p.ids[i] == "" {
				return nil, invalid("its scope needs " + scopeHeaders[i].name + "_id")
			}
		}
	}
	// The session's clock is monotonic: it must not outlive the token if the wall clock is set back.
	left := min(c.Expiry.Time().Sub(now), math.MaxInt64/4)
	p.ends = messages.Now().Add(left)
	return p, nil
}

// open gives the payload of a token whose signature is good.
func (g *gate) open(token string) ([]byte, *refusal) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, invalid("it is not a JWT signed by an asymmetric algorithm")
	}
	h := jws.Signatures[0].Header
	keys, stale := g.keys.find(h.KeyID)
	for i := range keys {
		if keys[i].Algorithm != "" && keys[i].Algorithm != h.Algorithm {
			continue
		}
		if payload, err := jws.Verify(&keys[i]); err == nil {
			return payload, nil
		}
	}
	switch {
	case len(keys) == 0 && stale != nil:
		return nil, invalid("no key has its kid, and the JWKS could not be read again")
	case len(keys) == 0:
		return nil, invalid("no key has its kid")
	}
	return nil, invalid("its signature does not verify")
}

// scope compares the headers with the token: those that its scopes need must be there, and whatever is there
// must be what the token says.
func (r *request) scope(p *pass) *refusal {
	for i, h := range scopeHeaders {
		value, n := r.claim(h.header)
		needed := slices.ContainsFunc(p.scopes, func(scope string) bool { return slices.Contains(needs(scope), i) })
		switch {
		case n > 1:
			return badRequest(h.header + " more than once")
		case n == 0 && needed:
			return outOfScope(h.header + " is missing, which the token's scope needs")
		case n == 1 && string(value) != p.ids[i]:
			return outOfScope(h.header + " is not what the token says")
		}
	}
	return nil
}

func outOfScope(text string) *refusal {
	return &refusal{
		http.StatusForbidden, text,
		`Bearer realm="loadrig target", error="insufficient_scope", error_description="` + text + `"`,
	}
}

// message implements conversation.
func (g *gate) message(s *session, op ws.OpCode, p, out []byte) ([]byte, bool) {
	c, wrong := parseCommand(op, p)
	if wrong != "" || c.op != "whoami" {
		return out, false
	}
	t := s.guest.pass
	b := make([]byte, 0, 512)
	b = gjson.AppendJSONString(append(b, `{"op":"whoami","user":`...), t.user)
	if t.client != "" {
		b = gjson.AppendJSONString(append(b, `,"client_type":`...), t.client)
	}
	for i, h := range scopeHeaders {
		if i < 3 || t.ids[i] != "" {
			b = gjson.AppendJSONString(append(b, `,"`+h.name+`":`...), t.ids[i])
		}
	}
	b = append(b, `,"scopes":[`...)
	for i, scope := range t.scopes {
		if i > 0 {
			b = append(b, ',')
		}
		b = gjson.AppendJSONString(b, scope)
	}
	b = strconv.AppendInt(append(b, `],"expires":`...), t.expires, 10)
	return s.answer(out, b, c.id), true
}

// leave implements conversation.
func (g *gate) leave(*session) {}
