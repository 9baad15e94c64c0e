package target

import (
	"bytes"
	"encoding/base64"
	"net/http"
)

// maxHead is the most bytes a request head may have, its empty line included.
const maxHead = 16 << 10

// request is what a request head says that matters to an upgrade. Its slices point into the head.
type request struct {
	method, path []byte
	host         []byte
	key, version []byte
	protocols    [][]byte // values of Sec-WebSocket-Protocol, each a list
	extensions   [][]byte // values of Sec-WebSocket-Extensions, likewise
	claims       []header // Authorization and x-m2-…, which only json-auth reads
	upgrade      bool     // Upgrade has websocket
	connection   bool     // Connection has upgrade
}

// header is one field, as it came.
type header struct{ name, value []byte }

// refusal is the answer to a request that is not upgraded.
type refusal struct {
	status    int
	text      string // one line for a human
	challenge string // the value of WWW-Authenticate (RFC 6750 §3), if there is to be one
}

func badRequest(text string) *refusal { return &refusal{status: http.StatusBadRequest, text: text} }

// headEnd looks for the empty line that ends a request head of which part came earlier, without that
// line, and in comes now. It gives how many bytes of in belong to the head, 0 if it does not end
// there. Bare line feeds count, so that a peer that sends them is refused and not waited for.
func headEnd(part, in []byte) int {
	var last, last2 byte // those before in[at]
	at := 0
	for {
		i := bytes.IndexByte(in[at:], '\n')
		if i < 0 {
			return 0
		}
		i += at
		last, last2 = byteAt(part, in, i-1), byteAt(part, in, i-2)
		if last == '\n' || last == '\r' && last2 == '\n' {
			return i + 1
		}
		at = i + 1
	}
}

// byteAt gives in[i]; for a negative i the byte that many before the end of part, 0 if there is none.
func byteAt(part, in []byte, i int) byte {
	if i >= 0 {
		return in[i]
	}
	if i += len(part); i >= 0 {
		return part[i]
	}
	return 0
}

// parseRequest reads a whole head, strictly: lines end in CR LF, names are tokens, nothing is folded
// (RFC 9112 §2.2, §3, §5).
func parseRequest(head []byte) (r request, bad *refusal) {
	line, rest, bad := cutLine(head)
	if bad != nil {
		return r, bad
	}
	if bad := r.requestLine(line); bad != nil {
		return r, bad
	}
	for {
		line, rest, bad = cutLine(rest)
		if bad != nil {
			return r, bad
		}
		if len(line) == 0 {
			return r, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isToken(name) || !isFieldValue(value) {
			return r, badRequest("malformed header field")
		}
		if bad := r.field(name, bytes.Trim(value, " \t")); bad != nil {
			return r, bad
		}
	}
}

func cutLine(b []byte) (line, rest []byte, bad *refusal) {
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || bytes.IndexByte(line, '\n') >= 0 {
		return nil, nil, badRequest("lines must end in CR LF")
	}
	return line, rest, nil
}

func (r *request) requestLine(line []byte) *refusal {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, version, ok := bytes.Cut(rest, []byte(" "))
	if !ok || !isToken(method) || !isTarget(target) {
		return badRequest("malformed request line")
	}
	if string(version) != "HTTP/1.1" {
		return badRequest("HTTP version must be 1.1")
	}
	// An absolute URI is allowed (RFC 6455 §4.2.1).
	for _, scheme := range []string{"http://", "https://"} {
		if len(target) >= len(scheme) && bytes.EqualFold(target[:len(scheme)], []byte(scheme)) {
			target = target[len(scheme):]
			if i := bytes.IndexByte(target, '/'); i >= 0 {
				target = target[i:]
			} else {
				target = []byte("/")
			}
		}
	}
	if target[0] != '/' {
		return badRequest("request target must be a path")
	}
	r.method = method
	r.path, _, _ = bytes.Cut(target, []byte("?"))
	return nil
}

// field takes one header field.
func (r *request) field(name, value []byte) *refusal {
	switch {
	case isName(name, "Host"):
		return once(&r.host, value, "Host")
	case isName(name, "Sec-WebSocket-Key"):
		return once(&r.key, value, "Sec-WebSocket-Key")
	case isName(name, "Sec-WebSocket-Version"):
		return once(&r.version, value, "Sec-WebSocket-Version")
	case isName(name, "Sec-WebSocket-Protocol"):
		r.protocols = append(r.protocols, value)
	case isName(name, "Sec-WebSocket-Extensions"):
		r.extensions = append(r.extensions, value)
	case isName(name, "Upgrade"):
		r.upgrade = r.upgrade || hasToken(value, "websocket")
	case isName(name, "Connection"):
		r.connection = r.connection || hasToken(value, "upgrade")
	case isName(name, "Authorization"), len(name) > 5 && isName(name[:5], "x-m2-"):
		r.claims = append(r.claims, header{name, value})
	case isName(name, "Transfer-Encoding"), isName(name, "Content-Length") && string(value) != "0":
		// What follows the head is read as frames, so a body would be too.
		return badRequest("an upgrade request has no body")
	}
	return nil
}

// once sets dst to value and refuses a second one, and an empty one.
func once(dst *[]byte, value []byte, name string) *refusal {
	if *dst != nil {
		return badRequest(name + " more than once")
	}
	if len(value) == 0 {
		return badRequest(name + " is empty")
	}
	*dst = value
	return nil
}

// validKey tells whether key is the base64 of 16 bytes (RFC 6455 §4.2.1).
func validKey(key []byte) bool {
	var nonce [18]byte
	if len(key) != 24 {
		return false
	}
	n, err := base64.StdEncoding.Decode(nonce[:], key)
	return err == nil && n == 16
}

func isName(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

// hasToken looks for want, in any case, in a comma-separated list.
func hasToken(list []byte, want string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if isName(bytes.Trim(item, " \t"), want) {
			return true
		}
	}
	return false
}

// isToken tells tokens (RFC 9110 §5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0:
		default:
			return false
		}
	}
	return len(b) > 0
}

// isTarget tells request targets by their bytes only: visible ASCII.
func isTarget(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// isFieldValue tells field values: no control characters but tabs (RFC 9110 §5.5).
func isFieldValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
