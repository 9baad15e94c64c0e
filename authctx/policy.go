package authctx

import (
	"context"
	"fmt"
	"net/http"

	"github.com/loadrig/loadrig/messages"
)

// PolicyOptions says how players identify themselves. The zero value sends nothing.
type PolicyOptions struct {
	// Scope says which ids the headers name. Default ScopeNone: none.
	Scope Scope
	// Tokens is where bearer tokens come from. Default nil: no Authorization header. A source that
	// is not a *Cache is put behind one of default size; make the Cache yourself to change it, or to
	// share it between policies.
	Tokens TokenSource
	// Client is what tokens are issued to. Default Player. GameServer needs ScopeWorld.
	Client ClientType
}

// Policy is what the contexts of many players have in common. It is safe for concurrent use.
type Policy struct {
	// Static after construction.
	scope  Scope
	client ClientType
	tokens *Cache // nil: no token
}

// NewPolicy checks the options. The error is ErrBadOption or ErrServerScope.
func NewPolicy(o PolicyOptions) (*Policy, error) {
	if err := (Request{Client: o.Client, Scope: o.Scope}).check(); err != nil {
		return nil, fmt.Errorf("auth policy: %w", err)
	}
	p := &Policy{scope: o.Scope, client: o.Client}
	if o.Tokens == nil {
		return p, nil
	}
	if cache, ok := o.Tokens.(*Cache); ok {
		p.tokens = cache
		return p, nil
	}
	cache, err := NewCache(o.Tokens, CacheOptions{})
	if err != nil {
		return nil, fmt.Errorf("auth policy: %w", err)
	}
	p.tokens = cache
	return p, nil
}

// For takes an auth context from an actor.
func (p *Policy) For(a Actor) *Context { return &Context{policy: p, actor: a} }

// ForComponent takes an auth context from an actor component: the identity is its owner's at the
// time of each Connect and Reconnect.
func (p *Policy) ForComponent(c Component) *Context {
	if c == nil {
		return &Context{policy: p}
	}
	return &Context{policy: p, actor: owned{c}}
}

// maxHeaders is the most that a handshake gets from here: three ids and a token.
const maxHeaders = 4

// owned is a component as an actor.
type owned struct{ Component }

// Identity is the owner's; Context.Identity refuses a detached component before it comes to this.
func (o owned) Identity() Identity {
	if owner := o.Owner(); owner != nil {
		return owner.Identity()
	}
	return Identity{}
}

// Context is the auth context of one player: its actor under a policy. It implements
// messages.Authorizer, is safe for concurrent use and holds no state of its own, so a player costs
// three words and its share of the token cache.
type Context struct {
	// Static after construction.
	policy *Policy
	actor  Actor
}

var _ messages.Authorizer = (*Context)(nil)

// Identity gives the identity of the actor, or of the component's owner, as it is now; ErrNoActor if
// there is none.
func (c *Context) Identity() (Identity, error) {
	if c.actor == nil {
		return Identity{}, ErrNoActor
	}
	o, ok := c.actor.(owned)
	if !ok {
		return c.actor.Identity(), nil
	}
	owner := o.Owner() // asked once: it may change between two calls
	if owner == nil {
		return Identity{}, fmt.Errorf("%w: the component is detached", ErrNoActor)
	}
	return owner.Identity(), nil
}

// HandshakeHeaders gives the scope headers and, if the policy has a token source, Authorization:
// Bearer with a token that is valid now. The identity is read afresh at each call and the token is
// renewed when it is about to expire; a call may block in the token source until ctx ends. The
// caller owns the header. It holds the token in clear: write it to the socket, log nothing of it.
//
// Errors: ErrNoActor; *IdentityError, which names every id that is missing or may not stand in a
// header; what the token source gives, ErrNoToken as a rule; the error of ctx.
func (c *Context) HandshakeHeaders(ctx context.Context) (http.Header, error) {
	id, err := c.Identity()
	if err != nil {
		return nil, err
	}
	p := c.policy
	req := Request{Client: p.client, Scope: p.scope, Identity: id}
	need := p.scope.ids()
	if p.tokens != nil {
		need |= p.tokens.needs(req)
	}
	if err := id.check(p.scope, p.tokens != nil, need); err != nil {
		return nil, err
	}
	h := make(http.Header, maxHeaders)
	for i, row := range idTable {
		if p.scope.ids().has(i) {
			h.Set(row.header, *row.field(&id))
		}
	}
	if p.tokens == nil {
		return h, nil
	}
	token, err := p.tokens.Token(ctx, req)
	if err != nil {
		return nil, err
	}
	h.Set("Authorization", "Bearer "+token.Reveal())
	return h, nil
}
