package authctx

import (
	"context"
	"fmt"
	"time"
)

// Static is a source that gives the same token to everyone, for ever. It does not read the token, so
// that an expired or forged one can be sent to see how a server takes it.
type Static struct {
	// Static after construction.
	token Token
}

// NewStatic takes the text of the token, as NewToken does.
func NewStatic(text string) (*Static, error) {
	token, err := NewToken(text, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("static token: %w", err)
	}
	return &Static{token: token}, nil
}

// Token implements TokenSource.
func (s *Static) Token(context.Context, Request) (Token, error) { return s.token, nil }

// CacheKey implements Keyed: nothing of the request matters.
func (s *Static) CacheKey(Request) Request { return Request{} }

// Format prints a name, whatever the verb.
func (s *Static) Format(f fmt.State, _ rune) { writeName(f, "static token") }
