package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// The kinds of proxies, by the schemes of their URLs.
const (
	schemeHTTP    = "http"    // HTTP CONNECT
	schemeHTTPS   = "https"   // the same over TLS to the proxy
	schemeSOCKS5  = "socks5"  // SOCKS5, where names are looked up here
	schemeSOCKS5H = "socks5h" // SOCKS5, where the proxy does that
)

// proxyPorts are the ports of proxies whose URL has none.
var proxyPorts = map[string]uint16{schemeHTTP: 80, schemeHTTPS: 443, schemeSOCKS5: 1080, schemeSOCKS5H: 1080}

// proxy is what a connection goes through.
type proxy struct {
	scheme string
	at     hostPort
	user   *url.Userinfo // nil if none was given
}

const wantProxy = "want http://, https://, socks5:// or socks5h:// with host:port, as http://user:password@127.0.0.1:3128"

// ParseProxy reads the URL of a proxy; host:port alone is http. Errors never repeat a password.
func ParseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = schemeHTTP + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		// What url.Parse complains about may be a part of the password.
		return nil, errors.New("got no URL, " + wantProxy + "; special characters of a password are written as %2F")
	}
	if _, err := newProxy(u); err != nil {
		return nil, err
	}
	return u, nil
}

// newProxy checks the URL of a proxy.
func newProxy(u *url.URL) (*proxy, error) {
	port, ok := proxyPorts[u.Scheme]
	switch {
	case !ok:
		return nil, fmt.Errorf("got a proxy of the kind %q, %s", u.Scheme, wantProxy)
	case !validHost(u.Hostname()):
		return nil, fmt.Errorf("got host %q, %s", u.Hostname(), wantProxy)
	case (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("got more than a host and a port in %q, %s", u.Redacted(), wantProxy)
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("got port %q, want 1 to 65535", p)
		}
		port = uint16(n)
	}
	p := &proxy{scheme: u.Scheme, at: hostPort{u.Hostname(), port}, user: u.User}
	if name, password, given := p.credentials(); given {
		switch {
		case p.socks() && (name == "" || len(name) > 255 || len(password) > 255):
			return nil, errors.New("got a user or a password of a length that SOCKS5 has no room for, want 1 to 255 bytes (RFC 1929)")
		case !p.socks() && strings.Contains(name, ":"):
			return nil, errors.New("got a user with a colon, which HTTP has no way to say (RFC 7617 §2)")
		}
	}
	return p, nil
}

func (p *proxy) socks() bool { return p.scheme == schemeSOCKS5 || p.scheme == schemeSOCKS5H }

// resolvesHere tells whether the proxy is given addresses instead of names.
func (p *proxy) resolvesHere() bool { return p.scheme == schemeSOCKS5 }

func (p *proxy) credentials() (name, password string, given bool) {
	if p.user == nil {
		return "", "", false
	}
	password, _ = p.user.Password()
	return p.user.Username(), password, true
}

// proxyStage is how far a connection came that a proxy is to blame for.
type proxyStage uint8

const (
	proxyUnreached proxyStage = iota // the proxy itself could not be reached
	proxyRefused                     // it does not want to, or is no proxy
	proxyBeyond                      // it could not reach the server, or says nothing
)

// proxyError is what went wrong on the way through a proxy.
type proxyError struct {
	at    hostPort
	stage proxyStage
	err   error
}

// Error gives "proxy 127.0.0.1:3128: got status 502 Bad Gateway, want 200; …".
func (e *proxyError) Error() string { return "proxy " + e.at.String() + ": " + e.err.Error() }

// Unwrap gives the details.
func (e *proxyError) Unwrap() error { return e.err }

func (p *proxy) fail(stage proxyStage, err error) error {
	return &proxyError{at: p.at, stage: stage, err: err}
}

// through has the proxy at the other end of wire connect to server, and gives what the connection runs over from
// there on; nil if that is wire itself. It reads no byte of what the server says. When ctx ends it closes wire.
func (n *Network) through(ctx context.Context, p *proxy, wire net.Conn, server string) (over net.Conn, err error) {
	stop := context.AfterFunc(ctx, func() { _ = wire.Close() })
	defer func() {
		if !stop() { // what went wrong since is what came of that
			over, err = nil, p.fail(proxyBeyond, ctx.Err())
		}
	}()
	switch {
	case p.socks():
		return nil, p.connectSOCKS(ctx, wire, server)
	case p.scheme == schemeHTTPS:
		tc := tls.Client(wire, n.proxyTLS(p))
		if err := tc.HandshakeContext(ctx); err != nil {
			return nil, p.fail(proxyUnreached, fmt.Errorf("handshake: %w", err))
		}
		return tc, p.connectHTTP(tc, server, n.opts.UserAgent)
	default:
		return nil, p.connectHTTP(wire, server, n.opts.UserAgent)
	}
}

// proxyTLS makes the configuration of TLS to the proxy. Its certificate is checked as a server's is; what
// proves who the players are is for the server alone.
func (n *Network) proxyTLS(p *proxy) *tls.Config {
	cfg := n.tls.Clone()
	cfg.ServerName = withoutZone(p.at.host)
	cfg.Certificates, cfg.GetClientCertificate = nil, nil
	cfg.EncryptedClientHelloConfigList = nil
	return cfg
}
