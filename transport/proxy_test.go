package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// through gives Options.Proxy for one proxy.
func through(t testing.TB, text string) func(*url.URL) (*url.URL, error) {
	t.Helper()
	u, err := ParseProxy(text)
	if err != nil {
		t.Fatal(err)
	}
	return ProxyURL(u)
}

// at gives a resolver that has these addresses for every name.
func at(ips ...string) Resolver {
	return asked(func(context.Context, string) (all []netip.Addr, _ error) {
		for _, ip := range ips {
			all = append(all, netip.MustParseAddr(ip))
		}
		return all, nil
	})
}

// roundTrip has an open connection say something, hear it again, and close.
func roundTrip(t *testing.T, p *player) {
	t.Helper()
	p.do(func() {
		if err := p.conn.Send(messages.OpText, []byte("through")); err != nil {
			t.Error(err)
		}
	})
	p.awaitGot(got{messages.OpText, "through"})
	p.do(func() { p.conn.Close(messages.CloseNormal, "") })
	checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
}

// waitOpen gives p when it is open.
func waitOpen(p *player) *player {
	p.t.Helper()
	p.awaitOpened()
	return p
}

// isNetStream tells whether a connection has goroutines of its own.
func isNetStream(p *player) (is bool) {
	p.do(func() { _, is = p.conn.st.(*netStream) })
	return is
}

// TestProxy goes through each kind of proxy, with and without credentials, with and without TLS to the server:
// the proxy is asked for the server by name or by address, and on epoll what is a bare socket becomes one of
// the loop's.
func TestProxy(t *testing.T) {
	_, pool := wstest.Certificate()
	for _, c := range []struct {
		scheme, credentials string
		byName              bool
	}{
		{"http", "", true},
		{"http", "player:p%40ss:word", true},
		{"https", "", true},
		{"https", "player:secret", true},
		{"socks5", "", false},
		{"socks5", "player:secret", false},
		{"socks5h", "", true},
		{"socks5h", "player:", true},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %s secure %v", c.scheme, c.credentials, secure), func(t *testing.T) {
				eachEngine(t, func(t *testing.T, e Engine) {
					serve, serveProxy := wstest.Serve, wstest.Serve
					if secure {
						serve = wstest.ServeTLS
					}
					if c.scheme == "https" {
						serveProxy = wstest.ServeTLS
					}
					server := serve(t, wstest.Echo)
					credentials, _ := url.PathUnescape(c.credentials)
					asked := make(chan string, 1)
					script := wstest.SOCKSProxy(credentials, func(s string) { asked <- s })
					if strings.HasPrefix(c.scheme, "http") {
						script = wstest.HTTPProxy(credentials, func(r *http.Request) { asked <- r.Host })
					}
					address := serveProxy(t, script).Addr()
					if c.credentials != "" {
						address = c.credentials + "@" + address
					}
					b := newLab(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool}, Resolver: at("127.0.0.1"), Proxy: through(t, c.scheme+"://"+address)})
					p := b.connect(strings.Replace(server.URL(), "127.0.0.1", "localhost", 1))
					want := server.Addr()
					if c.byName {
						want = fmt.Sprintf("localhost:%d", server.Port())
					}
					if got := await(t, asked, "the proxy"); got != want {
						t.Errorf("the proxy was asked for %s, want %s", got, want)
					}
					p.awaitOpened()
					if got, want := isNetStream(p), e == EngineGoroutine || c.scheme == "https"; got != want {
						t.Errorf("has goroutines: %v, want %v", got, want)
					}
					roundTrip(t, p)
					tr := b.traffic()
					if tr.SentBytes != 7 || tr.SentWire <= 7 || tr.ReceivedBytes != 7 || tr.ReceivedWire <= 7 {
						t.Errorf("got %d of %d bytes sent, %d of %d received, want 7 of more each", tr.SentBytes, tr.SentWire, tr.ReceivedBytes, tr.ReceivedWire)
					}
				})
			})
		}
	}
}

// TestProxyPhases: what the proxy takes counts as connect, and is in no other phase.
func TestProxyPhases(t *testing.T) {
	_, pool := wstest.Certificate()
	eachEngine(t, func(t *testing.T, e Engine) {
		const pause = 50 * time.Millisecond // the least that the proxy takes
		server := wstest.ServeTLS(t, wstest.Echo)
		middle := wstest.Serve(t, func(c net.Conn) {
			time.Sleep(pause)
			wstest.HTTPProxy("", nil)(c)
		})
		b := newLab(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool}, Proxy: through(t, middle.Addr())})
		h := b.connect(server.URL()).awaitOpened().Handshake
		if h.Phases[messages.PhaseConnect] < pause || h.Phases[messages.PhaseTLS] <= 0 || h.Phases[messages.PhaseUpgrade] <= 0 || h.Phases[messages.PhaseResolve] != 0 {
			t.Errorf("got the phases %v, want %v or more in connect, some in tls and upgrade, none in resolve", h.Phases, pause)
		}
	})
}

// says reads a little and then says something, a byte a write where slowly.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, text)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, c)
	}
}

// TestProxyFails: whatever a proxy does instead of letting through is told as such, in connect, in bounds, and
// without the password.
func TestProxyFails(t *testing.T) {
	const credentials = "player:s3cr3t@"
	for _, c := range []struct {
		name        string
		scheme      string
		credentials string
		script      func(net.Conn)
		want        string // behind "proxy 127.0.0.1:port: "
	}{
		{"no credentials", "http", "", wstest.HTTPProxy("a:b", nil), "got status 407 Proxy Authentication Required, want 200; it wants a user and a password in its URL"},
		{"wrong credentials", "http", credentials, wstest.HTTPProxy("a:b", nil), "got status 407 Proxy Authentication Required, want 200; it does not take the user and the password in its URL"},
		{"forbidden", "http", credentials, says("HTTP/1.0 403 s3cr3t\r\n\r\n"), "got status 403 Forbidden, want 200; it does not let through to 127.0.0.1:1"},
		{"an odd status", "http", "", says("HTTP/1.1 299\r\n\r\n"), ""},
		{"a status that nobody knows", "http", "", says("HTTP/1.1 499 x\r\n\r\n"), "got status 499, want 200; it does not let through to 127.0.0.1:1"},
		{"refused beyond", "http", "", wstest.HTTPProxy("", nil), "got status 502 Bad Gateway, want 200; it cannot reach 127.0.0.1:1"},
		{"a redirect", "http", "", says("HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n"), "got status 302 Found, want 200; it does not let through to 127.0.0.1:1"},
		{"something else", "http", "", says("SSH-2.0-OpenSSH"), `got "SSH-", want its answer to start with "HTTP/1."; is it an HTTP proxy?`},
		{"HTTP/2", "http", "", says("HTTP/2 200 OK\r\n\r\n"), `got "HTTP/2 2", want its answer to start with "HTTP/1."; is it an HTTP proxy?`},
		{"no status", "http", "", says("HTTP/1.1 abc\r\n\r\n"), `got "HTTP/1.1 abc\r\n\r\n", want its answer to start with "HTTP/1."; is it an HTTP proxy?`},
		{"endless", "http", "", says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20<<10)), "got more than 16384 bytes of its answer without the end"},
		{"nothing", "http", "", says(""), "it ended the connection before it had answered; is it a proxy?"},
		{"half of it", "http", "", says("HTTP/1.1 200 OK\r\n\r"), "it ended the connection before it had answered; is it a proxy?"},
		{"no TLS", "https", "", says("HTTP/1.1 200 OK\r\n\r\n"), "handshake: tls: first record does not look like a TLS handshake"},
		{"socks, no credentials", "socks5", "", wstest.SOCKSProxy("a:b", nil), "socks5: it wants a user and a password in its URL"},
		{"socks, wrong credentials", "socks5", credentials, wstest.SOCKSProxy("a:b", nil), "socks5: username/password authentication failed"},
		{"socks, refused beyond", "socks5h", "", wstest.SOCKSProxy("", nil), "socks5: it cannot reach 127.0.0.1:1: connection refused"},
		{"socks, not allowed", "socks5", "", says("\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), "socks5: connection not allowed by ruleset"},
		{"socks, an odd answer", "socks5", "", says("\x05\x00\x05\xee\x00\x01\x00\x00\x00\x00\x00\x00"), "socks5: unknown code: 238"},
		{"socks, version 4", "socks5", "", says("\x00\x5a\x00\x00\x00\x00\x00\x00"), "socks5: unexpected protocol version 0"},
		{"socks, an address type that there is none of", "socks5", "", says("\x05\x00\x05\x00\x00\x09"), "socks5: unknown address type 9"},
		{"socks, half of a name", "socks5", "", says("\x05\x00\x05\x00\x00\x03\xffabc"), "socks5: it ended the connection before it had answered; is it a proxy?"},
		{"socks, nothing", "socks5", "", says(""), "socks5: it ended the connection before it had answered; is it a proxy?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				middle := wstest.Serve(t, c.script)
				b := newLab(t, Options{Engine: e, Proxy: through(t, c.scheme+"://"+c.credentials+middle.Addr())})
				m := b.connect("ws://127.0.0.1:1/").awaitClosed()
				if c.want == "" { // it is let through, to nobody
					checkOutcome(t, m, outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal})
					return
				}
				checkOutcome(t, m, outcome{Cause: messages.CauseProxy, Code: messages.CloseAbnormal})
				want := "proxy " + middle.Addr() + ": " + c.want
				if m.Phase != messages.PhaseConnect || m.Err == nil || m.Err.Error() != want || strings.Contains(fmt.Sprintf("%+v", m), "s3cr3t") {
					t.Errorf("got %s: %v, want connect: %s", m.Phase, m.Err, want)
				}
			})
		})
	}
}

// TestProxyUnreached: a proxy that is not there is told apart from a server that is not there, and what this
// machine lacks from both.
func TestProxyUnreached(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		fails := func(o Options, cause messages.Cause, phase messages.Phase, want string) {
			t.Helper()
			o.Engine = e
			b := newLab(t, o)
			m := b.connect("ws://127.0.0.1:1/").awaitClosed()
			checkOutcome(t, m, outcome{Cause: cause, Code: messages.CloseAbnormal})
			if m.Phase != phase || m.Err == nil || !strings.Contains(m.Err.Error(), want) {
				t.Errorf("got %s: %v, want %s: %s", m.Phase, m.Err, phase, want)
			}
			b.stop()
		}
		fails(Options{Proxy: through(t, "127.0.0.1:1")}, messages.CauseProxy, messages.PhaseConnect, "proxy 127.0.0.1:1: dial tcp ")
		fails(Options{Proxy: through(t, "proxy.example"), Resolver: asked(func(context.Context, string) ([]netip.Addr, error) {
			return nil, errors.New("no such host")
		})}, messages.CauseProxy, messages.PhaseResolve, "proxy proxy.example:80: no such host")
		fails(Options{Proxy: through(t, "127.0.0.1:1"), LocalIPs: []netip.Addr{netip.MustParseAddr("198.51.100.1")}},
			messages.CauseLocalResource, messages.PhaseConnect, "proxy 127.0.0.1:1: ")
		fails(Options{Proxy: func(*url.URL) (*url.URL, error) { return nil, errors.New("whoops") }}, messages.CauseProxy, messages.PhaseConnect, "proxy: whoops")
		fails(Options{Proxy: ProxyURL(&url.URL{Scheme: "ftp", Host: "x"})}, messages.CauseProxy, messages.PhaseConnect, `got a proxy of the kind "ftp"`)
	})
}

// TestProxySlow: the dial timeout holds for a proxy that dribbles its answer, and the end names the proxy.
func TestProxySlow(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		middle := wstest.Serve(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			for {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
		b := newLab(t, Options{Engine: e, DialTimeout: 60 * time.Millisecond, Proxy: through(t, middle.Addr())})
		m := b.connect("ws://127.0.0.1:1/").awaitClosed()
		checkOutcome(t, m, outcome{Cause: messages.CauseConnectTimeout, Code: messages.CloseAbnormal})
		if m.Phase != messages.PhaseConnect || m.Err == nil || !strings.HasPrefix(m.Err.Error(), "proxy "+middle.Addr()+": ") {
			t.Errorf("got %s: %v, want connect, and the proxy named", m.Phase, m.Err)
		}
	})
}

// TestProxyGlued: bytes that come in one piece with the proxy's answer are the server's, and are not lost.
func TestProxyGlued(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		for answer, glued := range map[string]string{
			"http":   "HTTP/1.1 200 OK\r\n\r\n",
			"socks5": "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
		} {
			middle := wstest.Serve(t, says(glued+"HTTP/1.1 418 I'm a teapot\r\n\r\n"))
			b := newLab(t, Options{Engine: e, Proxy: through(t, answer+"://"+middle.Addr())})
			m := b.connect("ws://127.0.0.1:1/").awaitClosed()
			checkOutcome(t, m, outcome{Cause: messages.CauseUpgradeStatus, Code: messages.CloseAbnormal})
			if m.Status != 418 {
				t.Errorf("%s: got status %d, want 418", answer, m.Status)
			}
			b.stop()
		}
	})
}

// TestProxyNextAddress: where a proxy is given addresses, it is given the next if it cannot reach the first; and
// the next address of the proxy is tried if the first does not answer.
func TestProxyNextAddress(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		server := wstest.Serve(t, wstest.Echo)
		asked := make(chan string, 2)
		middle := wstest.Serve(t, wstest.SOCKSProxy("", func(s string) { asked <- s }))
		b := newLab(t, Options{Engine: e, Resolver: at("127.0.0.77", "127.0.0.1"), ResolveSelect: SelectFirst,
			Proxy: through(t, fmt.Sprintf("socks5://proxy.example:%d", middle.Port()))})
		roundTrip(t, b.open(fmt.Sprintf("ws://game.example:%d/", server.Port())))
		for _, ip := range []string{"127.0.0.77", "127.0.0.1"} {
			if got, want := await(t, asked, "the proxy"), fmt.Sprintf("%s:%d", ip, server.Port()); got != want {
				t.Errorf("the proxy was asked for %s, want %s", got, want)
			}
		}
	})
}

// TestProxyOverDial: Options.Dial takes the place of TCP to the proxy.
func TestProxyOverDial(t *testing.T) {
	wstest.NoLeaks(t)
	server := wstest.Serve(t, wstest.Echo)
	dialed := make(chan string, 1)
	pipes := wstest.Pipes(t, wstest.HTTPProxy("", nil))
	b := newLab(t, Options{Proxy: through(t, "proxy.example:3128"), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed <- network + " " + address
		return pipes(ctx, network, address)
	}})
	roundTrip(t, b.open(server.URL()))
	if got := await(t, dialed, "a dial"); got != "tcp proxy.example:3128" {
		t.Errorf("dialed %s, want the proxy", got)
	}
}

func TestParseProxy(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"127.0.0.1:3128", "http 127.0.0.1:3128"},
		{"proxy.example", "http proxy.example:80"},
		{"https://proxy.example/", "https proxy.example:443"},
		{"socks5://[::1]", "socks5 [::1]:1080"},
		{"socks5h://u:p@proxy.example:9050", "socks5h proxy.example:9050"},
		{"ftp://u:s3cr3t@x", `got a proxy of the kind "ftp", ` + wantProxy},
		{"http://", `got host "", ` + wantProxy},
		{"http://a,b:80", `got host "a,b", ` + wantProxy},
		{"http://u:s3cr3t@x:99999", `got port "99999", want 1 to 65535`},
		{"http://u:s3cr3t@x:0", `got port "0", want 1 to 65535`},
		{"http://u:s3cr3t@x/path", `got more than a host and a port in "http://u:xxxxx@x/path", ` + wantProxy},
		{"http://u:s3cr3t/@x", "got no URL, " + wantProxy + "; special characters of a password are written as %2F"},
		{"socks5://:s3cr3t@x", "got a user or a password of a length that SOCKS5 has no room for, want 1 to 255 bytes (RFC 1929)"},
		{"socks5://u:" + strings.Repeat("s3cr3t", 50) + "@x", "got a user or a password of a length that SOCKS5 has no room for, want 1 to 255 bytes (RFC 1929)"},
		{"http://u%3Au:s3cr3t@x", "got a user with a colon, which HTTP has no way to say (RFC 7617 §2)"},
	} {
		u, err := ParseProxy(c.text)
		var got string
		if err != nil {
			got = err.Error()
		} else if p, err := newProxy(u); err == nil {
			got = p.scheme + " " + p.at.String()
		}
		if got != c.want || strings.Contains(got, "s3cr3t") {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

// FuzzProxyHead: the head of a proxy's answer is read to its end and no further, however it comes.
func FuzzProxyHead(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n\x81\x02hi", "HTTP/1.0 407 \r\n\r\n", "HTTP/1.1 200\r\n\r\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\n\n", "SSH-2.0-x\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: -1\r\n\r\n", "",
	} {
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(200))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		r := &pieces{b: b, most: int(piece) + 1}
		p := &proxy{scheme: schemeHTTP, at: hostPort{"x", 1}}
		err := p.connectHTTP(r, "y:2", "test")
		if err == nil {
			end := strings.Index(string(b), "\r\n\r\n")
			if rest := b[min(len(b), end+4):]; end < 0 || string(r.b) != string(rest) {
				t.Errorf("left %q, want %q", r.b, rest)
			}
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(b))), nil)
			if err == nil && resp.StatusCode/100 != 2 {
				t.Errorf("let through with status %d", resp.StatusCode)
			}
		} else if len(err.Error()) > 512 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}

// pieces reads b in pieces, and swallows what is written.
type pieces struct {
	b    []byte
	most int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.most)], p.b)
	p.b = p.b[n:]
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error) { return len(b), nil }
