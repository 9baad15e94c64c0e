package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// maxHead is the longest response head that the client takes.
const maxHead = 16 << 10

// openings is section H: the opening handshake (RFC 6455 §4.1; RFC 9110, RFC 9112 for what is HTTP's).
func openings() []Case {
	var cases []Case
	for part, list := range [][]Case{goodAnswers(), glued(), badAnswers(), noHTTP(), statuses(), slowAnswers()} {
		for i, c := range list {
			c.id = fmt.Sprintf("H.%d.%d", part+1, i+1)
			cases = append(cases, c)
		}
	}
	return cases
}

func answers(a wstest.Answer) func(*session) { return func(s *session) { s.Answer(a) } }

// opens answers, and says hello.
func opens(a wstest.Answer) func(*session) {
	return func(s *session) { s.Answer(a); s.Say(text("hello")) }
}

// offering makes the client offer subprotocols.
func offering(names ...string) func(*messages.Connect) {
	return func(c *messages.Connect) { c.Subprotocols = names }
}

// goodAnswers is H.1: answers that are fine, also where few servers give them.
func goodAnswers() []Case {
	a, hello := wstest.Accepted(), stays(txt("hello"))
	accept := func(form string) string { return fmt.Sprintf(form, "{accept}") }
	filler := func(size int) wstest.Answer { // a head of that size
		const name = "X-Filler: "
		have := len(a.With(name).Bytes(""))
		return a.With(name + strings.Repeat("x", size-have))
	}
	return []Case{
		{title: "as in RFC 6455", request: opens(a), want: hello},
		{title: "names and values in other cases", request: opens(a.Without("Upgrade").Without("Connection").With("uPGRADE: WebSocket", "connection: upGrade")), want: hello},
		{title: "Connection: keep-alive, Upgrade", request: opens(a.Set("Connection: keep-alive, Upgrade")), want: hello},
		{title: "Connection: Upgrade,keep-alive", request: opens(a.Set("Connection: Upgrade,keep-alive")), want: hello},
		{title: "Connection in two lines", request: opens(a.With("Connection: keep-alive")), want: hello},
		{title: "no reason phrase", request: opens(a.Start("HTTP/1.1 101")), want: hello},
		{title: "an empty reason phrase", request: opens(a.Start("HTTP/1.1 101 ")), want: hello},
		{title: "another reason phrase", request: opens(a.Start("HTTP/1.1 101 Web Socket Protocol Handshake")), want: hello},
		{title: "no space behind the colons", request: opens(a.Without("Upgrade").Without("Sec-WebSocket-Accept").With("Upgrade:websocket", accept("Sec-WebSocket-Accept:%s"))), want: hello},
		{title: "spaces and tabs around values", request: opens(a.Without("Upgrade").Without("Sec-WebSocket-Accept").With("Upgrade: \t websocket\t ", accept("Sec-WebSocket-Accept:\t%s  "))), want: hello},
		{title: "other headers", request: opens(a.With("Server: nginx", "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Empty:")), want: hello},
		{title: "headers in another order", request: opens(a.Set("Upgrade: websocket")), want: hello},
		{title: "an empty Sec-WebSocket-Extensions", request: opens(a.With("Sec-WebSocket-Extensions:")), want: hello},
		{title: "a head as long as may be", request: opens(filler(maxHead)), want: hello},
		{title: "a byte at a time", request: func(s *session) { s.Chop(1, a.Bytes(s.Key())); s.Say(text("hello")) }, want: hello},
		{title: "a subprotocol that was offered", connect: offering("chat", "game"), request: opens(a.With("Sec-WebSocket-Protocol: game")), want: hello.picking("game")},
		{title: "none of the subprotocols offered", connect: offering("chat", "game"), request: opens(a), want: hello},
		{title: "103 before the 101", request: interim(a, 1), want: hello},
		{title: "ten 103 before the 101, a byte at a time", request: func(s *session) {
			s.Chop(1, []byte(strings.Repeat(string(early.Bytes("")), 10)))
			s.Chop(1, a.Bytes(s.Key()))
			s.Say(text("hello"))
		}, want: hello},
	}
}

// early is an interim response, of which any number may come first (RFC 9110 §15.2).
var early = wstest.Refused("103 Early Hints", "Link: </style.css>")

// interim sends n interim responses and an answer in one write.
func interim(a wstest.Answer, n int) func(*session) {
	return func(s *session) {
		s.Say(append([]byte(strings.Repeat(string(early.Bytes("")), n)), a.Bytes(s.Key())...))
		s.Say(text("hello"))
	}
}

// glued is H.2: bytes behind the head, in one write with it.
func glued() []Case {
	with := func(frames ...[]byte) func(*session) {
		return answers(wstest.Accepted().Behind(bytes(frames...)...))
	}
	long := strings.Repeat("x", 70000) // more than the client reads at once
	return []Case{
		{title: "a text behind the 101", request: with(text("welcome")), want: stays(txt("welcome"))},
		{title: "three messages and a ping behind the 101", request: with(text("1"), binary("2"), ping("3"), text("4")), want: stays(txt("1"), bin("2"), pinged("3"), txt("4"))},
		{title: "a message and a half behind the 101", want: stays(txt("1"), txt("23")),
			request: func(s *session) { with(text("1"), text("23")[:3])(s); s.Say([]byte("3")) }},
		{title: "1 byte behind the 101", want: stays(txt("hello")),
			request: func(s *session) { with(text("hello")[:1])(s); s.Say(text("hello")[1:]) }},
		{title: "70000 bytes behind the 101", request: with(text(long)), want: stays(txt(long))},
		{title: "close behind the 101", request: with(wstest.Close(1013, "full")), want: left(1013, "full")},
		{title: "a fault behind the 101", request: with(text("fine"), frame(fin|rsv1|opText, "")), want: fails(messages.CloseProtocolError, txt("fine"))},
		{title: "text that is not utf-8 behind the 101", request: with(text("\xff")), want: fails(messages.CloseInvalidPayload)},
		{title: "HTTP behind the 101", request: with([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), want: fails(messages.CloseProtocolError)},
		{title: "the end of TCP behind the 101", request: func(s *session) { with()(s); s.HalfClose() }, want: lost(messages.CauseEOF)},
	}
}

// badAnswers is H.3: a 101 that must not be taken.
func badAnswers() []Case {
	a := wstest.Accepted()
	bad := func(title string, a wstest.Answer) Case {
		return Case{title: title, request: answers(a), want: invalid()}
	}
	otherCase := func(s *session) {
		accept := wstest.AcceptKey(s.Key())
		s.Answer(a.Set("Sec-WebSocket-Accept: " + swapCase(accept)))
	}
	unoffered := bad("a subprotocol that was not offered", a.With("Sec-WebSocket-Protocol: poker"))
	unoffered.connect = offering("chat", "game")
	cases := []Case{unoffered}
	for _, c := range []struct {
		title  string
		answer wstest.Answer
	}{
		{"a subprotocol in another case", a.With("Sec-WebSocket-Protocol: GAME")},
		{"two of the subprotocols offered", a.With("Sec-WebSocket-Protocol: chat, game")},
		{"two of them in two lines", a.With("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: game")},
		{"an empty subprotocol", a.With("Sec-WebSocket-Protocol:")},
	} {
		k := bad(c.title, c.answer)
		k.connect = offering("chat", "game")
		cases = append(cases, k)
	}
	return append(cases,
		bad("a subprotocol, and none was offered", a.With("Sec-WebSocket-Protocol: chat")),
		bad("an extension that was not asked for", a.With("Sec-WebSocket-Extensions: x-unheard-of")),
		bad("two extensions in two lines", a.With("Sec-WebSocket-Extensions:", "Sec-WebSocket-Extensions: x-a; b=c")),
		bad("a wrong accept key", a.Set("Sec-WebSocket-Accept: "+wstest.AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="))),
		Case{title: "the accept key in other letters' case", request: otherCase, want: invalid()},
		Case{title: "the request's key as accept key", request: func(s *session) { s.Answer(a.Set("Sec-WebSocket-Accept: " + s.Key())) }, want: invalid()},
		bad("an empty accept key", a.Set("Sec-WebSocket-Accept:")),
		bad("no accept key", a.Without("Sec-WebSocket-Accept")),
		bad("the accept key twice", a.With("Sec-WebSocket-Accept: {accept}")),
		bad("two accept keys in one line", a.Set("Sec-WebSocket-Accept: {accept}, {accept}")),
		bad("no Upgrade", a.Without("Upgrade")),
		bad("Upgrade twice", a.With("Upgrade: websocket")),
		bad("Upgrade: websocket, h2c", a.Set("Upgrade: websocket, h2c")),
		bad("Upgrade: h2c", a.Set("Upgrade: h2c")),
		bad("Upgrade: web socket", a.Set("Upgrade: web socket")),
		bad("no Connection", a.Without("Connection")),
		bad("Connection: close", a.Set("Connection: close")),
		bad("Connection: Upgraded", a.Set("Connection: Upgraded")),
		bad("Connection: no Upgrade", a.Set("Connection: no Upgrade")),
	)
}

// swapCase turns the letters of s from one case to the other.
func swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// noHTTP is H.4: answers that HTTP/1.1 does not know. What cannot become a response is given up at once.
func noHTTP() (cases []Case) {
	a := wstest.Accepted()
	raw := func(s string) func(*session) { return func(s2 *session) { s2.Say([]byte(s)) } }
	for _, c := range []struct {
		title   string
		request func(*session)
	}{
		{"HTTP/1.0", answers(a.Start("HTTP/1.0 101 Switching Protocols"))},
		{"HTTP/2", answers(a.Start("HTTP/2 101"))},
		{"HTTP/1.10", answers(a.Start("HTTP/1.10 101 Switching Protocols"))},
		{"http/1.1 in small letters", answers(a.Start("http/1.1 101 Switching Protocols"))},
		{"ICY instead of HTTP", answers(a.Start("ICY 101 OK"))},
		{"a banner of SSH", raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{"an alert of TLS", raw("\x15\x03\x01\x00\x02\x02\x46")},
		{"frames instead of an answer", raw(string(text("hello")))},
		{"an empty line before the 101", raw("\r\n")},
		{"a space before the 101", answers(a.Start(" HTTP/1.1 101 Switching Protocols"))},
		{"a zero byte", raw("\x00")},
		{"no status", answers(a.Start("HTTP/1.1"))},
		{"a status of 2 digits", answers(a.Start("HTTP/1.1 10"))},
		{"a status of 4 digits", answers(a.Start("HTTP/1.1 1010 Switching Protocols"))},
		{"status 099", answers(a.Start("HTTP/1.1 099 Switching Protocols"))},
		{"a status with a sign", answers(a.Start("HTTP/1.1 +101 Switching Protocols"))},
		{"a status in letters", answers(a.Start("HTTP/1.1 OK Switching Protocols"))},
		{"two spaces before the status", answers(a.Start("HTTP/1.1  101 Switching Protocols"))},
		{"a line feed alone in the reason", answers(a.Start("HTTP/1.1 101 \n"))},
		{"a zero byte in the reason", answers(a.Start("HTTP/1.1 101 Switching\x00Protocols"))},
		{"a header line without a colon", answers(a.With("nonsense"))},
		{"a header without a name", answers(a.With(": value"))},
		{"a space before the colon", answers(a.With("X-Test : 1"))},
		{"a folded header", answers(a.With("X-Test: 1", " 2"))},
		{"a folded header in front", answers(wstest.Refused("101 Switching Protocols", " folded"))},
		{"a zero byte in a value", answers(a.With("X-Test: a\x00b"))},
		{"a line feed alone in a value", answers(a.With("X-Test: a\nSec-WebSocket-Protocol: b"))},
		{"a carriage return alone in a value", answers(a.With("X-Test: a\rb"))},
		{"a name with a control character", answers(a.With("X\x01: 1"))},
		{"more than a hundred interim responses", interim(a, 101)},
	} {
		cases = append(cases, Case{title: c.title, request: c.request, want: invalid()})
	}
	return cases
}

// statuses is H.5: what a server says instead of 101 is told with its status. A body is not waited for, and
// redirections are not followed: nothing connects but by a command.
func statuses() (cases []Case) {
	body := strings.Repeat("no. ", 25)
	for _, c := range []struct {
		status string
		lines  []string
	}{
		{"200 OK", nil},
		{"204 No Content", nil},
		{"301 Moved Permanently", []string{"Location: ws://127.0.0.1:1/"}},
		{"302 Found", []string{"Location: /elsewhere"}},
		{"303 See Other", []string{"Location: /elsewhere"}},
		{"307 Temporary Redirect", []string{"Location: /"}},
		{"308 Permanent Redirect", []string{"Location: https://127.0.0.1:1/"}},
		{"400 Bad Request", nil},
		{"401 Unauthorized", []string{`WWW-Authenticate: Basic realm="x"`}},
		{"403 Forbidden", nil},
		{"404 Not Found", nil},
		{"407 Proxy Authentication Required", nil},
		{"426 Upgrade Required", []string{"Upgrade: websocket", "Sec-WebSocket-Version: 14"}},
		{"429 Too Many Requests", []string{"Retry-After: 1"}},
		{"500 Internal Server Error", nil},
		{"502 Bad Gateway", nil},
		{"503 Service Unavailable", []string{"Retry-After: 120"}},
		{"999", nil},
	} {
		var code int
		fmt.Sscan(c.status, &code)
		plain := wstest.Refused(c.status, c.lines...)
		cases = append(cases,
			Case{title: c.status + ", TCP left open", request: answers(plain), want: refused(code)},
			Case{title: c.status + " with a body", request: answers(plain.With(fmt.Sprintf("Content-Length: %d", len(body))).Behind([]byte(body)...)), want: refused(code)})
	}
	chunk := []byte("64\r\n" + body + "\r\n")
	forbidden := wstest.Refused("403 Forbidden")
	return append(cases,
		Case{title: "403 with a body in chunks", request: answers(forbidden.With("Transfer-Encoding: chunked").Behind([]byte("64\r\n" + body + "\r\n0\r\n\r\n")...)), want: refused(403)},
		Case{title: "403 with a body that never ends", want: refused(403), request: func(s *session) {
			s.Answer(forbidden.With("Transfer-Encoding: chunked"))
			s.Flood(chunk)
		}},
		Case{title: "403 with all that a 101 has", request: answers(wstest.Accepted().Start("HTTP/1.1 403 Forbidden")), want: refused(403)},
		Case{title: "403, then the end of TCP", request: func(s *session) { s.Answer(forbidden); s.HalfClose() }, want: refused(403)},
		Case{title: "103, then 403", request: interim(forbidden, 1), want: refused(403)},
	)
}

// slowAnswers is H.6: heads that do not end in time, or in size, or at all.
func slowAnswers() []Case {
	a := wstest.Accepted()
	late := never(messages.CauseConnectTimeout, messages.PhaseUpgrade)
	cut := never(messages.CauseEOF, messages.PhaseUpgrade)
	start := func(s *session) { s.Say([]byte("HTTP/1.1 101 Switching Protocols\r\n")) }
	return []Case{
		{title: "a head of 1 byte more than may be", request: answers(a.With("X-Filler: " + strings.Repeat("x", maxHead))), want: invalid()},
		{title: "a status line that never ends", request: func(s *session) { s.Say([]byte("HTTP/1.1 101 ")); s.Flood([]byte(strings.Repeat("x", 1000))) }, want: invalid()},
		{title: "a header that never ends", request: func(s *session) { start(s); s.Say([]byte("X: ")); s.Flood([]byte(strings.Repeat("x", 1000))) }, want: invalid()},
		{title: "headers that never end", request: func(s *session) { start(s); s.Flood([]byte("X-Header: value\r\n")) }, want: invalid()},
		{title: "interim responses that never end", request: func(s *session) { s.Flood(early.Bytes("")) }, want: invalid()},
		{title: "a byte every 2 ms", options: dialTimeout, request: func(s *session) { start(s); s.Drip([]byte("X-Header: value\r\n"), 2*time.Millisecond) }, want: late},
		{title: "an interim response every 2 ms, a byte at a time", options: dialTimeout, request: func(s *session) { s.Drip(early.Bytes(""), 2*time.Millisecond) }, want: late},
		{title: "no answer", options: dialTimeout, request: func(s *session) { s.Listen(); s.AwaitEnd() }, want: late},
		{title: "half a head, then silence", options: dialTimeout, request: func(s *session) { start(s); s.Listen(); s.AwaitEnd() }, want: late},
		{title: "lines that end in LF alone, so no end of the head", options: dialTimeout, want: late, request: func(s *session) {
			s.Say([]byte(strings.ReplaceAll(string(a.Bytes(s.Key())), "\r", "")))
			s.Listen()
			s.AwaitEnd()
		}},
		{title: "no answer, then the end of TCP", request: func(s *session) { s.HalfClose() }, want: cut},
		{title: "half a head, then the end of TCP", request: func(s *session) { start(s); s.HalfClose() }, want: cut},
		{title: "a head without its last byte, then the end of TCP", request: func(s *session) {
			b := a.Bytes(s.Key())
			s.Say(b[:len(b)-1])
			s.HalfClose()
		}, want: cut},
	}
}
