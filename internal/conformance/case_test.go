package conformance

import (
	"net"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// A Case is one behaviour of a server, and what a client must make of it.
type Case struct {
	id, title string

	// What the server does, at one of three points: once TCP is up, once it has the request, or once it has
	// accepted. What is left of the connection then is ended as the reaction asks for, see session.finish.
	tcp     func(*session, net.Conn)
	request func(*session)
	script  func(*session)

	runs   kind // where it can be played
	narrow bool // the server's receive buffer is as small as it gets

	// What the client does. Left out, it asks for no subprotocol and echoes every data message.
	options func(*transport.Options) // a case with options of its own has a loop of its own
	connect func(*messages.Connect)
	opened  func(*player)
	message func(*player, *messages.Message)

	want reaction
}

// kind says which variants a case is for.
type kind uint8

const (
	everywhere kind = iota
	overTCP         // not over TLS
	overTLS         // nowhere else; with tcp set, it plays before the TLS handshake
)

// How long the clocks of a case run that waits for one. The others have patience.
const (
	brief = 100 * time.Millisecond
	dial  = 250 * time.Millisecond // a handshake has to fit in
)

// Options for the cases that wait for a clock.
func closeTimeout(o *transport.Options) { o.CloseTimeout = brief }
func dialTimeout(o *transport.Options)  { o.DialTimeout = dial }
func idleTimeout(o *transport.Options)  { o.IdleTimeout = brief }
func writeTimeout(o *transport.Options) { o.WriteTimeout = brief }
func noTimeout(*transport.Options)      {}
func endOnBacklog(o *transport.Options) { o.CloseOnBacklog = true }

// limit sets the largest message.
func limit(n int) func(*transport.Options) {
	return func(o *transport.Options) { o.MaxMessage = n }
}

// bytes joins frames, so that they go in one write.
func bytes(frames ...[]byte) (all []byte) {
	for _, f := range frames {
		all = append(all, f...)
	}
	return all
}

// says sends frames in one write.
func says(frames ...[]byte) func(*session) {
	return func(s *session) { s.Say(bytes(frames...)) }
}

// each sends every frame in a write of its own.
func each(frames ...[]byte) func(*session) {
	return func(s *session) { s.Say(frames...) }
}

// chops sends frames in writes of n bytes.
func chops(n int, frames ...[]byte) func(*session) {
	return func(s *session) { s.Chop(n, bytes(frames...)) }
}

// octets sends frames a byte at a time.
func octets(frames ...[]byte) func(*session) { return chops(1, frames...) }

// Frames of the server, by what they are. The first byte has FIN, the reserved bits and the opcode.
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10

	opCont   = 0x0
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

func frame(first byte, payload string) []byte { return wstest.RawFrame(first, []byte(payload)) }

func text(s string) []byte   { return frame(fin|opText, s) }
func binary(s string) []byte { return frame(fin|opBinary, s) }
func ping(s string) []byte   { return frame(fin|opPing, s) }
func pong(s string) []byte   { return frame(fin|opPong, s) }
func begin(s string) []byte  { return frame(opText, s) }       // of a text message in fragments
func more(s string) []byte   { return frame(opCont, s) }       // its next fragment
func last(s string) []byte   { return frame(fin|opCont, s) }   // its last
func shut(s string) []byte   { return frame(fin|opClose, s) }  // a close frame with that payload
func bye(code int) []byte    { return wstest.Close(code, "") } // a close frame with that code
