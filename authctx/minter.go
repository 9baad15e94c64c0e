package authctx

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Defaults of MintOptions.
const (
	DefaultLifetime = 5 * time.Minute
	DefaultSkew     = 5 * time.Second
	DefaultIssuer   = "loadrig"
)

// MintOptions says what minted tokens look like. Only Key is required.
type MintOptions struct {
	// Key signs the tokens.
	Key *Key
	// Issuer is the iss. Default DefaultIssuer.
	Issuer string
	// Audience is the aud, any number of names. Default none, which is an empty array.
	Audience []string
	// Scopes are the scopes in the payload. Default nil: the name of the request's scope, and an
	// empty array for ScopeNone. Not nil: these, whatever the request.
	Scopes []string
	// Lifetime is exp - iat, from one second up; fractions of a second are dropped. 0 means
	// DefaultLifetime; negative is refused.
	Lifetime time.Duration
	// Skew is how far iat is set back, for servers whose clock is behind this machine's. The token
	// expires earlier by as much. 0 means DefaultSkew, or a quarter of Lifetime in whole seconds if
	// that is less; negative means none. It must be at least a second less than Lifetime.
	Skew time.Duration
}

// Minter signs tokens on this machine. The server verifies them with the KeySet of the same key. It
// is safe for concurrent use.
type Minter struct {
	// Static after construction.
	o MintOptions
}

// NewMinter checks the options; the error reports every mistake.
func NewMinter(o MintOptions) (*Minter, error) {
	bad := optionErrors{what: "minter"}
	if o.Key == nil {
		bad.add("key: got none, want a key: load or generate one")
	}
	o = o.resolved()
	if o.Lifetime < time.Second {
		bad.add("lifetime: got %s, want 1s or more", o.Lifetime)
	} else if most := o.Lifetime - time.Second; o.Skew > most { // iat is rounded down by up to a second
		bad.add("skew: got %s, want at most %s, the lifetime less 1s: tokens would be born expired", o.Skew, most)
	}
	if flaw := idFlaw(o.Issuer, false); flaw != "" {
		bad.add("issuer %s", flaw)
	}
	bad.names("audience", o.Audience)
	bad.names("scopes", o.Scopes)
	if err := bad.err(); err != nil {
		return nil, err
	}
	return &Minter{o: o}, nil
}

// resolved gives a copy with the defaults filled in.
func (o MintOptions) resolved() MintOptions {
	if o.Issuer == "" {
		o.Issuer = DefaultIssuer
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	o.Lifetime = o.Lifetime.Truncate(time.Second)
	switch {
	case o.Skew < 0:
		o.Skew = 0
	case o.Skew == 0:
		o.Skew = min(DefaultSkew, (o.Lifetime / 4).Truncate(time.Second))
	}
	o.Audience = append([]string{}, o.Audience...) // an empty array, never null
	if o.Scopes != nil {
		o.Scopes = append([]string{}, o.Scopes...)
	}
	return o
}

// Claims gives the payload of a token issued now. A player's token needs a user id and the ids of
// its scope; a game server's needs those of ScopeWorld and may have no other scope.
func (m *Minter) Claims(req Request) (Claims, error) {
	if err := req.check(); err != nil {
		return Claims{}, err
	}
	if err := req.Identity.check(req.Scope, true, claimIDs(req)); err != nil {
		return Claims{}, err
	}
	c := Claims{Issuer: m.o.Issuer, Audience: slices.Clone(m.o.Audience), Scopes: slices.Clone(m.o.Scopes)}
	if m.o.Scopes == nil {
		c.Scopes = []string{}
		if req.Scope != ScopeNone {
			c.Scopes = append(c.Scopes, req.Scope.String())
		}
	}
	c.name(req)
	c.date(time.Now(), m.o.Skew, m.o.Lifetime)
	return c, nil
}

// Token implements TokenSource: a JWS in compact form with alg, kid and typ JWT in its header.
func (m *Minter) Token(ctx context.Context, req Request) (Token, error) {
	token, err := m.mint(ctx, req)
	if err != nil {
		return Token{}, &TokenError{Source: fmt.Sprint(m), Err: err}
	}
	return token, nil
}

func (m *Minter) mint(ctx context.Context, req Request) (Token, error) {
	if err := ctx.Err(); err != nil { // a signature cannot be interrupted, but it can be left undone
		return Token{}, err
	}
	claims, err := m.Claims(req)
	if err != nil {
		return Token{}, err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return Token{}, fmt.Errorf("claims: %w", err)
	}
	text, err := m.o.Key.sign(payload)
	if err != nil {
		return Token{}, err
	}
	return NewToken(text, time.Unix(claims.Expiry, 0))
}

// CacheKey implements Keyed: only the ids that go into the payload matter.
func (m *Minter) CacheKey(req Request) Request {
	req.Identity = req.Identity.only(claimIDs(req))
	return req
}

func (m *Minter) needs(req Request) idSet { return claimIDs(req) }

// Format prints the key's algorithm and id, whatever the verb.
func (m *Minter) Format(f fmt.State, _ rune) { writeName(f, fmt.Sprintf("minter with %v", m.o.Key)) }

// LogValue gives what Format prints.
func (m *Minter) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }
