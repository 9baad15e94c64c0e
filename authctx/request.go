package authctx

import (
	"fmt"
)

// ClientType is what a token is issued to.
type ClientType uint8

// The client types.
const (
	Player     ClientType = iota // a person's game client: the token names the user
	GameServer                   // a game server: the token says client_type ue_server and names no user
)

// claimGameServer is the client_type of a game server's token.
const claimGameServer = "ue_server"

// String gives "player" or "ue_server".
func (c ClientType) String() string {
	switch c {
	case Player:
		return "player"
	case GameServer:
		return claimGameServer
	default:
		return fmt.Sprintf("client_type(%d)", uint8(c))
	}
}

// Request is what a token is asked for. Requests compare with ==, so they are keys of a cache.
type Request struct {
	Client   ClientType
	Scope    Scope
	Identity Identity
}

// check wants a client type and a scope that exist and go together.
func (r Request) check() error {
	switch {
	case !r.Scope.valid():
		return fmt.Errorf("%w: scope: got %d, want 0 to %d", ErrBadOption, r.Scope, NumScopes-1)
	case r.Client > GameServer:
		return fmt.Errorf("%w: client type: got %d, want Player or GameServer", ErrBadOption, r.Client)
	case r.Client == GameServer && r.Scope != ScopeWorld:
		return fmt.Errorf("%w: got scope %s", ErrServerScope, r.Scope)
	}
	return nil
}

// Keyed is implemented by a source whose tokens do not depend on all of a request. CacheKey blanks
// what the source does not look at, so that players who would get the same token share it. A cache
// takes the whole request as its key where the source is not Keyed.
type Keyed interface {
	CacheKey(req Request) Request
}

// needy is a source that cannot answer without certain ids. The policy asks it first, so that one
// error names them together with those of the scope.
type needy interface {
	needs(req Request) idSet
}
