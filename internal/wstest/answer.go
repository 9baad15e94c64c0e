package wstest

import (
	"slices"
	"strings"
)

// Answer is the head of a response to an opening handshake, line by line, right or wrong. Its methods give
// changed copies.
type Answer struct {
	start  string
	lines  []string
	behind []byte
}

// acceptKey is where the key of the request's answer goes.
const acceptKey = "{accept}"

// Accepted is the answer that opens a connection (RFC 6455 §4.2.2).
func Accepted() Answer {
	return Answer{
		start: "HTTP/1.1 101 Switching Protocols",
		lines: []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + acceptKey},
	}
}

// Refused is an answer with another status than 101, as in "403 Forbidden", and these header lines.
func Refused(status string, lines ...string) Answer {
	return Answer{start: "HTTP/1.1 " + status, lines: lines}
}

// Start replaces the status line.
func (a Answer) Start(line string) Answer {
	a.start = line
	return a
}

// With adds header lines.
func (a Answer) With(lines ...string) Answer {
	a.lines = append(slices.Clone(a.lines), lines...)
	return a
}

// Without leaves out the header of that name.
func (a Answer) Without(name string) Answer {
	a.lines = slices.DeleteFunc(slices.Clone(a.lines), func(line string) bool {
		n, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(n, name)
	})
	return a
}

// Set replaces the header of the line's name by the line.
func (a Answer) Set(line string) Answer {
	name, _, _ := strings.Cut(line, ":")
	return a.Without(name).With(line)
}

// Behind adds bytes that come in one write with the head: a body, or the first frames.
func (a Answer) Behind(b ...byte) Answer {
	a.behind = append(slices.Clone(a.behind), b...)
	return a
}

// Bytes gives the answer to a request with that Sec-WebSocket-Key.
func (a Answer) Bytes(key string) []byte {
	head := a.start + "\r\n"
	for _, line := range a.lines {
		head += line + "\r\n"
	}
	head = strings.ReplaceAll(head+"\r\n", acceptKey, AcceptKey(key))
	return append([]byte(head), a.behind...)
}
