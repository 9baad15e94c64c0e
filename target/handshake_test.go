package target

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The key and the answer of RFC 6455 §1.3.
const (
	goodKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	goodAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// head builds a request head from lines.
func head(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n") }

// goodHead builds a correct one, less the fields that start with a name in without, and more fields.
func goodHead(without string, more ...string) []byte {
	lines := []string{"GET /echo?x=1 HTTP/1.1"}
	for _, l := range []string{
		"Host: localhost:1", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + goodKey,
	} {
		if without == "" || !strings.HasPrefix(l, without) {
			lines = append(lines, l)
		}
	}
	return head(append(lines, more...)...)
}

// handshakeCases say what a server with the path /echo and the subprotocols m2.v1 and m2.v2 answers.
// The session, both engines, and the fuzzer's seeds read this table.
var handshakeCases = []struct {
	name     string
	in       []byte
	status   int
	text     string // body, or the subprotocol of a 101
	wantHead string // a field that must be there
}{
	{"good", goodHead(""), 101, "", "Sec-Websocket-Accept: " + goodAccept},
	{"odd case", head("GET http://localhost/echo HTTP/1.1", "HOST: a", "upgrade:WebSocket", "connection:\tUPGRADE ",
		"sec-websocket-version:13", "sec-websocket-key:"+goodKey), 101, "", "Upgrade: websocket"},
	{"two upgrade fields", goodHead("", "Upgrade: h2c", "Connection: x"), 101, "", "Connection: Upgrade"},
	{"empty body", goodHead("", "Content-Length: 0"), 101, "", ""},
	{"subprotocol", goodHead("", "Sec-WebSocket-Protocol: nope, m2.v2, m2.v1"), 101, "m2.v2", ""},
	{"subprotocol in a later field", goodHead("", "Sec-WebSocket-Protocol: nope", "Sec-WebSocket-Protocol: m2.v1"), 101, "m2.v1", ""},
	{"unknown subprotocol", goodHead("", "Sec-WebSocket-Protocol: M2.V1"), 101, "", ""},
	{"extensions are ignored", goodHead("", "Sec-WebSocket-Extensions: permessage-deflate"), 101, "", ""},

	{"plain get", head("GET /echo HTTP/1.1", "Host: a"), 426, "this is a WebSocket echo server: Upgrade must be websocket", "Upgrade: websocket"},
	{"no upgrade", goodHead("Upgrade"), 426, "this is a WebSocket echo server: Upgrade must be websocket", "Sec-Websocket-Version: 13"},
	{"upgrade to other", goodHead("Upgrade", "Upgrade: websockets"), 426, "this is a WebSocket echo server: Upgrade must be websocket", ""},
	{"no version", goodHead("Sec-WebSocket-Version"), 426, "Sec-WebSocket-Version must be 13", "Sec-Websocket-Version: 13"},
	{"version 8", goodHead("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426, "Sec-WebSocket-Version must be 13", "Connection: close"},
	{"post", head("POST /echo HTTP/1.1", "Host: a", "Content-Length: 0"), 405, "the method must be GET", "Allow: GET"},
	{"other path", head("GET / HTTP/1.1", "Host: a"), 404, "the WebSocket server is at /echo", ""},
	{"no host", goodHead("Host"), 400, "Host is missing", "Connection: close"},
	{"two hosts", goodHead("", "Host: b"), 400, "Host more than once", ""},
	{"empty host", goodHead("Host", "Host: "), 400, "Host is empty", ""},
	{"no connection", goodHead("Connection"), 400, "Connection must have upgrade", ""},
	{"connection close", goodHead("Connection", "Connection: close"), 400, "Connection must have upgrade", ""},
	{"no key", goodHead("Sec-WebSocket-Key"), 400, "Sec-WebSocket-Key must be 16 bytes in base64", ""},
	{"short key", goodHead("Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ="), 400, "Sec-WebSocket-Key must be 16 bytes in base64", ""},
	{"17 byte key", goodHead("Sec-WebSocket-Key", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZmc="), 400, "Sec-WebSocket-Key must be 16 bytes in base64", ""},
	{"not base64", goodHead("Sec-WebSocket-Key", "Sec-WebSocket-Key: ??????????????????????=="), 400, "Sec-WebSocket-Key must be 16 bytes in base64", ""},
	{"two keys", goodHead("", "Sec-WebSocket-Key: "+goodKey), 400, "Sec-WebSocket-Key more than once", ""},
	{"two versions", goodHead("", "Sec-WebSocket-Version: 13"), 400, "Sec-WebSocket-Version more than once", ""},
	{"bad subprotocol", goodHead("", "Sec-WebSocket-Protocol: m2.v1, a b"), 400, "Sec-WebSocket-Protocol is not a list of tokens", ""},
	{"body", goodHead("", "Content-Length: 3"), 400, "an upgrade request has no body", ""},
	{"chunked body", goodHead("", "Transfer-Encoding: chunked"), 400, "an upgrade request has no body", ""},
	{"http 1.0", head("GET /echo HTTP/1.0", "Host: a"), 400, "HTTP version must be 1.1", ""},
	{"http 2", head("PRI * HTTP/2.0", "Host: a"), 400, "HTTP version must be 1.1", ""},
	{"no version at all", head("GET /echo", "Host: a"), 400, "malformed request line", ""},
	{"four words", head("GET /echo /echo HTTP/1.1", "Host: a"), 400, "HTTP version must be 1.1", ""},
	{"no target", head("GET  HTTP/1.1", "Host: a"), 400, "malformed request line", ""},
	{"target is no path", head("GET echo HTTP/1.1", "Host: a"), 400, "request target must be a path", ""},
	{"absolute target without host", head("GET http:// HTTP/1.1", "Host: a"), 404, "the WebSocket server is at /echo", ""},
	{"control in target", head("GET /echo\x01 HTTP/1.1", "Host: a"), 400, "malformed request line", ""},
	{"folded field", goodHead("", "X: a", " b"), 400, "malformed header field", ""},
	{"blank before colon", goodHead("", "X : a"), 400, "malformed header field", ""},
	{"no colon", goodHead("", "X"), 400, "malformed header field", ""},
	{"control in value", goodHead("", "X: a\x00"), 400, "malformed header field", ""},
	{"bare line feeds", []byte("GET /echo HTTP/1.1\nHost: a\n\n"), 400, "lines must end in CR LF", ""},
	{"one bare line feed", []byte("GET /echo HTTP/1.1\r\nHost: a\nUpgrade: websocket\r\n\r\n"), 400, "lines must end in CR LF", ""},
	{"binary", []byte("\x16\x03\x01\x02\x00\n\n"), 400, "lines must end in CR LF", ""},
	{"longest head", goodHead("", "X: "+big(maxHead-len(goodHead("", "X: ")))), 101, "", ""},
	{"too long", goodHead("", "X: "+big(maxHead-len(goodHead("", "X: "))+1)), 431, "request head is longer than 16384 bytes", ""},
	{"endless", bytes.Repeat([]byte("a"), maxHead), 431, "request head is longer than 16384 bytes", ""},
}

var handshakeOptions = Options{Path: "/echo", Subprotocols: []string{"m2.v1", "m2.v2"}}

// checkResponse compares what came with the i-th case.
func checkResponse(t *testing.T, i int, how string, r *bufio.Reader) {
	t.Helper()
	c := handshakeCases[i]
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Errorf("%s, %s: %v", c.name, how, err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != c.status {
		t.Errorf("%s, %s: got status %d, want %d", c.name, how, res.StatusCode, c.status)
	}
	got := res.Header.Get("Sec-WebSocket-Protocol")
	if c.status != 101 {
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("%s, %s: body: %v", c.name, how, err)
		}
		got = strings.TrimSuffix(string(body), "\n")
	}
	if got != c.text {
		t.Errorf("%s, %s: got %q, want %q", c.name, how, got, c.text)
	}
	name, value, _ := strings.Cut(c.wantHead, ": ")
	// http.ReadResponse moves Connection: close to a field of its own.
	if name != "" && res.Header.Get(name) != value && !(value == "close" && res.Close) {
		t.Errorf("%s, %s: got %s %q, want %q", c.name, how, name, res.Header.Get(name), value)
	}
}

func TestSessionHandshake(t *testing.T) {
	for i, c := range handshakeCases {
		for _, size := range []int{1, 5, 1 << 20} {
			s := newSession(t, opening, handshakeOptions)
			out := feedIn(s, c.in, size)
			checkResponse(t, i, "fed", bufio.NewReader(bytes.NewReader(out)))
			want, st := lingering, s.host.totals.snapshot()
			if c.status == 101 {
				want = open
			}
			if s.phase != want || s.part != nil {
				t.Errorf("%s: got phase %d, %d bytes held; want %d, none", c.name, s.phase, len(s.part), want)
			}
			if st.Opened+st.Refused != 1 || st.Open != int(st.Opened) || (st.Opened == 1) != (c.status == 101) {
				t.Errorf("%s: got %+v", c.name, st)
			}
		}
	}
}

func TestHandshake(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, handshakeOptions)
		opened := 0
		for i, c := range handshakeCases {
			conn := dialRaw(t, s)
			if _, err := conn.Write(c.in); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			checkResponse(t, i, "over TCP", r)
			if c.status == 101 {
				opened++
			} else if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("%s: after the answer: got %v, want EOF", c.name, err)
			}
			_ = conn.Close()
		}
		st := s.Stats()
		want := [3]int{len(handshakeCases), opened, len(handshakeCases) - opened}
		if got := [3]int{int(st.Accepted), int(st.Opened), int(st.Refused)}; got != want {
			t.Errorf("accepted, opened, refused: got %v, want %v", got, want)
		}
	})
}

// An answer must reach a peer that sends a body regardless: closing at once would reset it away.
func TestHandshakeWithBody(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{})
		url := "http" + strings.TrimPrefix(s.URL(), "ws")
		tr := &http.Transport{DisableKeepAlives: true}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Post(url, "text/plain", strings.NewReader(big(1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 400 {
			t.Errorf("got status %d and %v, want 400", res.StatusCode, err)
		}
	})
}
