package messages

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
)

// Command is one of *Connect, *Reconnect, *Disconnect, *SendJSON, *SendText, *SendBinary and *Ping.
// A command is accepted or refused in the turn it arrives, by the table behind [Next]. Commands are
// passed by pointer, are not copied, and must not be changed once they were told; one value may be
// told to any number of connections.
type Command interface {
	// Kind names the command for counters and errors.
	Kind() CommandKind
}

// CommandKind enumerates the commands, for labels.
type CommandKind uint8

// The kinds of commands.
const (
	KindConnect CommandKind = iota
	KindReconnect
	KindDisconnect
	KindSendJSON
	KindSendText
	KindSendBinary
	KindPing
	NumCommands = 7
)

var commandNames = [NumCommands]string{"connect", "reconnect", "disconnect", "send_json", "send_text", "send_binary", "ping"}

// String gives the metric label.
func (k CommandKind) String() string { return nameOf(commandNames[:], int(k)) }

// Input gives the row of the transition table that the command is looked up in.
func (k CommandKind) Input() Input {
	switch k {
	case KindConnect:
		return InputConnect
	case KindReconnect:
		return InputReconnect
	case KindDisconnect:
		return InputDisconnect
	default:
		return InputSend
	}
}

// Authorizer gives the headers that identify a player in the opening handshake: scope headers and,
// where it is asked for, the delegated bearer token. It is called afresh at each Connect and
// Reconnect, off the shard, and may block until ctx ends. Implementations are safe for concurrent
// use and keep the token out of their errors.
type Authorizer interface {
	HandshakeHeaders(ctx context.Context) (http.Header, error)
}

// Connect opens a connection. It is accepted in Idle, and in Disconnected, where it replaces the
// parameters of the earlier one.
type Connect struct {
	// URL is required: ws:// or wss://, with host, optional port (80, 443) and no fragment.
	URL string
	// Subprotocols are offered in this order in Sec-WebSocket-Protocol; empty offers none, and a
	// server that then picks one fails the handshake (RFC 6455 §4.1).
	Subprotocols []string
	// Headers are added to the handshake request. Those the handshake itself owns (Host may be set;
	// Connection, Upgrade and Sec-WebSocket-* may not) are refused.
	Headers http.Header
	// Auth adds the headers of an auth context; nil adds none.
	Auth Authorizer
	// Certificate is this player's client certificate for wss; nil is the rig's own, if it has one.
	Certificate *tls.Certificate
}

// Reconnect opens the connection again with the parameters of the last Connect. It is accepted in
// Disconnected only; before any Connect it is refused with ErrNeverConnected.
type Reconnect struct{}

// Disconnect closes the connection, or cancels the attempt to open it.
type Disconnect struct {
	// Code is the close code to send; 0 means 1000, CloseNormal. It must be Sendable.
	Code CloseCode
	// Reason is at most 123 bytes of UTF-8; empty by default.
	Reason string
}

// SendText sends one text message. The payload must be UTF-8; it is checked.
type SendText struct{ Payload []byte }

// SendBinary sends one binary message.
type SendBinary struct{ Payload []byte }

// SendJSON sends a JSON object as one text message. Anything else than an object is refused with
// ErrNotObject.
type SendJSON struct{ Object json.RawMessage }

// Ping sends a ping. The payload is at most 125 bytes.
type Ping struct{ Payload []byte }

// Kind implements Command.
func (*Connect) Kind() CommandKind { return KindConnect }

// Kind implements Command.
func (*Reconnect) Kind() CommandKind { return KindReconnect }

// Kind implements Command.
func (*Disconnect) Kind() CommandKind { return KindDisconnect }

// Kind implements Command.
func (*SendText) Kind() CommandKind { return KindSendText }

// Kind implements Command.
func (*SendBinary) Kind() CommandKind { return KindSendBinary }

// Kind implements Command.
func (*SendJSON) Kind() CommandKind { return KindSendJSON }

// Kind implements Command.
func (*Ping) Kind() CommandKind { return KindPing }

// NewSendJSON marshals v, which must become a JSON object.
func NewSendJSON(v any) (*SendJSON, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("send json: %w", err)
	}
	if !IsObject(b) {
		return nil, fmt.Errorf("send json: %w: got %T", ErrNotObject, v)
	}
	return &SendJSON{Object: b}, nil
}

// IsObject tells whether b is exactly one valid JSON object.
func IsObject(b []byte) bool {
	t := bytes.TrimLeft(b, " \t\r\n")
	return len(t) > 0 && t[0] == '{' && json.Valid(b)
}
