package transport

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// extension is an element of Sec-WebSocket-Extensions.
type extension struct {
	name   string
	params []param
}

type param struct {
	name, value string
	valued      bool
}

// parseExtensions reads the value of a Sec-WebSocket-Extensions header by the grammar of RFC 6455 §9.1:
// a list of tokens with parameters, whose values are tokens, in quotes or not. Empty elements of the
// list, and spaces between its parts, are allowed, as in all lists of HTTP.
func parseExtensions(header string) (list []extension, err error) {
	s := headerScanner{rest: header}
	for {
		for s.skip(); s.take(','); s.skip() {
		}
		if s.rest == "" {
			return list, nil
		}
		e := extension{name: s.token()}
		if e.name == "" {
			return nil, s.wrong("an extension's name")
		}
		for s.skip(); s.take(';'); s.skip() {
			p, err := s.param()
			if err != nil {
				return nil, err
			}
			e.params = append(e.params, p)
		}
		if s.rest != "" && s.rest[0] != ',' {
			return nil, s.wrong("a semicolon, a comma or the end")
		}
		list = append(list, e)
	}
}

// headerScanner takes parts from the front of a header's value.
type headerScanner struct{ rest string }

func (s *headerScanner) skip() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *headerScanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// token takes a token (RFC 9110 §5.6.2); it is empty if there is none.
func (s *headerScanner) token() (token string) {
	n := 0
	for n < len(s.rest) && httpguts.IsTokenRune(rune(s.rest[n])) {
		n++
	}
	token, s.rest = s.rest[:n], s.rest[n:]
	return token
}

func (s *headerScanner) param() (p param, err error) {
	s.skip()
	if p.name = s.token(); p.name == "" {
		return p, s.wrong("a parameter's name")
	}
	s.skip()
	if p.valued = s.take('='); !p.valued {
		return p, nil
	}
	s.skip()
	if s.take('"') {
		p.value, err = s.quoted()
		return p, err
	}
	if p.value = s.token(); p.value == "" {
		return p, s.wrong("a parameter's value")
	}
	return p, nil
}

// quoted takes the rest of a quoted-string whose text must be a token (RFC 6455 §9.1).
func (s *headerScanner) quoted() (string, error) {
	var text []byte
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch {
		case c == '"' && len(text) > 0:
			return string(text), nil
		case c == '\\' && s.rest != "":
			c = s.rest[0]
			s.rest = s.rest[1:]
		}
		if !httpguts.IsTokenRune(rune(c)) {
			return "", fmt.Errorf("got %q in quotes, want a token there", []byte{c})
		}
		text = append(text, c)
	}
	return "", s.wrong("a closing quote")
}

func (s *headerScanner) wrong(want string) error {
	if s.rest == "" {
		return fmt.Errorf("got its end, want %s", want)
	}
	return fmt.Errorf("got %q, want %s", clip([]byte(s.rest)), want)
}

// agreement is what client and server have agreed on. The zero value is: no compression.
type agreement struct {
	deflate                        bool
	serverTakeover, clientTakeover bool
	serverBits, clientBits         uint8 // windows, as base-2 logarithms
}

// String gives the extension as RFC 7692 writes it, without what goes without saying; empty if there is
// none.
func (g agreement) String() string {
	if !g.deflate {
		return ""
	}
	s := permessageDeflate
	if !g.serverTakeover {
		s += "; " + serverNoContextTakeover
	}
	if !g.clientTakeover {
		s += "; " + clientNoContextTakeover
	}
	if g.serverBits < maxWindowBits {
		s += fmt.Sprintf("; %s=%d", serverMaxWindowBits, g.serverBits)
	}
	if g.clientBits < maxWindowBits {
		s += fmt.Sprintf("; %s=%d", clientMaxWindowBits, g.clientBits)
	}
	return s
}

// agree reads the server's answer to the offer o, nil if none was made. It is strict: client and server
// that understand each other differently here will not understand each other's messages.
func (o *Compression) agree(headers []string) (g agreement, err error) {
	defer func() {
		if err != nil {
			g, err = agreement{}, fmt.Errorf("Sec-WebSocket-Extensions: %w", err)
		}
	}()
	if len(headers) > 1 { // RFC 6455 §11.3.2
		return g, fmt.Errorf("got it %d times, want it once", len(headers))
	}
	for _, h := range headers {
		list, err := parseExtensions(h)
		if err != nil {
			return g, err
		}
		for _, e := range list {
			switch {
			case o == nil:
				return g, fmt.Errorf("got %q, none was offered", clip([]byte(e.name)))
			case e.name != permessageDeflate:
				return g, fmt.Errorf("got %q, only %s was offered", clip([]byte(e.name)), permessageDeflate)
			case g.deflate:
				return g, fmt.Errorf("got %s twice", permessageDeflate)
			}
			if g, err = o.accept(e.params); err != nil {
				return g, fmt.Errorf("%s: %w", permessageDeflate, err)
			}
		}
	}
	return g, nil
}

// accept applies RFC 7692 §7.1 to the parameters of a server that takes the offer.
func (o *Compression) accept(params []param) (g agreement, err error) {
	g = agreement{deflate: true, serverTakeover: true, clientTakeover: o.Takeover, serverBits: maxWindowBits, clientBits: maxWindowBits}
	if o.ClientWindow != 0 {
		g.clientBits = uint8(o.ClientWindow)
	}
	limited := false
	for i, p := range params {
		if slices.ContainsFunc(params[:i], func(q param) bool { return q.name == p.name }) {
			return g, fmt.Errorf("got %q twice", clip([]byte(p.name)))
		}
		var bits uint8
		switch p.name {
		case serverNoContextTakeover, clientNoContextTakeover:
			if p.valued {
				return g, fmt.Errorf("%s: got the value %q, want none", p.name, clip([]byte(p.value)))
			}
		case serverMaxWindowBits, clientMaxWindowBits:
			if bits, err = windowBits(p); err != nil {
				return g, err
			}
		}
		switch p.name {
		case serverNoContextTakeover:
			g.serverTakeover = false
		case clientNoContextTakeover:
			g.clientTakeover = false
		case serverMaxWindowBits:
			g.serverBits, limited = bits, true
		case clientMaxWindowBits:
			// More than was offered only says that the server has room for it (§7.1.2.2).
			g.clientBits = min(g.clientBits, bits)
		default:
			return g, fmt.Errorf("got the parameter %q, which RFC 7692 does not know", clip([]byte(p.name)))
		}
	}
	switch {
	case !o.Takeover && g.serverTakeover: // §7.1.1.1
		return g, fmt.Errorf("got no %s, which was asked for; offer takeover, or no compression", serverNoContextTakeover)
	case o.ServerWindow != 0 && !limited: // §7.1.2.1
		return g, fmt.Errorf("got no %s, want one of at most %d", serverMaxWindowBits, o.ServerWindow)
	case o.ServerWindow != 0 && int(g.serverBits) > o.ServerWindow:
		return g, fmt.Errorf("%s: got %d, want at most %d", serverMaxWindowBits, g.serverBits, o.ServerWindow)
	}
	return g, nil
}

// windowBits reads the value of a window's parameter: decimal, 8 to 15, without leading zeros.
func windowBits(p param) (uint8, error) {
	for bits := uint8(minWindowBits); bits <= maxWindowBits; bits++ {
		if p.value == fmt.Sprint(bits) {
			return bits, nil
		}
	}
	return 0, fmt.Errorf("%s: got %q, want a value of %d to %d", p.name, clip([]byte(p.value)), minWindowBits, maxWindowBits)
}
