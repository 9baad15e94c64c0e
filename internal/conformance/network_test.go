package conformance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// network is section N: ends of TCP that nobody announced, servers that say nothing, and servers that do not
// read.
func network() []Case {
	var cases []Case
	for part, list := range [][]Case{resets(), halfOpen(), silences(), stalled(), beneathTLS()} {
		for i, c := range list {
			c.id = fmt.Sprintf("N.%d.%d", part+1, i+1)
			cases = append(cases, c)
		}
	}
	return cases
}

// thenReset sends frames and resets.
func thenReset(frames ...[]byte) func(*session) {
	return func(s *session) {
		if len(frames) > 0 {
			s.Say(bytes(frames...))
		}
		s.Reset()
	}
}

// resets is N.1: a reset in each phase.
func resets() []Case {
	reset := lost(messages.CauseReset)
	unopened := never(messages.CauseReset, messages.PhaseUpgrade)
	a := wstest.Accepted()
	normal := closeWith(messages.CloseNormal, "")
	return []Case{
		{title: "reset when TCP is up, the request unread", runs: overTCP, tcp: func(s *session, _ net.Conn) { s.Reset() }, want: unopened.wherever()},
		{title: "reset when the request was read", request: thenReset(), want: unopened},
		{title: "reset within the status line", request: thenReset([]byte("HTTP/1.1 1")), want: unopened},
		{title: "reset within the head", request: thenReset([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: web")), want: unopened},
		{title: "reset before the last byte of the head", request: func(s *session) {
			b := a.Bytes(s.Key())
			s.Say(b[:len(b)-1])
			s.Reset()
		}, want: unopened},
		{title: "reset behind the 101, which may be unread", request: func(s *session) { s.Answer(a); s.Reset() }, want: reset},
		{title: "reset behind a refusal", request: func(s *session) { s.Answer(wstest.Refused("503 Service Unavailable")); s.Reset() }, want: refused(503)},
		{title: "reset when open", script: thenReset(), want: reset},
		{title: "reset within a frame's header", script: thenReset(wstest.Header(fin|opText, 64, 1<<17)[:5]), want: reset},
		{title: "reset within a frame's payload", script: thenReset(text("hello")[:4]), want: reset},
		{title: "reset between two fragments", script: thenReset(begin("hel")), want: reset},
		{title: "reset within a close frame", script: thenReset(wstest.Close(1001, "moving")[:5]), want: reset},
		{title: "reset behind a message, whose echo may meet it", script: thenReset(text("hello")), want: lost(messages.CauseReset, txt("hello")).whatever()},
		{title: "reset behind fifty messages", script: thenReset([]byte(strings.Repeat(string(text("hello")), 50))), want: lost(messages.CauseReset, fifty("hello")...).whatever()},
		{title: "reset instead of an answer to the close frame", opened: normal, script: func(s *session) { s.AwaitClose(); s.Reset() }, want: closes(1000, false).unseen()},
		{title: "reset behind the answer to the close frame", opened: normal, script: func(s *session) { s.AwaitClose(); s.Say(bye(1000)); s.Reset() }, want: closes(1000, true).unseen()},
		{title: "reset behind the server's close frame and its answer", script: func(s *session) { s.Say(bye(1001)); s.AwaitClose(); s.Reset() }, want: left(1001, "").unseen()},
		{title: "reset when the client has failed the connection", script: func(s *session) { s.Say(frame(fin|0x3, "")); s.AwaitClose(); s.Reset() }, want: fails(messages.CloseProtocolError).unseen()},
	}
}

func fifty(s string) (all []message) {
	for range 50 {
		all = append(all, txt(s))
	}
	return all
}

// thenHalf sends frames and ends the server's side of TCP, in order.
func thenHalf(frames ...[]byte) func(*session) {
	return func(s *session) {
		if len(frames) > 0 {
			s.Say(bytes(frames...))
		}
		s.HalfClose()
	}
}

// halfOpen is N.2: the server ends its side of TCP in order, in each phase of an open connection, and goes on
// to listen. Without a close frame that is no proper end; the client ends its own side.
func halfOpen() []Case {
	eof := lost(messages.CauseEOF).ending(wstest.EndFIN)
	normal := closeWith(messages.CloseNormal, "")
	return []Case{
		{title: "end of TCP when open", script: thenHalf(), want: eof},
		{title: "end of TCP behind a message", script: thenHalf(text("hello")), want: lost(messages.CauseEOF, txt("hello")).ending(wstest.EndFIN)},
		{title: "end of TCP within a frame's header", script: thenHalf(wstest.Header(fin|opText, 64, 1<<17)[:5]), want: eof},
		{title: "end of TCP within a frame's payload", script: thenHalf(text("hello")[:4]), want: eof},
		{title: "end of TCP between two fragments", script: thenHalf(begin("hel")), want: eof},
		{title: "end of TCP within a close frame", script: thenHalf(wstest.Close(1001, "moving")[:5]), want: eof},
		{title: "end of TCP instead of an answer to the close frame", opened: normal, script: func(s *session) { s.AwaitClose(); s.HalfClose() }, want: closes(1000, false)},
		{title: "end of TCP within the answer to the close frame", opened: normal, script: func(s *session) { s.AwaitClose(); s.Say(bye(1000)[:3]); s.HalfClose() }, want: closes(1000, false)},
		{title: "end of TCP when the client has failed the connection", script: func(s *session) { s.Say(text("\xff")); s.AwaitClose(); s.HalfClose() }, want: fails(messages.CloseInvalidPayload)},
		{title: "end of TCP behind a fault", script: thenHalf(frame(fin|0x3, "")), want: fails(messages.CloseProtocolError)},
		{title: "end of TCP without one of TLS", runs: overTLS, script: func(s *session) { s.Cut() }, want: eof},
		{title: "end of TCP without one of TLS, within a frame", runs: overTLS, script: func(s *session) { s.Say(text("hello")[:4]); s.Cut() }, want: eof},
	}
}

// silences is N.3: a server that is there and says nothing, or next to nothing.
func silences() []Case {
	gone := func(s *session) { s.AwaitEnd() }
	idle := reaction{state: messages.Disconnected, opened: true, cause: messages.CauseIdleTimeout, code: messages.CloseGoingAway, sent: 1001, end: wstest.EndFIN}
	slow := strings.Repeat("x", 60)
	return []Case{
		{title: "silence, where it is limited", options: idleTimeout, script: func(s *session) { s.AwaitClose() }, want: idle},
		{title: "silence, and then no end of TCP", script: gone, want: idle, options: func(o *transport.Options) {
			idleTimeout(o)
			closeTimeout(o)
		}},
		{title: "silence within a frame, where it is limited", options: idleTimeout, script: func(s *session) { s.Say(text("hello")[:4]); s.AwaitClose() }, want: idle},
		{title: "a byte every 10 ms is no silence", want: stays(txt(slow)),
			options: func(o *transport.Options) { o.IdleTimeout = 400 * time.Millisecond },
			script:  func(s *session) { s.Trickle(text(slow), 10*time.Millisecond) }},
		{title: "a ping is answered where the server never ends", options: closeTimeout, script: func(s *session) {
			s.Say(ping("still there?"))
			s.Await(1)
			s.p.do(func() { s.p.conn.Close(messages.CloseNormal, "") })
			s.AwaitEnd()
		}, want: closes(1000, false, pinged("still there?"))},
	}
}

// stalled is N.4: a server that does not read. What the socket does not take waits in the backlog, within
// its bound, and the close frame waits behind it.
func stalled() []Case {
	payload := []byte(strings.Repeat("x", 64<<10))
	// fill sends until a message is dropped.
	fill := func(p *player) {
		for range 1024 {
			err := p.conn.Send(messages.OpBinary, payload)
			if errors.Is(err, messages.ErrBacklog) {
				return
			}
			p.kept++
		}
		p.r.note = "never full"
	}
	fillAndClose := func(p *player) { fill(p); p.conn.Close(messages.CloseNormal, "") }
	// arrived reads up to the close frame, and notes whether all came that was not dropped.
	arrived := func(s *session) {
		s.Listen()
		s.AwaitClose()
		n := len(s.Said().Frames)
		s.p.do(func() {
			switch {
			case s.p.r.note != "": // it has one already
			case n == s.p.kept:
				s.p.r.note = "all arrived"
			default:
				s.p.r.note = fmt.Sprintf("%d arrived, %d were sent", n, s.p.kept)
			}
		})
	}
	// deep makes the backlog more than any kernel takes for a socket, so that it never empties.
	deep := func(also func(*transport.Options)) func(*transport.Options) {
		return func(o *transport.Options) {
			o.MaxBacklog = 12 << 20
			also(o)
		}
	}
	unread := func(cause messages.Cause) reaction { return lost(cause).whatever() }
	wait := func(s *session) { s.awaitGone(); s.Reset() }
	return []Case{
		{title: "the backlog fills: what was not dropped arrives, then the close frame", narrow: true, opened: fillAndClose,
			want:   closes(1000, true).whatever().noting("all arrived"),
			script: func(s *session) { arrived(s); s.Say(bye(1000)) }},
		{title: "the backlog fills, and the server closes before it reads", narrow: true, opened: fill,
			want:   left(1001, "").whatever().noting("all arrived"),
			script: func(s *session) { s.until(func() bool { return s.p.kept > 0 }); s.Say(bye(1001)); arrived(s) }},
		{title: "the backlog fills, and the client is to end then", narrow: true, options: endOnBacklog, opened: fill,
			want:   reaction{state: messages.Disconnected, opened: true, cause: messages.CauseBacklog, code: messages.ClosePolicyViolation, sent: 1008, end: wstest.EndFIN}.whatever(),
			script: func(s *session) { s.Listen(); s.AwaitClose() }},
		{title: "nothing is ever read: the write timeout ends it", narrow: true, options: deep(writeTimeout), opened: fill, script: wait, want: unread(messages.CauseWriteTimeout)},
		{title: "nothing is ever read, not even the close frame", narrow: true, options: deep(closeTimeout), opened: fillAndClose, script: wait, want: unread(messages.CauseLocal)},
		{title: "nothing is read, then a reset", narrow: true, options: deep(noTimeout), opened: fill, want: unread(messages.CauseReset),
			script: func(s *session) { s.until(func() bool { return s.p.kept > 0 }); s.Reset() }},
		{title: "nothing is read, and a fault is sent", narrow: true, options: deep(closeTimeout), opened: fill, want: unread(messages.CauseProtocolError),
			script: func(s *session) { s.Say(frame(fin|0x3, "")); s.awaitGone(); s.Reset() }},
	}
}

// beneathTLS is N.5: what can go wrong before TLS is up, and records that are none.
func beneathTLS() []Case {
	early := never(messages.CauseTLS, messages.PhaseTLS)
	return []Case{
		{title: "reset instead of a TLS handshake", runs: overTLS, tcp: func(s *session, c net.Conn) { readSome(c); s.Reset() }, want: early},
		{title: "end of TCP instead of a TLS handshake", runs: overTLS, tcp: func(s *session, c net.Conn) { readSome(c) }, want: early},
		{title: "HTTP instead of a TLS handshake", runs: overTLS, tcp: func(s *session, c net.Conn) {
			readSome(c)
			s.Say([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, want: early},
		{title: "silence instead of a TLS handshake", runs: overTLS, options: dialTimeout, tcp: func(s *session, c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
		}, want: never(messages.CauseConnectTimeout, messages.PhaseTLS)},
	}
}

// readSome reads what the client has said first.
func readSome(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)) }
