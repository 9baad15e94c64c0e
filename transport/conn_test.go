package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// frame builds a server's frame; parts are what follows its two bytes of header.
func frame(first byte, payload string) string {
	if len(payload) > 125 {
		return string([]byte{first, 126, byte(len(payload) >> 8), byte(len(payload))}) + payload
	}
	return string([]byte{first, byte(len(payload))}) + payload
}

// readClose reads frames until the client's close frame, and gives its code; 0 if it has none, -1 if the
// stream ended without one.
func readClose(c net.Conn) int {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		f, err := ws.ReadFrame(c)
		if err != nil {
			return -1
		}
		f = ws.UnmaskFrameInPlace(f)
		if f.Header.OpCode == ws.OpClose {
			if len(f.Payload) < 2 {
				return 0
			}
			return int(f.Payload[0])<<8 | int(f.Payload[1])
		}
	}
}

// TestReceive has a server say something and checks what the client makes of it, and which close code it
// answers with. Each case runs whole and byte by byte, on both engines.
func TestReceive(t *testing.T) {
	text, binary, cont, ping, closing := byte(0x81), byte(0x82), byte(0x80), byte(0x89), byte(0x88)
	bye := frame(closing, "\x03\xe8")
	for _, c := range []struct {
		name  string
		sends string
		want  []string // data messages
		cause messages.Cause
		code  int // that the server receives
	}{
		{"text", frame(text, "hello") + bye, []string{"hello"}, messages.CauseRemote, 1000},
		{"two in one", frame(text, "a") + frame(binary, "\xff") + bye, []string{"a", "\xff"}, messages.CauseRemote, 1000},
		{"empty", frame(text, "") + bye, []string{""}, messages.CauseRemote, 1000},
		{"300 bytes", frame(text, strings.Repeat("x", 300)) + bye, []string{strings.Repeat("x", 300)}, messages.CauseRemote, 1000},
		{"fragments", frame(0x01, "he") + frame(0x00, "l") + frame(cont, "lo") + bye, []string{"hello"}, messages.CauseRemote, 1000},
		{"empty fragments", frame(0x01, "") + frame(0x00, "") + frame(cont, "") + bye, []string{""}, messages.CauseRemote, 1000},
		{"ping between fragments", frame(0x01, "he") + frame(ping, "p") + frame(cont, "llo") + bye, []string{"hello"}, messages.CauseRemote, 1000},
		{"character over two fragments", frame(0x01, "\xc3") + frame(cont, "\xa9") + bye, []string{"é"}, messages.CauseRemote, 1000},
		{"close without a code", frame(closing, ""), nil, messages.CauseRemote, 0},
		{"close with a reason", frame(closing, "\x03\xe9moving"), nil, messages.CauseRemote, 1001},
		{"restart", frame(closing, "\x03\xf4"), nil, messages.CauseRemote, 1012},
		{"data after close", bye + frame(text, "ghost"), nil, messages.CauseRemote, 1000},
		{"close of 1 byte", frame(closing, "\x03"), nil, messages.CauseProtocolError, 1002},
		{"close with 1005", frame(closing, "\x03\xed"), nil, messages.CauseProtocolError, 1002},
		{"close with 5000", frame(closing, "\x13\x88"), nil, messages.CauseProtocolError, 1002},
		{"close reason not utf-8", frame(closing, "\x03\xe8\xff"), nil, messages.CauseBadUTF8, 1007},
		{"text not utf-8", frame(text, "a\xffb"), nil, messages.CauseBadUTF8, 1007},
		{"fragment not utf-8 fails at once", frame(0x01, "\xff"), nil, messages.CauseBadUTF8, 1007},
		{"text ends within a character", frame(0x01, "a") + frame(cont, "\xc3"), nil, messages.CauseBadUTF8, 1007},
		{"masked", "\x81\x81\x00\x00\x00\x00a", nil, messages.CauseProtocolError, 1002},
		{"reserved bit", frame(0xc1, "a"), nil, messages.CauseProtocolError, 1002},
		{"reserved opcode", frame(0x83, "a"), nil, messages.CauseProtocolError, 1002},
		{"fragmented ping", frame(0x09, ""), nil, messages.CauseProtocolError, 1002},
		{"ping of 126 bytes", "\x89\x7e\x00\x7e" + strings.Repeat("x", 126), nil, messages.CauseProtocolError, 1002},
		{"continuation of nothing", frame(cont, "a"), nil, messages.CauseProtocolError, 1002},
		{"new message within a message", frame(0x01, "a") + frame(text, "b"), nil, messages.CauseProtocolError, 1002},
		{"length of 16 bits that needs none", "\x81\x7e\x00\x01a", nil, messages.CauseProtocolError, 1002},
		{"length with its highest bit", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x01", nil, messages.CauseProtocolError, 1002},
		{"a length that lies", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", nil, messages.CauseTooBig, 1009},
		{"over the limit", frame(text, strings.Repeat("x", 1001)), nil, messages.CauseTooBig, 1009},
		{"over the limit in fragments", frame(0x01, strings.Repeat("x", 600)) + frame(cont, strings.Repeat("x", 401)), nil, messages.CauseTooBig, 1009},
	} {
		for _, pieces := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				bothEngines(t, func(t *testing.T, e Engine) {
					codes := make(chan int, 1)
					srv := wstest.Serve(t, func(conn net.Conn) {
						if _, err := wstest.Accept(conn); err != nil {
							return
						}
						for rest := c.sends; rest != ""; {
							n := len(rest)
							if pieces && n > 1 {
								n = 1
							}
							if _, err := io.WriteString(conn, rest[:n]); err != nil {
								break
							}
							rest = rest[n:]
						}
						codes <- readClose(conn)
					})
					f := startLoop(t, Options{Engine: e, MaxMessage: 1000, CloseTimeout: 10 * time.Second})
					p := newPeer()
					f.dial(&messages.Connect{URL: srv.URL()}, p)
					end := within(t, p.closed, "end")
					if end.Cause != c.cause || !end.Opened || end.Clean != (c.cause == messages.CauseRemote) {
						t.Errorf("ended by %s, clean %v: %v; want %s", end.Cause, end.Clean, end.Err, c.cause)
					}
					if got := within(t, codes, "close frame"); got != c.code {
						t.Errorf("the server received the close code %d, want %d", got, c.code)
					}
					close(p.messages)
					var got []string
					for m := range p.messages {
						if m.Op.IsData() {
							got = append(got, string(m.Payload))
						}
					}
					if strings.Join(got, "|") != strings.Join(c.want, "|") {
						t.Errorf("received %q, want %q", got, c.want)
					}
				})
			})
		}
	}
}

// TestHandshake has a server answer the upgrade in all manner of ways.
func TestHandshake(t *testing.T) {
	answer := func(lines ...string) func(key string) string {
		return func(key string) string {
			s := strings.Join(lines, "\r\n") + "\r\n\r\n"
			return strings.ReplaceAll(s, "ACCEPT", "Sec-WebSocket-Accept: "+wstest.AcceptKey(key))
		}
	}
	const switching, upgrade, connection = "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"
	for _, c := range []struct {
		name   string
		answer func(key string) string
		cause  messages.Cause // CauseNone: it opens
		status int
	}{
		{"plain", answer(switching, upgrade, connection, "ACCEPT"), messages.CauseNone, 0},
		{"keep-alive, Upgrade", answer(switching, "upgrade: WebSocket", "connection: keep-alive, Upgrade", "ACCEPT"), messages.CauseNone, 0},
		{"a subprotocol that was offered", answer(switching, upgrade, connection, "ACCEPT", "Sec-WebSocket-Protocol: b"), messages.CauseNone, 0},
		{"a subprotocol that was not", answer(switching, upgrade, connection, "ACCEPT", "Sec-WebSocket-Protocol: c"), messages.CauseUpgradeInvalid, 0},
		{"an extension", answer(switching, upgrade, connection, "ACCEPT", "Sec-WebSocket-Extensions: permessage-deflate"), messages.CauseUpgradeInvalid, 0},
		{"wrong accept", answer(switching, upgrade, connection, "Sec-WebSocket-Accept: AAAA"), messages.CauseUpgradeInvalid, 0},
		{"no accept", answer(switching, upgrade, connection), messages.CauseUpgradeInvalid, 0},
		{"no upgrade", answer(switching, connection, "ACCEPT"), messages.CauseUpgradeInvalid, 0},
		{"upgrade twice", answer(switching, upgrade, upgrade, connection, "ACCEPT"), messages.CauseUpgradeInvalid, 0},
		{"no connection", answer(switching, upgrade, "ACCEPT"), messages.CauseUpgradeInvalid, 0},
		{"http/1.0", answer("HTTP/1.0 101 Switching Protocols", upgrade, connection, "ACCEPT"), messages.CauseUpgradeInvalid, 0},
		{"something else", answer("SSH-2.0-OpenSSH"), messages.CauseUpgradeInvalid, 0},
		{"a line without a colon", answer(switching, "nonsense"), messages.CauseUpgradeInvalid, 0},
		{"endless", answer(switching, "X: "+strings.Repeat("x", 20<<10)), messages.CauseUpgradeInvalid, 0},
		{"200", answer("HTTP/1.1 200 OK", "Content-Length: 2"), messages.CauseUpgradeStatus, 200},
		{"301", answer("HTTP/1.1 301 Moved Permanently", "Location: /"), messages.CauseRedirect, 301},
		{"401", answer("HTTP/1.1 401 Unauthorized"), messages.CauseUpgradeStatus, 401},
		{"503 without a reason", answer("HTTP/1.1 503"), messages.CauseUpgradeStatus, 503},
		{"nothing", func(string) string { return "" }, messages.CauseEOF, 0},
		{"half of it", func(string) string { return switching + "\r\nUpg" }, messages.CauseEOF, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, e Engine) {
				srv := wstest.Serve(t, func(conn net.Conn) {
					b := make([]byte, 4096)
					n, err := conn.Read(b)
					if err != nil {
						return
					}
					_, rest, _ := strings.Cut(string(b[:n]), "Sec-WebSocket-Key: ")
					key, _, _ := strings.Cut(rest, "\r\n")
					_, _ = io.WriteString(conn, c.answer(key))
					if c.cause == messages.CauseNone {
						_ = wstest.EchoFrames(conn)
					}
				})
				f := startLoop(t, Options{Engine: e})
				p := newPeer()
				conn := f.dial(&messages.Connect{URL: srv.URL(), Subprotocols: []string{"a", "b"}}, p)
				if c.cause == messages.CauseNone {
					o := within(t, p.opened, "handshake")
					h := o.Handshake
					if h.Phases[messages.PhaseConnect] <= 0 || h.Phases[messages.PhaseUpgrade] <= 0 || h.Total < h.Phases[messages.PhaseUpgrade] {
						t.Errorf("the phases took %v of %v", h.Phases, h.Total)
					}
					f.on(func() { conn.Close(messages.CloseNormal, "") })
					if end := within(t, p.closed, "end"); !end.Clean || end.Cause != messages.CauseLocal {
						t.Errorf("ended by %s, clean %v: %v", end.Cause, end.Clean, end.Err)
					}
					return
				}
				end := within(t, p.closed, "end")
				if end.Cause != c.cause || end.Status != c.status || end.Opened || end.Phase != messages.PhaseUpgrade {
					t.Errorf("got %s, status %d, opened %v, in %s: %v; want %s, %d", end.Cause, end.Status, end.Opened, end.Phase, end.Err, c.cause, c.status)
				}
			})
		})
	}
}

// TestGlued: frames that come with the 101 in one segment count.
func TestGlued(t *testing.T) {
	bothEngines(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, func(c net.Conn) {
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			_, rest, _ := strings.Cut(string(b[:n]), "Sec-WebSocket-Key: ")
			key, _, _ := strings.Cut(rest, "\r\n")
			_, _ = io.WriteString(c, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
				wstest.AcceptKey(key)+"\r\n\r\n"+frame(0x81, "welcome")+frame(0x01, "and "))
			_, _ = io.WriteString(c, frame(0x80, "more"))
			_ = wstest.EchoFrames(c)
		})
		f := startLoop(t, Options{Engine: e})
		p := newPeer()
		f.dial(&messages.Connect{URL: srv.URL()}, p)
		for _, want := range []string{"welcome", "and more"} {
			if m := within(t, p.messages, "message"); string(m.Payload) != want {
				t.Errorf("got %q, want %q", m.Payload, want)
			}
		}
	})
}

// stub answers every lookup with its addresses.
type stub []netip.Addr

func (s stub) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if len(s) == 0 {
		return nil, errors.New("no such name")
	}
	return s, nil
}

// auth is an Authorizer of one header, or one that fails.
type auth struct{ err error }

func (a auth) HandshakeHeaders(context.Context) (http.Header, error) {
	return http.Header{"Authorization": {"Bearer abc"}}, a.err
}

// TestDialFails: each way not to get as far as the upgrade has its cause and phase.
func TestDialFails(t *testing.T) {
	silent := wstest.Serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, c := range []struct {
		name    string
		connect messages.Connect
		opts    Options
		cause   messages.Cause
		phase   messages.Phase
	}{
		{"nobody listens", messages.Connect{URL: "ws://127.0.0.1:1/"}, Options{}, messages.CauseRefused, messages.PhaseConnect},
		{"no such name", messages.Connect{URL: "ws://x.invalid/"}, Options{Resolver: stub{}}, messages.CauseResolve, messages.PhaseResolve},
		{"no answer", messages.Connect{URL: silent.URL()}, Options{DialTimeout: 100 * time.Millisecond}, messages.CauseConnectTimeout, messages.PhaseUpgrade},
		{"no token", messages.Connect{URL: silent.URL(), Auth: auth{errors.New("no token")}}, Options{}, messages.CauseAuth, messages.PhaseResolve},
		{"a source that is not ours", messages.Connect{URL: "ws://127.0.0.1:1/"}, Options{LocalIPs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, messages.CauseLocalResource, messages.PhaseConnect},
		{"no tls there", messages.Connect{URL: "wss://" + silent.Addr() + "/"}, Options{DialTimeout: 200 * time.Millisecond}, messages.CauseConnectTimeout, messages.PhaseTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, e Engine) {
				c.opts.Engine = e
				f := startLoop(t, c.opts)
				p := newPeer()
				f.dial(&c.connect, p)
				end := within(t, p.closed, "end")
				if end.Cause != c.cause || end.Opened {
					t.Errorf("got %s in %s: %v; want %s in %s", end.Cause, end.Phase, end.Err, c.cause, c.phase)
				}
			})
		})
	}
}

// TestAddresses: connections spread over the addresses of a name, and one that is dead is passed over.
func TestAddresses(t *testing.T) {
	seen := make(chan string, 10)
	script := func(c net.Conn) {
		seen <- c.LocalAddr().(*net.TCPAddr).IP.String()
		wstest.Echo(c)
	}
	first := wstest.Serve(t, script)
	_, port, _ := net.SplitHostPort(first.Addr())
	wstest.ServeAt(t, "127.0.0.5:"+port, script)
	f := startLoop(t, Options{Resolver: stub{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.4"), netip.MustParseAddr("127.0.0.5")}})
	got := make(map[string]int)
	for range 6 {
		p := newPeer()
		f.dial(&messages.Connect{URL: "ws://game.example:" + port + "/"}, p)
		within(t, p.opened, "handshake")
		got[within(t, seen, "server")]++
	}
	// Nobody listens at 127.0.0.4, so its turns fall to the next, which is 127.0.0.5.
	if got["127.0.0.1"] != 2 || got["127.0.0.5"] != 4 {
		t.Errorf("got %v, want 2 and 4", got)
	}
}

// TestRequest: what the server is asked.
func TestRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	srv := wstest.Serve(t, func(c net.Conn) {
		if r, err := wstest.Accept(c); err == nil {
			requests <- r
			_ = wstest.EchoFrames(c)
		}
	})
	f := startLoop(t, Options{UserAgent: "agent/1"})
	p := newPeer()
	f.dial(&messages.Connect{URL: srv.URL() + "path?q=1", Subprotocols: []string{"a", "b"}, Auth: auth{},
		Headers: http.Header{"X-Test": {"1", "2"}, "Host": {"game.example"}}}, p)
	r := within(t, requests, "request")
	if r.URL.RequestURI() != "/path?q=1" || r.Host != "game.example" || r.UserAgent() != "agent/1" ||
		strings.Join(r.Header["X-Test"], " ") != "1 2" || r.Header.Get("Sec-Websocket-Protocol") != "a, b" ||
		r.Header.Get("Authorization") != "Bearer abc" || r.Header.Get("Sec-Websocket-Version") != "13" {
		t.Errorf("got %s of %s with %v", r.URL, r.Host, r.Header)
	}
}

// TestBacklog: a peer that does not read makes sends wait, and then be dropped and counted; once it reads
// everything that was accepted arrives, in order.
func TestBacklog(t *testing.T) {
	bothEngines(t, func(t *testing.T, e Engine) {
		read := make(chan struct{})
		total := make(chan int, 1)
		srv := wstest.ServeOn(t, wstest.Narrow(t), func(c net.Conn) {
			_, _ = wstest.Accept(c)
			<-read
			n := 0
			for {
				fr, err := ws.ReadFrame(c)
				if err != nil {
					break
				}
				if fr.Header.OpCode == ws.OpClose {
					_, _ = io.WriteString(c, frame(0x88, "\x03\xe8"))
					break
				}
				if fr = ws.UnmaskFrameInPlace(fr); len(fr.Payload) != 32<<10 || fr.Payload[0] != byte(n) || !bytes.Equal(fr.Payload, bytes.Repeat(fr.Payload[:1], 32<<10)) {
					t.Errorf("message %d is not what was sent", n)
				}
				n++
			}
			total <- n
		})
		f := startLoop(t, Options{Engine: e, MaxBacklog: 128 << 10})
		p := newPeer()
		c := f.dial(&messages.Connect{URL: srv.URL()}, p)
		within(t, p.opened, "handshake")
		f.on(func() { narrow(c.st) }) // else the kernel may take all of the backlog after the drop
		accepted := 0
		for dropped := false; !dropped && accepted < 10_000; {
			f.on(func() {
				switch err := c.Send(messages.OpBinary, bytes.Repeat([]byte{byte(accepted)}, 32<<10)); {
				case err == nil:
					accepted++
				case errors.Is(err, messages.ErrBacklog):
					dropped = true
				default:
					t.Fatal(err)
				}
				if !f.traffic.Balanced() {
					t.Errorf("the counts do not add up: %+v", f.traffic)
				}
			})
		}
		f.on(func() {
			if f.traffic.Dropped[messages.DropBacklog] != 1 || f.traffic.Pending == 0 {
				t.Errorf("got %+v, want one dropped and some pending", f.traffic)
			}
			c.Close(messages.CloseNormal, "") // behind the backlog
		})
		close(read)
		if got := within(t, total, "total"); got != accepted {
			t.Errorf("the peer has %d messages, want %d", got, accepted)
		}
		if end := within(t, p.closed, "end"); !end.Clean || end.Unsent != 0 {
			t.Errorf("ended by %s, clean %v, %d unsent", end.Cause, end.Clean, end.Unsent)
		}
	})
}

// TestStalls: the limits of time end a connection with their causes.
func TestStalls(t *testing.T) {
	stuck := func(c net.Conn) {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		_, _ = wstest.Accept(c)
		b := make([]byte, 1)
		for c.SetReadDeadline(time.Now().Add(5*time.Second)) == nil {
			if _, err := c.Read(b); err != nil { // so slowly that it does not matter
				return
			}
			time.Sleep(time.Second)
		}
	}
	bothEngines(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, stuck)
		f := startLoop(t, Options{Engine: e, WriteTimeout: 100 * time.Millisecond, MaxBacklog: 64 << 20, CloseTimeout: 50 * time.Millisecond})
		p := newPeer()
		c := f.dial(&messages.Connect{URL: srv.URL()}, p)
		within(t, p.opened, "handshake")
		f.on(func() { _ = c.Send(messages.OpBinary, make([]byte, 32<<20)) })
		if end := within(t, p.closed, "end"); end.Cause != messages.CauseWriteTimeout || end.Unsent != 1 {
			t.Errorf("got %s, %d unsent, want write_timeout, 1", end.Cause, end.Unsent)
		}
		f = startLoop(t, Options{Engine: e, IdleTimeout: 50 * time.Millisecond, CloseTimeout: 50 * time.Millisecond})
		p = newPeer()
		f.dial(&messages.Connect{URL: srv.URL()}, p)
		if end := within(t, p.closed, "end"); end.Cause != messages.CauseIdleTimeout {
			t.Errorf("got %s, want idle_timeout", end.Cause)
		}
	})
}

// TestEnds: however a connection is ended, Closed tells of it once.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		server func(net.Conn)
		client func(*Conn)
		cause  messages.Cause
	}{
		{"reset", wstest.Reset, nil, messages.CauseReset},
		{"eof", func(net.Conn) {}, nil, messages.CauseEOF},
		{"aborted", func(c net.Conn) { _ = wstest.EchoFrames(c) }, func(c *Conn) { c.Abort(messages.CauseInternal, nil); c.Abort(messages.CauseLocal, nil) }, messages.CauseInternal},
		{"shut down", func(c net.Conn) { _ = wstest.EchoFrames(c) }, (*Conn).Shutdown, messages.CauseShutdown},
		{"closed twice", func(c net.Conn) { _ = wstest.EchoFrames(c) }, func(c *Conn) { c.Close(1000, ""); c.Close(1001, "") }, messages.CauseLocal},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothEngines(t, func(t *testing.T, e Engine) {
				start := make(chan struct{})
				srv := wstest.Serve(t, func(conn net.Conn) {
					if _, err := wstest.Accept(conn); err == nil {
						<-start
						c.server(conn)
					}
				})
				f := startLoop(t, Options{Engine: e})
				p := newPeer()
				conn := f.dial(&messages.Connect{URL: srv.URL()}, p)
				within(t, p.opened, "handshake")
				if c.client != nil {
					f.on(func() { c.client(conn) })
				}
				close(start)
				if end := within(t, p.closed, "end"); end.Cause != c.cause {
					t.Errorf("got %s: %v, want %s", end.Cause, end.Err, c.cause)
				}
				f.on(func() {
					if err := conn.Send(messages.OpText, nil); !errors.Is(err, net.ErrClosed) {
						t.Errorf("a send afterwards: got %v, want net.ErrClosed", err)
					}
					if f.Conns() != 0 {
						t.Errorf("%d connections are left", f.Conns())
					}
				})
				if len(p.closed) != 0 {
					t.Error("Closed was told twice")
				}
			})
		})
	}
}

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	srv := wstest.ServeOn(t, ln, wstest.Echo)
	connect := &messages.Connect{URL: "wss://" + srv.Addr() + "/"}
	bothEngines(t, func(t *testing.T, e Engine) {
		f := startLoop(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool}})
		p := newPeer()
		c := f.dial(connect, p)
		if o := within(t, p.opened, "handshake"); o.Handshake.Phases[messages.PhaseTLS] <= 0 {
			t.Errorf("the TLS phase took %v", o.Handshake.Phases[messages.PhaseTLS])
		}
		for _, size := range []int{0, 5, 70_000, 1 << 20} {
			want := bytes.Repeat([]byte("x"), size)
			f.on(func() {
				if err := c.Send(messages.OpText, want); err != nil {
					t.Error(err)
				}
			})
			if m := within(t, p.messages, "echo"); !bytes.Equal(m.Payload, want) {
				t.Errorf("an echo of %d bytes has %d", size, len(m.Payload))
			}
		}
		f.on(func() { c.Close(messages.CloseNormal, "") })
		if end := within(t, p.closed, "end"); !end.Clean {
			t.Errorf("ended by %s: %v, want clean", end.Cause, end.Err)
		}

		f = startLoop(t, Options{Engine: e}) // does not know the certificate
		p = newPeer()
		f.dial(connect, p)
		if end := within(t, p.closed, "end"); end.Cause != messages.CauseTLS || end.Phase != messages.PhaseTLS {
			t.Errorf("got %s in %s: %v, want tls", end.Cause, end.Phase, end.Err)
		}
	})
}
