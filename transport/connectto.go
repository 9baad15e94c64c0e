package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ConnectTo has connections that are meant for one place go to another, as curl's --connect-to does. Only TCP
// goes there: the Host header, the name in TLS and the check of the certificate stay those of the URL.
type ConnectTo struct {
	Host string // the URL's, by name or address; empty is any
	Port uint16 // the URL's; 0 is any

	ToHost string // empty keeps the URL's
	ToPort uint16 // 0 keeps the URL's
}

var errConnectTo = errors.New("want HOST1:PORT1:HOST2:PORT2, where each may be empty and IPv6 addresses have brackets")

// ParseConnectTo reads curl's HOST1:PORT1:HOST2:PORT2.
func ParseConnectTo(text string) (ConnectTo, error) {
	var parts []string
	for rest, more := text, true; more; {
		var part string
		if strings.HasPrefix(rest, "[") {
			end := strings.IndexByte(rest, ']')
			if end < 0 || (end+1 < len(rest) && rest[end+1] != ':') {
				return ConnectTo{}, fmt.Errorf("got %q, %w", text, errConnectTo)
			}
			part, rest = rest[1:end], rest[end+1:]
			if a, err := netip.ParseAddr(part); err != nil || !a.Is6() {
				return ConnectTo{}, fmt.Errorf("got %q in brackets in %q, want an IPv6 address", part, text)
			}
			_, rest, more = strings.Cut(rest, ":")
		} else {
			part, rest, more = strings.Cut(rest, ":")
		}
		parts = append(parts, part)
	}
	if len(parts) != 4 {
		return ConnectTo{}, fmt.Errorf("got %q, which has %d parts, %w", text, len(parts), errConnectTo)
	}
	c := ConnectTo{Host: parts[0], ToHost: parts[2]}
	for _, p := range []struct {
		text string
		port *uint16
	}{{parts[1], &c.Port}, {parts[3], &c.ToPort}} {
		if p.text == "" {
			continue
		}
		n, err := strconv.ParseUint(p.text, 10, 16)
		if err != nil || n == 0 {
			return ConnectTo{}, fmt.Errorf("got port %q in %q, want 1 to 65535", p.text, text)
		}
		*p.port = uint16(n)
	}
	return c, c.check()
}

// String gives what ParseConnectTo reads.
func (c ConnectTo) String() string {
	host := func(h string) string {
		if strings.Contains(h, ":") {
			return "[" + h + "]"
		}
		return h
	}
	port := func(p uint16) string {
		if p == 0 {
			return ""
		}
		return strconv.Itoa(int(p))
	}
	return strings.Join([]string{host(c.Host), port(c.Port), host(c.ToHost), port(c.ToPort)}, ":")
}

func (c ConnectTo) check() error {
	for _, h := range []string{c.Host, c.ToHost} {
		if h != "" && !validHost(h) {
			return fmt.Errorf("got host %q in %q, want a name or an address", h, c)
		}
	}
	return nil
}

// validHost tells whether a text may be the name of a host, or is an address.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, c := range []byte(host) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c >= 0x80:
		default:
			return false
		}
	}
	return host != ""
}

func (c ConnectTo) matches(to hostPort) bool {
	return (c.Host == "" || sameHost(c.Host, to.host)) && (c.Port == 0 || c.Port == to.port)
}

func (c ConnectTo) apply(to hostPort) hostPort {
	if c.ToHost != "" {
		to.host = c.ToHost
	}
	if c.ToPort != 0 {
		to.port = c.ToPort
	}
	return to
}

// sameHost compares names without regard to case, and addresses however they are written.
func sameHost(a, b string) bool {
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	if err1 == nil && err2 == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}
