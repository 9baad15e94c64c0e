package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestTLSEnds: over TLS a connection ends as it does without.
func TestTLSEnds(t *testing.T) {
	_, pool := wstest.Certificate()
	for _, c := range []struct {
		name   string
		server func(*wstest.Peer, *tls.Conn) error
		client func(*Conn)
		want   outcome
	}{
		{"local", func(p *wstest.Peer, _ *tls.Conn) error { return answerClose(p, 1000) }, func(c *Conn) { c.Close(1000, "") },
			outcome{Cause: messages.CauseLocal, Code: 1000, Clean: true, Opened: true}},
		{"remote", func(p *wstest.Peer, _ *tls.Conn) error {
			_, _ = p.Write(wstest.Close(1001, ""))
			_, _, err := p.AwaitClose()
			return err
		}, nil, outcome{Cause: messages.CauseRemote, Code: 1001, Clean: true, Opened: true}},
		{"ended by TLS", func(p *wstest.Peer, _ *tls.Conn) error { return p.Close() }, nil,
			outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal, Opened: true}},
		{"ended by TCP alone", func(_ *wstest.Peer, c *tls.Conn) error { return c.NetConn().Close() }, nil,
			outcome{Cause: messages.CauseEOF, Code: messages.CloseAbnormal, Opened: true}},
		{"reset", func(p *wstest.Peer, _ *tls.Conn) error { wstest.Reset(p.Conn); return nil }, nil,
			outcome{Cause: messages.CauseReset, Code: messages.CloseAbnormal, Opened: true}},
		{"not a TLS record", func(_ *wstest.Peer, c *tls.Conn) error {
			_, err := c.NetConn().Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_, _ = c.NetConn().Read(make([]byte, 100))
			return err
		}, nil, outcome{Cause: messages.CauseTLS, Code: messages.CloseAbnormal, Opened: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				done := make(chan error, 1)
				srv := wstest.ServeTLS(t, func(conn net.Conn) {
					p, err := wstest.Upgrade(conn)
					if err == nil {
						err = c.server(p, conn.(*tls.Conn))
					}
					done <- err
				})
				b := newLab(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool}, CloseTimeout: time.Minute})
				p := b.open(srv.URL())
				if c.client != nil {
					p.do(func() { c.client(p.conn) })
				}
				checkServer(t, done)
				checkOutcome(t, p.awaitClosed(), c.want)
			})
		})
	}
}

// TestTLSFails: each way for TLS to fail has the cause tls, also where a server of TLS 1.3 refuses a client
// that believes the handshake to be over.
func TestTLSFails(t *testing.T) {
	cert, pool := wstest.Certificate()
	for _, c := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		host   string
		phase  messages.Phase
		is     func(error) bool
	}{
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{cert}}, nil, "127.0.0.1", messages.PhaseTLS,
			func(err error) bool { return errors.As(err, new(*tls.CertificateVerificationError)) }},
		{"another name", &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: pool, ServerName: "other.example"}, "127.0.0.1", messages.PhaseTLS,
			func(err error) bool { return errors.As(err, new(x509.HostnameError)) }},
		{"no common version", &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12}, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, "127.0.0.1", messages.PhaseTLS, nil},
		{"client certificate wanted, 1.3", &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}, &tls.Config{RootCAs: pool}, "127.0.0.1", messages.PhaseUpgrade, nil},
		{"client certificate wanted, 1.2", &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, &tls.Config{RootCAs: pool}, "127.0.0.1", messages.PhaseTLS, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := wstest.ServeTLSConfig(t, c.server, wstest.Echo)
				b := newLab(t, Options{Engine: e, TLS: c.client})
				m := b.connect(srv.URL()).awaitClosed()
				checkOutcome(t, m, outcome{Cause: messages.CauseTLS, Code: messages.CloseAbnormal})
				if m.Phase != c.phase || m.Err == nil || (c.is != nil && !c.is(m.Err)) {
					t.Errorf("got %s: %v, want %s", m.Phase, m.Err, c.phase)
				}
			})
		})
	}
}

// TestTLSByName: the certificate is checked against the URL's host, and the phases of the handshake are
// timed apart. A player resumes its own session, and nobody else's.
func TestTLSByName(t *testing.T) {
	_, pool := wstest.Certificate()
	eachEngine(t, func(t *testing.T, e Engine) {
		resumed := make(chan bool, 4)
		srv := wstest.ServeTLS(t, func(conn net.Conn) {
			p, err := wstest.Upgrade(conn)
			if err != nil {
				return
			}
			resumed <- conn.(*tls.Conn).ConnectionState().DidResume
			_, _ = p.Write(wstest.Text("hello")) // with it the client has read the ticket
			_, _, _ = p.AwaitClose()
			_, _ = p.Write(wstest.Frame(ws.OpClose, true, nil))
		})
		b := newLab(t, Options{Engine: e, TLS: &tls.Config{RootCAs: pool}, Resolver: stub{netip.MustParseAddr("127.0.0.1")}})
		url := fmt.Sprintf("wss://localhost:%d/", srv.Port())
		var one, another Jar
		for i, c := range []struct {
			jar    *Jar
			resume bool
		}{{&one, false}, {&one, true}, {&another, false}, {nil, false}} {
			p := b.player()
			p.jar = c.jar
			o := p.dial(&messages.Connect{URL: url}).awaitOpened()
			for phase, d := range o.Handshake.Phases {
				if cached := i > 0 && messages.Phase(phase) == messages.PhaseResolve; (d <= 0) != cached {
					t.Errorf("phase %s took %v", messages.Phase(phase), d)
				}
			}
			p.awaitGot(got{messages.OpText, "hello"})
			if r := await(t, resumed, "the server"); r != c.resume {
				t.Errorf("connection %d: resumed: got %v, want %v", i, r, c.resume)
			}
			p.do(func() { p.conn.Close(1000, "") })
			p.awaitClosed()
		}
	})
}
