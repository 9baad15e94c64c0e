package target

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
)

// acceptGUID is the constant of RFC 6455 §1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// feedHead collects the request head and answers it once it is whole. It gives back the bytes after
// it: frames that an eager peer glued to its request.
func (s *session) feedHead(in, out []byte) (rest, _ []byte) {
	n := headEnd(s.part, in)
	if n == 0 && len(s.part)+len(in) < maxHead {
		s.part = s.host.pool.append(s.part, in)
		return nil, out
	}
	if n == 0 || len(s.part)+n > maxHead {
		return nil, s.refuse(&refusal{
			status: http.StatusRequestHeaderFieldsTooLarge, text: fmt.Sprintf("request head is longer than %d bytes", maxHead),
		}, out)
	}
	head := in[:n]
	if len(s.part) > 0 {
		s.part = s.host.pool.append(s.part, head)
		head = s.part
	}
	out = s.upgrade(head, out)
	s.dropPart()
	return in[n:], out
}

// upgrade answers a whole request head with 101 or an error.
func (s *session) upgrade(head, out []byte) []byte {
	r, bad := parseRequest(head)
	if bad == nil {
		bad = r.check(s.host.opts.Path, s.host.opts.Kind)
	}
	protocol := ""
	if bad == nil {
		protocol, bad = r.choose(s.host.opts.Subprotocols)
	}
	var agreed compression
	if bad == nil && s.host.opts.Compress {
		agreed, bad = r.compression()
	}
	if bad == nil && s.host.shared.gate != nil {
		bad = s.host.shared.gate.admit(s, &r)
	}
	if bad != nil {
		return s.refuse(bad, out)
	}
	s.window = uint8(agreed.window)
	s.phase = open
	s.counted = true
	s.host.tally.opened.Add(1)
	s.host.totals.opened()
	return appendUpgrade(out, r.key, protocol, agreed.text)
}

// refuse answers with an HTTP error and ends the session.
func (s *session) refuse(bad *refusal, out []byte) []byte {
	s.host.tally.refused.Add(1)
	s.end(lingering)
	return appendRefusal(out, bad)
}

// check judges a well-formed request (RFC 6455 §4.2.1): first what an ordinary HTTP client would get
// wrong, then what a WebSocket client would.
func (r *request) check(path string, kind Kind) *refusal {
	switch {
	case r.host == nil:
		return badRequest("Host is missing")
	case string(r.method) != http.MethodGet:
		return &refusal{status: http.StatusMethodNotAllowed, text: "the method must be GET"}
	case path != "" && string(r.path) != path:
		return &refusal{status: http.StatusNotFound, text: "the WebSocket server is at " + path}
	case !r.upgrade:
		return &refusal{status: http.StatusUpgradeRequired, text: "this is a WebSocket " + string(kind) + " server: Upgrade must be websocket"}
	case !r.connection:
		return badRequest("Connection must have upgrade")
	case string(r.version) != "13":
		return &refusal{status: http.StatusUpgradeRequired, text: "Sec-WebSocket-Version must be 13"}
	case !validKey(r.key):
		return badRequest("Sec-WebSocket-Key must be 16 bytes in base64")
	}
	return nil
}

// choose picks the first subprotocol offered that is known; none if there is none.
func (r *request) choose(known []string) (picked string, bad *refusal) {
	for _, list := range r.protocols {
		for item := range bytes.SplitSeq(list, []byte(",")) {
			item = bytes.Trim(item, " \t")
			if !isToken(item) {
				return "", badRequest("Sec-WebSocket-Protocol is not a list of tokens")
			}
			for _, k := range known {
				if picked == "" && k == string(item) {
					picked = k
				}
			}
		}
	}
	return picked, nil
}

func appendUpgrade(out, key []byte, protocol, extensions string) []byte {
	var seed [24 + len(acceptGUID)]byte
	copy(seed[copy(seed[:], key):], acceptGUID)
	sum := sha1.Sum(seed[:])
	out = append(out, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	out = base64.StdEncoding.AppendEncode(out, sum[:])
	if protocol != "" {
		out = append(out, "\r\nSec-WebSocket-Protocol: "...)
		out = append(out, protocol...)
	}
	if extensions != "" {
		out = append(out, "\r\nSec-WebSocket-Extensions: "...)
		out = append(out, extensions...)
	}
	return append(out, "\r\n\r\n"...)
}

func appendRefusal(out []byte, bad *refusal) []byte {
	connection, more := "close", ""
	switch bad.status {
	case http.StatusMethodNotAllowed:
		more = "Allow: GET\r\n"
	case http.StatusUpgradeRequired:
		// RFC 9110 §15.5.22 wants Upgrade, RFC 6455 §4.2.2 the version.
		connection = "close, upgrade"
		more = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	}
	if bad.challenge != "" {
		more = "WWW-Authenticate: " + bad.challenge + "\r\n"
	}
	return fmt.Appendf(out, "HTTP/1.1 %d %s\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\n"+
		"Connection: %s\r\n"+
		"%s\r\n%s\n",
		bad.status, http.StatusText(bad.status), len(bad.text)+1, connection, more, bad.text)
}
