package conformance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// closing is section 7: the closing handshake (RFC 6455 §5.5.1, §7).
func closing() []Case {
	broken := fails(messages.CloseProtocolError)
	longest := strings.Repeat("*", 123)
	big := strings.Repeat("x", 256<<10)
	cases := []Case{
		{id: "7.1.1", title: "text, then close", script: says(text("hello"), bye(1000)), want: left(1000, "", txt("hello"))},
		{id: "7.1.2", title: "two close frames", script: says(bye(1000), bye(1001)), want: left(1000, "")},
		{id: "7.1.3", title: "a ping behind the close frame", script: each(bye(1000), ping("?")), want: left(1000, "")},
		{id: "7.1.4", title: "text behind the close frame", script: each(bye(1000), text("ghost")), want: left(1000, "")},
		{id: "7.1.5", title: "close within a message", script: says(begin("a"), bye(1000), last("b")), want: left(1000, "")},
		{id: "7.1.6", title: "256 KiB, then close, then a ping", script: says(text(big), bye(1000), ping("?")), want: left(1000, "", txt(big))},
		{id: "7.3.1", title: "close without payload", script: says(shut("")), want: left(1005, "")},
		{id: "7.3.2", title: "close with 1 byte", script: says(shut("\x03")), want: broken},
		{id: "7.3.3", title: "close with a code", script: says(bye(1000)), want: left(1000, "")},
		{id: "7.3.4", title: "close with a code and a reason", script: says(wstest.Close(1000, "Hello World!")), want: left(1000, "Hello World!")},
		{id: "7.3.5", title: "close with the longest reason", script: says(wstest.Close(1000, longest)), want: left(1000, longest)},
		{id: "7.3.6", title: "close with a reason too long", script: says(wstest.Close(1000, longest+"*")), want: broken},
		{id: "7.5.1", title: "close with a reason that is not utf-8", script: says(wstest.Close(1000, "good so far\xed\xa0\x80")), want: fails(messages.CloseInvalidPayload)},
	}
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		cases = append(cases, Case{id: fmt.Sprintf("7.7.%d", i+1), title: fmt.Sprintf("close with %d", code), script: says(bye(code)), want: left(code, "")})
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999} {
		c := Case{id: fmt.Sprintf("7.9.%d", i+1), title: fmt.Sprintf("close with %d", code), script: says(bye(code)), want: broken}
		if code >= 1012 && code <= 1014 {
			c.title += ", registered since the catalogue"
			c.want = left(code, "")
		}
		cases = append(cases, c)
	}
	for i, code := range []int{5000, 65535} {
		cases = append(cases, Case{id: fmt.Sprintf("7.13.%d", i+1), title: fmt.Sprintf("close with %d", code), script: says(bye(code)), want: broken})
	}
	return append(append(cases, clientCloses()...), serverCloses()...)
}

// closeWith begins the closing handshake when the connection opens.
func closeWith(code messages.CloseCode, reason string) func(*player) {
	return func(p *player) { p.conn.Close(code, reason) }
}

// clientCloses is 7.14: the client closes first. Whatever comes then, its close frame stays its last word.
func clientCloses() []Case {
	// answer waits for the client's close frame and then sends frames.
	answer := func(frames ...[]byte) func(*session) {
		return func(s *session) {
			s.AwaitClose()
			s.Say(bytes(frames...))
		}
	}
	normal := closeWith(messages.CloseNormal, "")
	silent := func(s *session) { s.AwaitClose(); s.AwaitEnd() }
	clean, unclean := closes(1000, true), closes(1000, false)
	return []Case{
		{id: "7.14.1", title: "answered", opened: normal, script: answer(bye(1000)), want: clean},
		{id: "7.14.2", title: "with a code and a reason, answered", opened: closeWith(4321, "bye"), script: answer(bye(4321)), want: closes(4321, true).saying("bye")},
		{id: "7.14.3", title: "without a code, answered", opened: closeWith(messages.CloseNoStatus, ""), script: answer(shut("")), want: closes(messages.CloseNoStatus, true)},
		{id: "7.14.4", title: "answered with another code and a reason", opened: normal, script: answer(wstest.Close(1001, "me too")), want: clean},
		{id: "7.14.5", title: "answered without a code", opened: normal, script: answer(shut("")), want: clean},
		{id: "7.14.6", title: "answered with 1 byte", opened: normal, script: answer(shut("\x03")), want: unclean},
		{id: "7.14.7", title: "answered with code 1005", opened: normal, script: answer(bye(1005)), want: unclean},
		{id: "7.14.8", title: "answered with a reason that is not utf-8", opened: normal, script: answer(wstest.Close(1000, "\xff")), want: unclean},
		{id: "7.14.9", title: "text before the answer", opened: normal, script: answer(text("late"), bye(1000)), want: closes(1000, true, txt("late")).mute()},
		{id: "7.14.10", title: "a ping before the answer: no pong", opened: normal, script: answer(ping("?"), bye(1000)), want: closes(1000, true, pinged("?")).mute()},
		{id: "7.14.11", title: "a reserved opcode before the answer", opened: normal, script: answer(frame(fin|0x3, ""), bye(1000)), want: unclean},
		{id: "7.14.12", title: "text that is not utf-8 before the answer", opened: normal, script: answer(text("\xff"), bye(1000)), want: unclean},
		{id: "7.14.13", title: "text behind the answer", opened: normal, script: answer(bye(1000), text("ghost")), want: clean},
		{id: "7.14.14", title: "never answered", opened: normal, options: closeTimeout, script: silent, want: unclean},
		{id: "7.14.15", title: "answered, TCP left open", opened: normal, options: closeTimeout, want: clean,
			script: func(s *session) { s.AwaitClose(); s.Say(bye(1000)); s.AwaitEnd() }},
		{id: "7.14.16", title: "answered with pings for ever", opened: normal, options: closeTimeout, want: unclean.unseen().noting("pings"),
			script: func(s *session) { s.AwaitClose(); s.Flood(ping("?")) },
			message: func(p *player, _ *messages.Message) {
				p.r.got, p.r.note = nil, "pings" // as many as come
			}},
		{id: "7.14.17", title: "both at once", opened: normal, want: clean, request: func(s *session) {
			s.Answer(wstest.Accepted().Behind(wstest.Close(1001, "")...))
		}},
		{id: "7.14.18", title: "closed twice, then shut down", want: closes(1001, true), script: answer(bye(1001)),
			opened: func(p *player) { p.conn.Close(1001, ""); p.conn.Close(1000, "again"); p.conn.Shutdown() }},
		{id: "7.14.19", title: "within a message of the server", opened: nil, want: closes(1000, true, pinged("now")).having(message{messages.OpPong, "now"}),
			message: func(p *player, m *messages.Message) { p.conn.Close(messages.CloseNormal, "") },
			script:  func(s *session) { s.Say(begin("a"), ping("now")); s.AwaitClose(); s.Say(bye(1000), last("b")) }},
		{id: "7.14.20", title: "aborted", want: lost(messages.CauseInternal, txt("hello")).mute().ending(wstest.EndReset),
			message: func(p *player, _ *messages.Message) { p.conn.Abort(messages.CauseInternal, errors.New("enough")) },
			script:  says(text("hello"), text("more"))},
	}
}

// serverCloses is 7.15: the server closes, or breaks a rule, and then does not do as it should.
func serverCloses() []Case {
	broken := fails(messages.CloseProtocolError)
	fault := frame(fin|0x3, "")
	return []Case{
		{id: "7.15.1", title: "close, a byte at a time", script: octets(wstest.Close(1001, "moving")), want: left(1001, "moving")},
		{id: "7.15.2", title: "close and the end of TCP at once", script: func(s *session) { s.Say(bye(1001)); s.HalfClose() }, want: left(1001, "")},
		{id: "7.15.3", title: "close, TCP left open", options: closeTimeout, script: func(s *session) { s.Say(bye(1001)); s.AwaitClose(); s.AwaitEnd() }, want: left(1001, "")},
		{id: "7.15.4", title: "a megabyte behind the close frame", script: says(bye(1000), make([]byte, 1<<20)), want: left(1000, "")},
		{id: "7.15.5", title: "a megabyte behind a fault: the close frame arrives", script: says(fault, make([]byte, 1<<20)), want: broken},
		{id: "7.15.6", title: "a fault, TCP left open", options: closeTimeout, script: func(s *session) { s.Say(fault); s.AwaitClose(); s.AwaitEnd() }, want: broken},
		{id: "7.15.7", title: "a fault, the close frame answered", script: func(s *session) { s.Say(fault); s.AwaitClose(); s.Say(bye(1002)) }, want: broken},
		{id: "7.15.8", title: "a fault, and never an end of bytes", options: closeTimeout, script: func(s *session) { s.Say(fault); s.Flood(make([]byte, 4096)) }, want: broken.unseen()},
		{id: "7.15.9", title: "a fault, and a byte every millisecond for ever", options: closeTimeout, script: func(s *session) { s.Say(fault); s.Drip([]byte("x"), time.Millisecond) }, want: broken.unseen()},
		{id: "7.15.10", title: "two faults", script: each(fault, text("\xff")), want: broken},
	}
}
