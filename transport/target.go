package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/loadrig/loadrig/messages"
)

// target is a Connect made ready to dial: where to, and the request but for what is new each time.
type target struct {
	url          string // without query, for errors
	secure       bool
	host         string // a name or an address, without brackets
	port         string
	request      []byte // up to "Sec-WebSocket-Key: "
	subprotocols []string
	certificate  *tls.Certificate // of the player; nil for that of Options.TLS, if any
	parsed       *url.URL
	cookies      []string // given in Cookie headers
	origin       *url.URL // as net/http has it, for cookies
	way          way      // set by Network.compile
}

// owned are the headers that the opening handshake sets itself.
var owned = []string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Accept",
	"Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "Content-Length", "Transfer-Encoding"}

func compile(c *messages.Connect, userAgent string) (*target, error) {
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	t := &target{secure: u.Scheme == "wss", host: u.Hostname(), port: u.Port(), subprotocols: c.Subprotocols, certificate: c.Certificate, parsed: u}
	if t.port == "" {
		t.port = "80"
		if t.secure {
			t.port = "443"
		}
	}
	t.url = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	host := withoutZone(u.Host)
	if h := header(c.Headers, "Host"); h != "" {
		host = h
	}
	if !httpguts.ValidHostHeader(host) {
		return nil, fmt.Errorf("%w: Host: got %q, want a host name", messages.ErrBadHeader, host)
	}
	t.origin = &url.URL{Scheme: "http", Host: host, Path: u.Path}
	if t.secure {
		t.origin.Scheme = "https"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
		u.RequestURI(), host)
	for _, p := range c.Subprotocols {
		if !httpguts.ValidHeaderFieldName(p) {
			return nil, fmt.Errorf("%w: subprotocol: got %q, want a token (RFC 6455 §4.1)", messages.ErrBadHeader, p)
		}
	}
	if len(c.Subprotocols) > 0 {
		fmt.Fprintf(&b, "Sec-WebSocket-Protocol: %s\r\n", strings.Join(c.Subprotocols, ", "))
	}
	if header(c.Headers, "User-Agent") == "" && userAgent != "" {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", userAgent)
	}
	if t.cookies, err = writeHeaders(&b, c.Headers); err != nil {
		return nil, err
	}
	b.WriteString("Sec-WebSocket-Key: ")
	t.request = []byte(b.String())
	return t, nil
}

// shown gives a URL without what may be secret in it: user, query and fragment.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats the URL, which may hold a password; its Err does not.
		if ue, ok := err.(*url.Error); ok {
			err = ue.Err
		}
		if strings.HasPrefix(err.Error(), "invalid port") { // it would be quoted, and may be half of a password with a slash in it
			err = errors.New("got a port that is no number, want ws://host:port/path")
		}
		return nil, fmt.Errorf("%w: %w", messages.ErrBadURL, err)
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return nil, fmt.Errorf("%w: got %q, want ws://… or wss://…", messages.ErrBadURL, shown(u))
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: got %q, want a host, as in ws://host:port/path", messages.ErrBadURL, shown(u))
	case u.User != nil:
		return nil, fmt.Errorf("%w: got a user name in %q, want an Authorization header instead", messages.ErrBadURL, shown(u))
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: got a fragment in %q, which a WebSocket URL may not have (RFC 6455 §3)", messages.ErrBadURL, shown(u))
	}
	if strings.Contains(u.RequestURI(), " ") {
		return nil, fmt.Errorf("%w: got a space in the query of %q, want %%20", messages.ErrBadURL, shown(u))
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("%w: got port %q, want 1 to 65535", messages.ErrBadURL, p)
		}
	}
	return u, nil
}

// isSecure tells whether a valid URL is one of wss.
func isSecure(raw string) bool {
	return len(raw) >= 4 && strings.EqualFold(raw[:4], "wss:")
}

// header gives the value of a header however its name is written.
func header(h http.Header, name string) string {
	for n, values := range h {
		if len(values) > 0 && http.CanonicalHeaderKey(n) == name {
			return values[0]
		}
	}
	return ""
}

// writeHeaders writes h in a fixed order, but for cookies, which it gives, as all go into one header (RFC 6265
// §5.4). Errors name the header, never its value.
func writeHeaders(b *strings.Builder, h http.Header) (cookies []string, err error) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case canonical == "Host":
			continue
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("%w: got the name %q, want a token", messages.ErrBadHeader, name)
		case slices.Contains(owned, canonical):
			return nil, fmt.Errorf("%w: %s is set by the opening handshake itself", messages.ErrBadHeader, canonical)
		}
		for _, v := range h[name] {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, fmt.Errorf("%w: the value of %s has a control character", messages.ErrBadHeader, canonical)
			}
			if canonical == "Cookie" {
				cookies = append(cookies, v)
				continue
			}
			fmt.Fprintf(b, "%s: %s\r\n", name, v)
		}
	}
	return cookies, nil
}

// Check reports what is wrong with connect, with messages.ErrBadURL or ErrBadHeader in it.
func (l *Loop) Check(connect *messages.Connect) error {
	_, err := l.compile(connect)
	return err
}

// Check is Loop.Check without a loop.
func Check(connect *messages.Connect) error {
	_, err := compile(connect, "")
	return err
}
