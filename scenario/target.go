package scenario

import (
	"regexp"
	"time"

	"go.yaml.in/yaml/v4"
)

// Target is the server, and how connections to it are made.
type Target struct {
	URL          string
	URLAt        Pos
	Embedded     string
	EmbeddedAt   Pos
	Subprotocols []string
	Headers      []*Header
	Compress     string // "", off, on or takeover
	Cookies      bool
	TLS          TLS
	Limits       Limits
}

// Header is a header of a request; the value may be a template.
type Header struct {
	Name    string
	At      Pos
	Value   string
	ValueAt Pos
}

// Embedded are the servers that can be started with the run.
var Embedded = []string{"echo", "room", "tick", "json-auth"}

func (t *Target) fields() []field {
	return []field{
		{name: "url", doc: "`ws://` or `wss://` address; may be a template", value: text{to: &t.URL, pos: &t.URLAt}},
		{name: "embedded", doc: "a server of loadrig's own that is started with the run, instead of `url`", value: choice{to: &t.Embedded, words: Embedded, pos: &t.EmbeddedAt}},
		{name: "subprotocols", doc: "offered in this order", value: texts{to: &t.Subprotocols, what: "subprotocols"}},
		{name: "headers", doc: "added to the opening handshake; values may be templates", value: headers(&t.Headers)},
		{name: "compress", doc: "permessage-deflate: `off`, `on`, or `takeover`, which keeps the context between messages", value: choice{to: &t.Compress, words: []string{"off", "on", "takeover"}}},
		{name: "cookies", doc: "keep cookies of the handshake and send them when reconnecting", value: boolean{to: &t.Cookies}},
		{name: "tls", doc: "what wss needs beyond the defaults", value: section{name: "tls", fields: t.TLS.fields()}},
		{name: "limits", doc: "what a connection bears with", value: section{name: "limits", fields: t.Limits.fields()}},
	}
}

// headers is a mapping from names of headers to their values.
func headers(to *[]*Header) named {
	return named{what: "texts", names: headerPattern, check: (*reader).header, item: func(name string, key *yaml.Node) value {
		one := &Header{Name: name, At: posOf(key)}
		*to = append(*to, one)
		return text{to: &one.Value, pos: &one.ValueAt}
	}}
}

const headerPattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" // a token of RFC 9110 §5.6.2

func (r *reader) header(key *yaml.Node) {
	if !isHeader.MatchString(key.Value) {
		r.wrongAt(key, "headers: got the name %q, want letters, digits and -, as X-Room", clip(key.Value, 60))
	}
}

var isHeader = regexp.MustCompile(headerPattern)

// TLS is what wss needs beyond the defaults.
type TLS struct {
	Insecure               bool
	CACert, Cert, Key, SNI string
	CertAt, KeyAt          Pos
	Min                    string
}

func (t *TLS) fields() []field {
	return []field{
		{name: "insecure", doc: "accept any certificate", value: boolean{to: &t.Insecure}},
		{name: "cacert", doc: "PEM file of the authorities to trust", value: text{to: &t.CACert}},
		{name: "cert", doc: "PEM file of the client certificate; `{n}` is the player's number", value: text{to: &t.Cert, pos: &t.CertAt}},
		{name: "key", doc: "PEM file of its key; `{n}` is the player's number", value: text{to: &t.Key, pos: &t.KeyAt}},
		{name: "sni", doc: "server name to send and check", value: text{to: &t.SNI}},
		{name: "min", doc: "oldest version of TLS", value: choice{to: &t.Min, words: []string{"1.0", "1.1", "1.2", "1.3"}}},
	}
}

// Limits are those of package transport; 0 is its default.
type Limits struct {
	DialTimeout, CloseTimeout, WriteTimeout, IdleTimeout, PingInterval time.Duration
	MaxMessage, MaxBacklog                                             int
	OnBacklog                                                          string
}

func (l *Limits) fields() []field {
	return []field{
		{name: "dial_timeout", doc: "for the whole opening handshake", value: duration{to: &l.DialTimeout, min: 1}},
		{name: "close_timeout", doc: "for the server's close frame", value: duration{to: &l.CloseTimeout, min: 1}},
		{name: "write_timeout", doc: "for a socket that takes nothing", value: duration{to: &l.WriteTimeout, min: 1}},
		{name: "idle_timeout", doc: "for a server that sends nothing", value: duration{to: &l.IdleTimeout, min: 1}},
		{name: "ping_interval", doc: "between keep-alive pings", value: duration{to: &l.PingInterval, min: 1}},
		{name: "max_message", doc: "largest message to receive", value: size{&l.MaxMessage}},
		{name: "max_backlog", doc: "bytes that may wait for a server that does not read", value: size{&l.MaxBacklog}},
		{name: "on_backlog", doc: "beyond that, `drop` the message or `close` the connection", value: choice{to: &l.OnBacklog, words: []string{"drop", "close"}}},
	}
}

// Auth is who the players are. The identity's parts may be templates.
type Auth struct {
	At                                                Pos
	Scope                                             string
	User, Organization, Project, World, LaunchContext string
	Token                                             Token

	userAt, organizationAt, projectAt, worldAt, launchContextAt Pos
}

// Token is where the delegated token comes from.
type Token struct {
	Value    string // a token for all; @FILE reads it from a file
	Key      string // a file to mint with
	KeyAt    Pos
	Issuer   string
	Audience []string
	Lifetime time.Duration
}

func (f *File) auth() value {
	a := new(Auth)
	return section{name: "auth", set: func(n *yaml.Node) { f.Auth, a.At = a, posOf(n) }, fields: []field{
		{name: "scope", doc: "which `x-m2-` headers are sent", value: choice{to: &a.Scope, words: []string{"none", "organization", "project", "world", "launch_context"}}},
		{name: "user", doc: "user id, `player-` and the player's number by default; may be a template, as the other ids", value: text{to: &a.User, pos: &a.userAt}},
		{name: "organization", doc: "organization id", value: text{to: &a.Organization, pos: &a.organizationAt}},
		{name: "project", doc: "project id", value: text{to: &a.Project, pos: &a.projectAt}},
		{name: "world", doc: "world id", value: text{to: &a.World, pos: &a.worldAt}},
		{name: "launch_context", doc: "launch context id", value: text{to: &a.LaunchContext, pos: &a.launchContextAt}},
		{name: "token", doc: "the delegated bearer token", value: section{name: "token", fields: []field{
			{name: "value", doc: "a token for all players; `@FILE` reads it from a file", value: text{to: &a.Token.Value}},
			{name: "key", doc: "private key file to mint each player's token with", value: text{to: &a.Token.Key, pos: &a.Token.KeyAt}},
			{name: "issuer", doc: "`iss` of minted tokens", value: text{to: &a.Token.Issuer}},
			{name: "audience", doc: "`aud` of minted tokens", value: texts{to: &a.Token.Audience, what: "audiences"}},
			{name: "lifetime", doc: "from `iat` to `exp` of minted tokens", value: duration{to: &a.Token.Lifetime, min: time.Second}},
		}}},
	}}
}
