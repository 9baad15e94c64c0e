package authctx

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Identity is who a player, or a game server, is. Ids are opaque. Those that go into headers must be
// visible ASCII; the user id may be any UTF-8 without control characters. Which ids must be there
// depends on the scope and on the token source.
//
// An Identity is itself an [Actor], for players that have nothing else to say.
type Identity struct {
	UserID        string
	Organization  string
	Project       string
	World         string
	LaunchContext string
}

// Identity implements Actor.
func (id Identity) Identity() Identity { return id }

// Actor is an actor in the game's sense: something that has an identity. It is asked at every
// Connect and Reconnect, off the shard, so it must be safe for concurrent use.
type Actor interface {
	Identity() Identity
}

// Component is a part of an actor. Its identity is its owner's. Owner is asked as an Actor is, and
// may give another owner each time; nil means that the component is detached.
type Component interface {
	Owner() Actor
}

// idSet is a set of ids, as bits in the order of idTable.
type idSet uint8

const (
	idUser idSet = 1 << iota
	idOrganization
	idProject
	idWorld
	idLaunchContext
)

// idTable is all there is to know about the ids. Its order is that of the idSet bits and of errors.
var idTable = [...]struct {
	name   string // in errors
	header string // in the handshake; the user id has none
	claim  string // in the token's payload, and as a placeholder
	field  func(*Identity) *string
}{
	{"user id", "", "user_id", func(id *Identity) *string { return &id.UserID }},
	{"organization id", HeaderOrganization, "organization_id", func(id *Identity) *string { return &id.Organization }},
	{"project id", HeaderProject, "project_id", func(id *Identity) *string { return &id.Project }},
	{"world id", HeaderWorld, "world_id", func(id *Identity) *string { return &id.World }},
	{"launch context id", HeaderLaunchContext, "launch_context_id", func(id *Identity) *string { return &id.LaunchContext }},
}

func (s idSet) has(i int) bool { return s&(1<<i) != 0 }

// only gives the ids in s and leaves the others empty.
func (id Identity) only(s idSet) Identity {
	var out Identity
	for i, row := range idTable {
		if s.has(i) {
			*row.field(&out) = *row.field(&id)
		}
	}
	return out
}

// check wants every id in need to be there and fit for its place.
func (id Identity) check(scope Scope, token bool, need idSet) error {
	var missing, bad []string
	for i, row := range idTable {
		if !need.has(i) {
			continue
		}
		value := *row.field(&id)
		if value == "" {
			missing = append(missing, row.name)
		} else if flaw := idFlaw(value, row.header != ""); flaw != "" {
			bad = append(bad, row.name+" "+flaw)
		}
	}
	if missing == nil && bad == nil {
		return nil
	}
	return &IdentityError{Scope: scope, Token: token, Missing: missing, Bad: bad}
}

// maxID bounds an id, in bytes: four of them still fit the 8 KiB that servers allow for headers.
const maxID = 1024

// idFlaw tells what is wrong with a value, or gives "". A line break in an id would add a header of
// its own to the handshake (RFC 9110 §5.5), so nothing but visible ASCII passes into one.
func idFlaw(value string, inHeader bool) string {
	want := "UTF-8 without control characters"
	if inHeader {
		want = "visible ASCII"
	}
	if len(value) > maxID {
		return fmt.Sprintf("has %d bytes, want at most %d", len(value), maxID)
	}
	for i, r := range value {
		switch {
		case r == '\r' || r == '\n':
			return fmt.Sprintf("has a line break at byte %d, want %s", i, want)
		case unicode.IsControl(r):
			return fmt.Sprintf("has a control character at byte %d, want %s", i, want)
		case inHeader && r == ' ':
			return fmt.Sprintf("has a space at byte %d, want %s", i, want)
		case inHeader && r > unicode.MaxASCII:
			return fmt.Sprintf("has a character beyond ASCII at byte %d, want %s", i, want)
		}
	}
	if !utf8.ValidString(value) {
		return "is not UTF-8, want " + want
	}
	return ""
}
