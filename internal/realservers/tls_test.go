package realservers

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/transport"
)

// secureNginx puts nginx with TLS in front of a server. It wants a client certificate of the authority.
func secureNginx(t *testing.T, behind *server, a *wstest.Authority, players ...string) (addr, dir string) {
	t.Helper()
	certs := t.TempDir()
	a.WriteFiles(certs, append(players, "server")...)
	addr, dir = nginx(t, behind, true, fmt.Sprintf(`ssl_certificate %[1]s/server.pem; ssl_certificate_key %[1]s/server.key;
    ssl_client_certificate %[1]s/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:players:20m; ssl_session_timeout 10m;`, certs))
	return addr, dir
}

func certificateOf(t *testing.T, a *wstest.Authority, name string) *tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(a.Issue(name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// TestNginxTLS has 2,000 players go through nginx, which demands a client certificate, half of them with
// one of their own; without one it refuses.
func TestNginxTLS(t *testing.T) {
	const n = 2000
	srv := node(t)
	a := wstest.NewAuthority(t)
	addr, dir := secureNginx(t, srv, a)
	shared := certificateOf(t, a, "all")
	own := make([]*tls.Certificate, n/2)
	for i := range own {
		own[i] = certificateOf(t, a, fmt.Sprintf("player-%d", i))
	}
	c := paced("wss://"+addr+"/", n)
	c.Duration = 15 * time.Second
	c.MaxHandshakes = 64
	c.Transport = transport.Options{TLS: &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{*shared}}, DialTimeout: time.Minute}
	c.Certificate = func(i int) *tls.Certificate {
		if i < len(own) {
			return own[i]
		}
		return nil
	}
	s := run(t, c)
	if s.Rig.Goroutines > 100 {
		t.Errorf("got %d goroutines for %d players over wss, want none for each", s.Rig.Goroutines, n)
	}

	c.Certificate, c.Connections, c.Duration = nil, 50, time.Minute
	c.Transport.TLS = &tls.Config{RootCAs: a.Pool()}
	refused := run(t, c)
	agree(t, s, srv.stop())
	// nginx answers 400 over a connection that lacks the certificate.
	want := report.Disconnect{Cause: "upgrade_status", Initiator: "remote", Count: 50}
	if len(refused.Disconnects) != 1 || refused.Disconnects[0] != want {
		t.Errorf("without a certificate: got %+v, want %+v", refused.Disconnects, want)
	}
	lines := logged(t, dir)
	if got := lines[". SUCCESS TLSv1.3 -"]; got != n {
		t.Errorf("nginx saw %v, want %d full handshakes of TLS 1.3 with a client certificate", lines, n)
	}
}

// logged counts the lines of nginx's log.
func logged(t *testing.T, dir string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]int)
	for line := range strings.Lines(string(b)) {
		lines[strings.TrimSpace(line)]++
	}
	return lines
}

// TestResumption: players who reconnect resume their sessions, with TLS 1.2 and 1.3; the first time no
// player does.
func TestResumption(t *testing.T) {
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"} {
		t.Run(name, func(t *testing.T) {
			const n = 200
			srv := node(t)
			a := wstest.NewAuthority(t)
			addr, dir := secureNginx(t, srv, a)
			m, err := actors.NewManager(actors.Options{Transport: transport.Options{TLS: &tls.Config{
				RootCAs: a.Pool(), Certificates: []tls.Certificate{*certificateOf(t, a, "all")}, MaxVersion: version, ServerName: "localhost",
			}}})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Stop(context.Background())
			o := &tally{changed: make(chan struct{}, 1)}
			m.Subscribe(o)
			if _, err := m.OpenMany(n, nil); err != nil {
				t.Fatal(err)
			}
			for _, cmd := range []messages.Command{&messages.Connect{URL: "wss://" + addr + "/"}, &messages.Reconnect{}} {
				if err := m.TellAll(cmd); err != nil {
					t.Fatal(err)
				}
				o.await(t, m, messages.Connected, n)
				if err := m.TellAll(&messages.Disconnect{}); err != nil {
					t.Fatal(err)
				}
				o.await(t, m, messages.Disconnected, n)
			}
			srv.stop()
			lines := logged(t, dir)
			for _, reused := range []string{".", "r"} {
				if got := lines[reused+" SUCCESS "+name+" localhost"]; got != n {
					t.Errorf("nginx saw %v, want %d with %q for a reused session", lines, n, reused)
				}
			}
		})
	}
}
