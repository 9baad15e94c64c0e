package transport

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// maxHead bounds the head of the answer to the upgrade, in bytes.
const maxHead = 16 << 10

// maxInterim bounds how many responses may come before it.
const maxInterim = 100

// answer is the head of the response to the upgrade request, as far as it matters.
type answer struct {
	status      int
	upgrade     []string
	connection  []string
	accept      []string
	protocol    []string
	extensions  []string
	location    []string // of a redirect
	cookies     []string // Set-Cookie, unparsed
	subprotocol string
}

var (
	errHeadTooBig = fmt.Errorf("response head: got more than %d bytes without its end", maxHead)
	errInterim    = fmt.Errorf("response: got more than %d interim ones without the answer", maxInterim)
	errNotHTTP    = errors.New(`response: want it to start with "HTTP/1.1 "`)
	headEnd       = []byte("\r\n\r\n")
	httpVersion   = []byte("HTTP/1.1 ")
)

// cutHead gives the head in b with its empty line; seen is how much of b was searched before.
func cutHead(b []byte, seen int) (head []byte, found bool) {
	from := max(0, seen-len(headEnd)+1)
	if i := bytes.Index(b[from:], headEnd); i >= 0 {
		return b[:from+i+len(headEnd)], true
	}
	return nil, false
}

// checkStart tells early that b can become no HTTP/1.1 response, so that a peer which speaks something
// else is not waited for.
func checkStart(b []byte) error {
	n := min(len(b), len(httpVersion))
	if !bytes.Equal(b[:n], httpVersion[:n]) {
		return fmt.Errorf("%w: got %q", errNotHTTP, b[:min(len(b), 32)])
	}
	return nil
}

// parseAnswer reads a response head (RFC 9112) that ends in an empty line. It is strict: a server that
// cannot speak HTTP/1.1 is not to be talked to.
func parseAnswer(head []byte) (answer, error) {
	var a answer
	if err := checkStart(head); err != nil {
		return a, err
	}
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	code := line[len(httpVersion):]
	if len(code) < 3 || (len(code) > 3 && code[3] != ' ') {
		return a, fmt.Errorf("status line: got %q, want a status of three digits", clip(line))
	}
	for _, d := range code[:3] {
		if d < '0' || d > '9' {
			return a, fmt.Errorf("status line: got %q, want a status of three digits", clip(line))
		}
		a.status = a.status*10 + int(d-'0')
	}
	if a.status < 100 {
		return a, fmt.Errorf("status line: got %q, want a status from 100 on", clip(line))
	}
	if !httpguts.ValidHeaderFieldValue(string(code[3:])) { // others take a line feed alone for the end of the line
		return a, fmt.Errorf("status line: got %q, which has a control character", clip(line))
	}
	for {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) == 0 {
			return a, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !httpguts.ValidHeaderFieldName(string(name)) {
			return a, fmt.Errorf("header line: got %q, want name: value", clip(line))
		}
		v := string(bytes.Trim(value, " \t"))
		if !httpguts.ValidHeaderFieldValue(v) {
			return a, fmt.Errorf("header %s: its value has a control character", clip(name))
		}
		a.take(name, v)
	}
}

// interim tells a response that says only that the answer is yet to come. A client must be able to take any
// number of them, also if it expects none (RFC 9110 §15.2); 101 is the one that is an answer.
func (a *answer) interim() bool { return a.status < 200 && a.status != http.StatusSwitchingProtocols }

// take keeps the headers that RFC 6455 §4.1 has the client check, and those that say where else to go or what
// to remember.
func (a *answer) take(name []byte, value string) {
	for _, h := range []struct {
		name   string
		values *[]string
	}{
		{"upgrade", &a.upgrade},
		{"connection", &a.connection},
		{"sec-websocket-accept", &a.accept},
		{"sec-websocket-protocol", &a.protocol},
		{"sec-websocket-extensions", &a.extensions},
		{"location", &a.location},
		{"set-cookie", &a.cookies},
	} {
		if len(name) == len(h.name) && strings.EqualFold(string(name), h.name) {
			*h.values = append(*h.values, value)
		}
	}
}

// check applies RFC 6455 §4.1 to a 101, and picks the subprotocol. Extensions are Compression.agree's.
func (a *answer) check(key []byte, offered []string) error {
	switch {
	case len(a.upgrade) != 1 || !strings.EqualFold(a.upgrade[0], "websocket"):
		return fmt.Errorf("Upgrade: got %s, want websocket", list(a.upgrade))
	case !httpguts.HeaderValuesContainsToken(a.connection, "upgrade"):
		return fmt.Errorf("Connection: got %s, want Upgrade in it", list(a.connection))
	case len(a.accept) != 1 || a.accept[0] != acceptOf(key):
		return fmt.Errorf("Sec-WebSocket-Accept: got %s, want %s", list(a.accept), acceptOf(key))
	case len(a.protocol) > 1 || (len(a.protocol) == 1 && !slices.Contains(offered, a.protocol[0])):
		return fmt.Errorf("Sec-WebSocket-Protocol: got %s, want one of those offered: %s", list(a.protocol), list(offered))
	case len(a.protocol) == 1:
		a.subprotocol = a.protocol[0]
	}
	return nil
}

// acceptOf computes the Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).
func acceptOf(key []byte) string {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum(append(key[:len(key):len(key)], guid...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// list quotes what a server sent, in bounds.
func list(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return fmt.Sprintf("%q", clip([]byte(strings.Join(values, ", "))))
}

func clip(b []byte) []byte { return b[:min(len(b), 64)] }
