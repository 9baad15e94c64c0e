package authctx

import (
	"fmt"
	"strings"
)

// The headers that name a scope. Header names have no case on the wire (RFC 9110 §5.1); in an
// http.Header they stand in Go's canonical form, so that Get finds them.
const (
	HeaderOrganization  = "x-m2-organization-id"
	HeaderProject       = "x-m2-project-id"
	HeaderWorld         = "x-m2-world-id"
	HeaderLaunchContext = "x-m2-launch-context-id"
)

// Scope says which of an identity's ids the handshake names. The zero Scope names none.
type Scope uint8

// The scopes.
const (
	ScopeNone Scope = iota
	ScopeOrganization
	ScopeProject
	ScopeWorld
	ScopeLaunchContext // deprecated by the platform; servers that still ask for it exist
	NumScopes          = 5
)

var scopeNames = [NumScopes]string{"none", "organization", "project", "world", "launch_context"}

// scopeIDs says which ids each scope needs. Headers and claims are read from it.
var scopeIDs = [NumScopes]idSet{
	ScopeOrganization:  idOrganization,
	ScopeProject:       idOrganization | idProject,
	ScopeWorld:         idOrganization | idProject | idWorld,
	ScopeLaunchContext: idOrganization | idProject | idLaunchContext,
}

// ParseScope reads a scope's name. Case does not count, nor do "-", "_" and blanks, so
// "Launch Context" is launch_context. The error names the valid scopes and the nearest.
func ParseScope(name string) (Scope, error) {
	for s, known := range scopeNames {
		if plain(name) == plain(known) {
			return Scope(s), nil
		}
	}
	return ScopeNone, fmt.Errorf("%w: scope: got %q, want one of %s%s",
		ErrBadOption, clip(name), strings.Join(scopeNames[:], ", "), suggest(name, scopeNames[:]))
}

// String gives the name that ParseScope reads.
func (s Scope) String() string {
	if !s.valid() {
		return fmt.Sprintf("scope(%d)", uint8(s))
	}
	return scopeNames[s]
}

// Deprecated tells the scopes that the platform wants no new use of.
func (s Scope) Deprecated() bool { return s == ScopeLaunchContext }

// MarshalText gives the name.
func (s Scope) MarshalText() ([]byte, error) {
	if !s.valid() {
		return nil, fmt.Errorf("%w: got %s, want a scope", ErrBadOption, s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what ParseScope reads.
func (s *Scope) UnmarshalText(text []byte) error {
	parsed, err := ParseScope(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

func (s Scope) valid() bool { return s < NumScopes }

func (s Scope) ids() idSet {
	if !s.valid() {
		return 0
	}
	return scopeIDs[s]
}

var separators = strings.NewReplacer("-", "", "_", "", " ", "")

func plain(name string) string { return separators.Replace(strings.ToLower(name)) }

// clip keeps what a user mistyped from filling the screen.
func clip(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "…"
}
