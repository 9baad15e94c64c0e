package transport

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

const testKey = "dGhlIHNhbXBsZSBub25jZQ==" // of RFC 6455 §1.3

const goodHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

func TestAcceptOf(t *testing.T) {
	if got, want := acceptOf([]byte(testKey)), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Errorf("got %s, want %s (RFC 6455 §1.3)", got, want)
	}
}

// answered is what came of an answer to the upgrade.
type answered struct {
	opened int
	got    []got
	cause  messages.Cause
	status int
	err    string
}

// answerWith feeds an answer, and whatever follows it, to a connection that has asked for the upgrade.
func answerWith(t testing.TB, in []byte, pieces []byte) answered {
	l := still(t, Options{})
	r := new(recorder)
	c := &Conn{loop: l, handler: r, st: &sink{limit: -1}, hs: l.free.handshake()}
	l.conns = append(l.conns, c)
	c.hs.target = &target{subprotocols: []string{"chat", "game"}}
	c.begin()
	copy(c.hs.key[:], testKey)
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(pieces) > 0 {
			n = min(n, 1+int(pieces[min(i, len(pieces)-1)]))
		}
		c.received(slices.Clone(in[:n]))
		in = in[n:]
		if c.hs != nil && cap(c.hs.head) > 2*maxHead {
			t.Fatalf("%d bytes are set aside for a head", cap(c.hs.head))
		}
		if c.ended() {
			break
		}
	}
	l.drain()
	if inUse := l.BuffersInUse(); !l.traffic.Balanced() || inUse > 1 || (c.ended() && inUse > 0) {
		t.Fatalf("got %d buffers in use, %+v", inUse, l.traffic)
	}
	a := answered{opened: r.opened, got: r.got}
	for _, m := range r.closed {
		a.cause, a.status = m.Cause, m.Status
		if m.Err != nil {
			a.err = m.Err.Error()
		}
	}
	if len(a.err) > 300 || strings.ContainsFunc(a.err, func(r rune) bool { return r < ' ' }) {
		t.Fatalf("an error of %d bytes, or with control characters: %.400q", len(a.err), a.err)
	}
	if c.ended() != (len(r.closed) == 1) || (c.hs == nil) != (r.opened == 1 || c.ended()) {
		t.Fatalf("phase %d, handshake kept %v: told opened %d times, closed %d times", c.phase, c.hs != nil, r.opened, len(r.closed))
	}
	c.Abort(messages.CauseLocal, nil)
	l.drain()
	if len(r.closed) != 1 || l.BuffersInUse() != 0 || l.timers.count != 0 {
		t.Fatalf("left behind: closed told %d times, %d buffers, %d timers", len(r.closed), l.BuffersInUse(), l.timers.count)
	}
	return a
}

// TestAnswer has more answers than TestHandshake, without sockets: whole, and a byte at a time.
func TestAnswer(t *testing.T) {
	hello, ping := wstest.Text("hello"), string(wstest.Text("")) // whole frames
	for _, c := range []struct {
		name   string
		in     string
		opened int
		cause  messages.Cause
		status int
		err    string // in the error
		got    int    // messages behind the head
	}{
		{name: "plain", in: goodHead + "\r\n", opened: 1},
		{name: "no reason phrase", in: strings.Replace(goodHead, " Switching Protocols", "", 1) + "\r\n", opened: 1},
		{name: "odd case and spaces", in: "HTTP/1.1 101 x\r\nuPGRADE:WebSocket  \r\nconnection: keep-alive, uPgRaDe\r\nsec-websocket-accept:\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX: \r\n\r\n", opened: 1},
		{name: "connection in two lines", in: strings.Replace(goodHead, "Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade", 1) + "\r\n", opened: 1},
		{name: "a subprotocol", in: goodHead + "Sec-WebSocket-Protocol: game\r\n\r\n", opened: 1},
		{name: "an empty extension", in: goodHead + "Sec-WebSocket-Extensions:\r\n\r\n", opened: 1},
		{name: "a frame behind it", in: goodHead + "\r\n" + string(hello), opened: 1, got: 1},
		{name: "several and a half", in: goodHead + "\r\n" + string(hello) + ping + string(hello[:3]), opened: 1, got: 2},
		{name: "1 byte behind it", in: goodHead + "\r\n\x81", opened: 1},
		{name: "almost", in: goodHead + "\r"},
		{name: "two subprotocols", in: goodHead + "Sec-WebSocket-Protocol: game\r\nSec-WebSocket-Protocol: chat\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "Sec-WebSocket-Protocol"},
		{name: "a subprotocol in another case", in: goodHead + "Sec-WebSocket-Protocol: GAME\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "Sec-WebSocket-Protocol"},
		{name: "accept twice", in: goodHead + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "Sec-WebSocket-Accept"},
		{name: "103 before it", in: "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + goodHead + "\r\n" + string(hello), opened: 1, got: 1},
		{name: "100 of them before it", in: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim) + goodHead + "\r\n", opened: 1},
		{name: "101 of them before it", in: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim+1) + goodHead + "\r\n", cause: messages.CauseUpgradeInvalid, err: "more than 100"},
		{name: "103 before a 403", in: "HTTP/1.1 103\r\n\r\nHTTP/1.1 403 x\r\n\r\n", cause: messages.CauseUpgradeStatus, status: 403},
		{name: "103, then something else", in: "HTTP/1.1 103\r\n\r\nSSH", cause: messages.CauseUpgradeInvalid, err: "HTTP/1.1"},
		{name: "a bad 103 before it", in: "HTTP/1.1 103\r\n: \r\n\r\n" + goodHead + "\r\n", cause: messages.CauseUpgradeInvalid, err: "header line"},
		{name: "103, almost", in: "HTTP/1.1 103\r\n\r\n" + goodHead},
		{name: "403 with a body", in: "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", cause: messages.CauseUpgradeStatus, status: 403, err: "got status 403, want 101"},
		{name: "404", in: "HTTP/1.1 404 Not Found\r\n\r\n", cause: messages.CauseUpgradeStatus, status: 404},
		{name: "429 with a body in chunks", in: "HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n", cause: messages.CauseUpgradeStatus, status: 429},
		{name: "status of 2 digits", in: "HTTP/1.1 10\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "status line"},
		{name: "status of 4 digits", in: "HTTP/1.1 1010 x\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "status line"},
		{name: "status 099", in: "HTTP/1.1 099 x\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "status line"},
		{name: "status in letters", in: "HTTP/1.1 abc x\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "status line"},
		{name: "a line feed in the reason", in: strings.Replace(goodHead, "Switching", "\n", 1) + "\r\n", cause: messages.CauseUpgradeInvalid, err: "control character"},
		{name: "HTTP/1.0", in: "HTTP/1.0 101 x\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "HTTP/1.1"},
		{name: "HTTP/2", in: "HTTP/2 101\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "HTTP/1.1"},
		{name: "garbage before it", in: "\r\n" + goodHead + "\r\n", cause: messages.CauseUpgradeInvalid, err: "HTTP/1.1"},
		{name: "frames instead of it", in: string(hello), cause: messages.CauseUpgradeInvalid, err: "HTTP/1.1"},
		{name: "a folded line", in: goodHead + "X: 1\r\n 2\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "header line"},
		{name: "a space before the colon", in: goodHead + "X : 1\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "header line"},
		{name: "a control character", in: goodHead + "X: \x00\r\n\r\n", cause: messages.CauseUpgradeInvalid, err: "control character"},
		{name: "endless", in: goodHead + strings.Repeat("X: y\r\n", maxHead/6), cause: messages.CauseUpgradeInvalid, err: "more than 16384 bytes"},
		{name: "one line, endless", in: "HTTP/1.1 " + strings.Repeat("9", 2*maxHead), cause: messages.CauseUpgradeInvalid, err: "more than 16384 bytes"},
	} {
		for _, pieces := range [][]byte{nil, {0}, {99}} {
			a := answerWith(t, []byte(c.in), pieces)
			if a.opened != c.opened || a.cause != c.cause || a.status != c.status || !strings.Contains(a.err, c.err) || len(a.got) != c.got {
				t.Errorf("%s, in pieces of %v: got %+v, want opened %d, %s, status %d, %d messages", c.name, pieces, a, c.opened, c.cause, c.status, c.got)
			}
		}
	}
}

// What a server sends ends in an error message; it must be bounded and quoted.
func TestAnswerErrorsAreBounded(t *testing.T) {
	for _, in := range []string{
		"HTTP/1.1 " + strings.Repeat("x", 9000) + "\r\n\r\n",
		goodHead + strings.Repeat("\x1b[31m", 1000) + "\r\n\r\n",
		strings.Replace(goodHead, "websocket", strings.Repeat("w", 9000), 1) + "\r\n",
		goodHead + "Sec-WebSocket-Protocol: " + strings.Repeat("p", 9000) + "\r\n\r\n",
	} {
		if a := answerWith(t, []byte(in), nil); len(a.err) > 300 || strings.Contains(a.err, "\x1b") || a.cause != messages.CauseUpgradeInvalid {
			t.Errorf("got %s, an error of %d bytes: %.400q", a.cause, len(a.err), a.err)
		}
	}
}

// FuzzAnswer: however an answer is cut it has the same outcome, and whatever opens a connection is what
// net/http takes for a 101 with the right headers.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		goodHead + "\r\n", goodHead + "\r\n\x81\x05hello\x88\x00", goodHead + "Sec-WebSocket-Protocol: chat\r\n\r\n",
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.0 101\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 101\r\n: \r\n\r\n",
		"HTTP/1.1 101 \r\nConnection:,,Upgrade\r\nUpgrade:\twebsocket\r\n\r\n", "HTTP/1.1 \r\n\r\n", "\r\n\r\n",
		goodHead + "Sec-WebSocket-Protocol: poker\r\n\r\n", goodHead + "Upgrade: websocket\r\n\r\n", goodHead + "Sec-WebSocket-Extensions: x\r\n\r\n",
		goodHead + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", goodHead + "X: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
		strings.Repeat("HTTP/1.1 100\r\n\r\n", maxInterim+1) + goodHead + "\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + goodHead + "\r\n\x81\x02hi", "HTTP/1.1 100\r\n\r\nHTTP/1.1 403\r\n\r\n",
	} {
		f.Add([]byte(seed), []byte{0})
		f.Add([]byte(seed), []byte{20, 3})
	}
	f.Fuzz(func(t *testing.T, in, pieces []byte) {
		whole, cut := answerWith(t, in, nil), answerWith(t, in, pieces)
		if whole.opened != cut.opened || whole.cause != cut.cause || whole.status != cut.status || !slices.Equal(whole.got, cut.got) {
			t.Fatalf("%q\nwhole: %+v\ncut by %v: %+v", in, whole, pieces, cut)
		}
		if whole.opened == 0 && whole.cause == messages.CauseNone { // undecided: the head has not ended
			if last := in[bytes.LastIndex(in, headEnd)+1:]; len(last) >= maxHead+len(headEnd) || parsable(in) {
				t.Fatalf("%q is waited for", in)
			}
		}
		if whole.opened == 0 {
			return
		}
		r := bufio.NewReader(bytes.NewReader(in))
		resp, err := http.ReadResponse(r, nil)
		interim := 0
		for err == nil && resp.StatusCode < 200 && resp.StatusCode != 101 {
			interim++
			_ = resp.Body.Close()
			resp, err = http.ReadResponse(r, nil)
		}
		if err != nil {
			t.Fatalf("%q opened a connection, but net/http says %v", in, err)
		}
		_ = resp.Body.Close()
		h, sub := resp.Header, resp.Header["Sec-Websocket-Protocol"]
		if resp.StatusCode != 101 || len(h["Upgrade"]) != 1 || !strings.EqualFold(h.Get("Upgrade"), "websocket") ||
			!slices.Equal(h["Sec-Websocket-Accept"], []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}) || strings.Join(h["Sec-Websocket-Extensions"], "") != "" ||
			len(sub) > 1 || (len(sub) == 1 && sub[0] != "chat" && sub[0] != "game") {
			t.Fatalf("%q opened a connection, but net/http has %d with %v", in, resp.StatusCode, resp.Header)
		}
		if interim > maxInterim {
			t.Fatalf("%d interim responses were taken, want at most %d", interim, maxInterim)
		}
	})
}

// parsable tells whether net/http has a final response in b, by its head.
func parsable(b []byte) bool {
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 200 || resp.StatusCode == 101 {
			return bytes.Contains(b, headEnd) && !bytes.Contains(bytes.ReplaceAll(b, []byte("\r\n"), nil), []byte("\n"))
		}
	}
}

func BenchmarkParseAnswer(b *testing.B) {
	head := []byte(goodHead + "Server: nginx\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		a, err := parseAnswer(head)
		if err == nil {
			err = a.check([]byte(testKey), nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestCompile: what a Connect becomes on the wire, and which are refused, with what words.
func TestCompile(t *testing.T) {
	for _, c := range []struct {
		connect messages.Connect
		lines   []string // in the request
		host    string
		port    string
		bad     error
		err     string
	}{
		{connect: messages.Connect{URL: "ws://game.example"}, lines: []string{"GET / HTTP/1.1", "Host: game.example", "User-Agent: test"}, host: "game.example", port: "80"},
		{connect: messages.Connect{URL: "wss://game.example/a b?x=1&y=%20#"}, lines: []string{"GET /a%20b?x=1&y=%20 HTTP/1.1"}, host: "game.example", port: "443"},
		{connect: messages.Connect{URL: "WS://[::1]:8080/x"}, lines: []string{"GET /x HTTP/1.1", "Host: [::1]:8080"}, host: "::1", port: "8080"},
		{connect: messages.Connect{URL: "ws://a:1/?"}, lines: []string{"GET /? HTTP/1.1"}, host: "a", port: "1"},
		{connect: messages.Connect{URL: "ws://a/", Subprotocols: []string{"x", "y"}, Headers: http.Header{"X-B": {"2"}, "X-A": {"1", "1"}}}, lines: []string{"Sec-WebSocket-Protocol: x, y", "X-A: 1\r\nX-A: 1\r\nX-B: 2"}, host: "a", port: "80"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"Host": {"b:9"}, "User-Agent": {"mine"}}}, lines: []string{"Host: b:9", "User-Agent: mine"}, host: "a", port: "80"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"host": {"b"}, "user-agent": {"mine"}}}, lines: []string{"Host: b", "user-agent: mine"}, host: "a", port: "80"},
		{connect: messages.Connect{URL: ""}, bad: messages.ErrBadURL},
		{connect: messages.Connect{URL: "http://a/"}, bad: messages.ErrBadURL, err: "want ws://"},
		{connect: messages.Connect{URL: "ws:///x"}, bad: messages.ErrBadURL, err: "want a host"},
		{connect: messages.Connect{URL: "ws:a"}, bad: messages.ErrBadURL},
		{connect: messages.Connect{URL: "ws://u:secret@a/"}, bad: messages.ErrBadURL, err: "user name"},
		{connect: messages.Connect{URL: "ws://u:secret@a/\x7f"}, bad: messages.ErrBadURL},
		{connect: messages.Connect{URL: "ws://a/#top"}, bad: messages.ErrBadURL, err: "fragment"},
		{connect: messages.Connect{URL: "ws://a:0/"}, bad: messages.ErrBadURL, err: "port"},
		{connect: messages.Connect{URL: "ws://a:00/"}, bad: messages.ErrBadURL, err: "port"},
		{connect: messages.Connect{URL: "ws://a:65536/"}, bad: messages.ErrBadURL, err: "port"},
		{connect: messages.Connect{URL: "ws://a/?q=1 2"}, bad: messages.ErrBadURL, err: "space"},
		{connect: messages.Connect{URL: "ws://a/", Subprotocols: []string{"a b"}}, bad: messages.ErrBadHeader, err: "subprotocol"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"Connection": {"x"}}}, bad: messages.ErrBadHeader, err: "Connection"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"sec-websocket-key": {"x"}}}, bad: messages.ErrBadHeader, err: "Sec-Websocket-Key"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"X Y": {"x"}}}, bad: messages.ErrBadHeader, err: "token"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"X": {"a\r\nInjected: secret"}}}, bad: messages.ErrBadHeader, err: "control character"},
		{connect: messages.Connect{URL: "ws://a/", Headers: http.Header{"Host": {"a\r\nInjected: secret"}}}, bad: messages.ErrBadHeader, err: "Host"},
	} {
		name := fmt.Sprintf("%s %v %v", c.connect.URL, c.connect.Subprotocols, c.connect.Headers)
		got, err := compile(&c.connect, "test")
		if c.bad != nil {
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.HasPrefix(err.Error(), c.bad.Error()) {
				t.Errorf("%s: got %v, want %v with %q", name, err, c.bad, c.err)
			} else if c.err != "Host" && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error tells a secret: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.host != c.host || got.port != c.port {
			t.Errorf("%s: got %s and %s, want %s and %s", name, got.host, got.port, c.host, c.port)
		}
		for _, line := range c.lines {
			if !strings.Contains("\r\n"+string(got.request), "\r\n"+line+"\r\n") {
				t.Errorf("%s: got %q, want %q in it", name, got.request, line)
			}
		}
		if strings.Count(string(got.request), "\r\nHost: ") != 1 || strings.Count(strings.ToLower(string(got.request)), "\r\nuser-agent: ") != 1 {
			t.Errorf("%s: got %q, want one Host and one User-Agent", name, got.request)
		}
	}
}
