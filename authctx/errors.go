package authctx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/messages"
)

// Why an auth context gave no headers. Test for them with errors.Is.
var (
	// ErrNoActor: the context was made of a nil actor, or its component has no owner.
	ErrNoActor = errors.New("no actor to take the identity from")
	// ErrMissingID: the identity lacks an id that the scope or the token source needs.
	ErrMissingID = errors.New("missing id")
	// ErrServerScope: a game server asked for another scope than World.
	ErrServerScope = errors.New("a game server has world scope only")
	// ErrNoToken: the token source failed.
	ErrNoToken = errors.New("no token")
	// ErrBadToken: what was given or fetched may not stand in an Authorization header.
	ErrBadToken = errors.New("bad token")
	// ErrBadKey: a key file, or a key, that no token can be signed with.
	ErrBadKey = errors.New("bad key")
	// ErrBadOption: a scope, an algorithm or an option that has no meaning.
	ErrBadOption = errors.New("bad option")
)

// IdentityError says what is wrong with an identity, all of it at once. It unwraps to ErrMissingID
// and, where an id may not stand in a header, to messages.ErrBadHeader.
type IdentityError struct {
	Scope   Scope
	Token   bool     // a token was asked for as well, and may need more ids than the scope
	Missing []string // "world id"
	Bad     []string // "project id has a line break at byte 3, want visible ASCII"
}

// Error gives "scope world with a token: missing user id, world id".
func (e *IdentityError) Error() string {
	var parts []string
	if len(e.Missing) > 0 {
		parts = append(parts, "missing "+strings.Join(e.Missing, ", "))
	}
	parts = append(parts, e.Bad...)
	with := ""
	if e.Token {
		with = " with a token"
	}
	return fmt.Sprintf("scope %s%s: %s", e.Scope, with, strings.Join(parts, "; "))
}

// Unwrap gives the sentinels.
func (e *IdentityError) Unwrap() []error {
	var errs []error
	if len(e.Missing) > 0 {
		errs = append(errs, ErrMissingID)
	}
	if len(e.Bad) > 0 {
		errs = append(errs, messages.ErrBadHeader)
	}
	return errs
}

// TokenError says which source gave no token, and why. It unwraps to ErrNoToken and to the reason.
type TokenError struct {
	// Source names the source without its secrets: "POST https://id.example/token".
	Source string
	Err    error
}

// Error gives "no token from POST https://id.example/token: got status 401, want 2xx".
func (e *TokenError) Error() string {
	return fmt.Sprintf("no token from %s: %v", e.Source, e.Err)
}

// Unwrap gives ErrNoToken and the reason.
func (e *TokenError) Unwrap() []error { return []error{ErrNoToken, e.Err} }

// KeyError says in one line what a key file held, what was wanted and how to get there. It unwraps
// to ErrBadKey and, if the file could not be read, to the error of the file system.
type KeyError struct {
	Path   string // the file, or what stands for it
	Got    string
	Remedy string
	Err    error // nil unless the file could not be read
}

// Error gives "key file k.pem: got a public key, want …: …".
func (e *KeyError) Error() string {
	return fmt.Sprintf("key file %s: got %s, want an unencrypted private key for ES256, EdDSA or RS256 as PEM "+
		"(PKCS#8, SEC 1, PKCS#1) or JWK: %s", e.Path, e.Got, e.Remedy)
}

// Unwrap gives ErrBadKey and the error of the file system, if there is one.
func (e *KeyError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrBadKey}
	}
	return []error{ErrBadKey, e.Err}
}

// optionErrors collects every mistake of one options struct, so that all are reported at once.
type optionErrors struct {
	what string
	errs []error
}

func (o *optionErrors) add(format string, args ...any) {
	o.errs = append(o.errs, fmt.Errorf(o.what+": "+format, args...))
}

// names wants a list of names that may stand in a token or a form.
func (o *optionErrors) names(what string, list []string) {
	for i, name := range list {
		if name == "" {
			o.add("%s: entry %d is empty, want a name", what, i)
		} else if flaw := idFlaw(name, false); flaw != "" {
			o.add("%s: entry %d %s", what, i, flaw)
		}
	}
}

func (o *optionErrors) err() error {
	if len(o.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrBadOption, errors.Join(o.errs...))
}
