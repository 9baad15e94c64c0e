package realservers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/transport"
)

// tinyproxy starts a proxy of HTTP CONNECT that wants this user and password, nobody's if they are empty.
func tinyproxy(t *testing.T, user, password string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("tinyproxy")
	if err != nil {
		need(t, "tinyproxy", "apt-get install tinyproxy")
	}
	addr = freeAddress(t)
	host, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(t.TempDir(), "tinyproxy.conf")
	text := fmt.Sprintf("Listen %s\nPort %s\nTimeout 600\nMaxClients 1000\nAllow 127.0.0.0/8\nLogLevel Error\nLogFile \"%s.log\"\n", host, port, conf)
	if user != "" {
		text += fmt.Sprintf("BasicAuth %s %s\n", user, password)
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listens(t, addr, path, "-d", "-c", conf)
	return addr
}

// microsocks starts a SOCKS5 proxy; see tinyproxy.
func microsocks(t *testing.T, user, password string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("microsocks")
	if err != nil {
		need(t, "microsocks", "apt-get install microsocks")
	}
	addr = freeAddress(t)
	host, port, _ := net.SplitHostPort(addr)
	args := []string{"-i", host, "-p", port}
	if user != "" {
		args = append(args, "-u", user, "-P", password)
	}
	listens(t, addr, path, args...)
	return addr
}

// secureNode is node over TLS with the certificate of wstest.
func secureNode(t *testing.T) *server {
	t.Helper()
	cert, _ := wstest.Certificate()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env := []string{"TLS_CERT=" + filepath.Join(dir, "cert.pem"), "TLS_KEY=" + filepath.Join(dir, "key.pem")}
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, {Type: "PRIVATE KEY", Bytes: key}} {
		_, file, _ := strings.Cut(env[i], "=")
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return node(t, env...)
}

func through(t *testing.T, proxy string) func(*url.URL) (*url.URL, error) {
	t.Helper()
	u, err := transport.ParseProxy(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return transport.ProxyURL(u)
}

// TestProxies runs players through real proxies, with and without credentials, to a server with and without TLS,
// each kind of proxy on both engines; the server has then counted what loadrig did. The name of the server is
// looked up by the proxy, but for socks5.
func TestProxies(t *testing.T) {
	const n = 50
	_, pool := wstest.Certificate()
	open, closed := tinyproxy(t, "", ""), tinyproxy(t, "player", "s3cr3t")
	openSocks, closedSocks := microsocks(t, "", ""), microsocks(t, "player", "s3cr3t")
	for i, proxy := range []string{
		"http://" + open, "http://player:s3cr3t@" + closed,
		"socks5://" + openSocks, "socks5h://player:s3cr3t@" + closedSocks,
	} {
		for j, start := range []func(*testing.T) *server{func(t *testing.T) *server { return node(t) }, secureNode} {
			engine := []transport.Engine{transport.EngineAuto, transport.EngineGoroutine}[(i+j)%2]
			scheme := []string{"ws", "wss"}[j]
			t.Run(fmt.Sprintf("%s %s %s", proxy, scheme, engine), func(t *testing.T) {
				srv := start(t)
				_, port, _ := net.SplitHostPort(srv.addr)
				c := paced(fmt.Sprintf("%s://localhost:%s/", scheme, port), n)
				c.MessageRate, c.Duration = 5, 2*time.Second
				c.Transport = transport.Options{Engine: engine, Proxy: through(t, proxy), TLS: &tls.Config{RootCAs: pool},
					ResolvePolicy: transport.PolicyOnlyIPv4} // Node listens on 127.0.0.1 only
				s := run(t, c)
				if s.Verdict != report.Pass {
					t.Errorf("got %s %v, want pass", s.Verdict, s.Reasons)
				}
				agree(t, s, srv.stop())
			})
		}
	}
}

// TestProxiesRefuse: without the password nothing is started; where nobody listens behind the proxy, that is
// what a run reports.
func TestProxiesRefuse(t *testing.T) {
	srv := node(t)
	nowhere := "ws://" + freeAddress(t) + "/"
	for _, c := range []struct{ proxy, open, want string }{
		{"http://" + tinyproxy(t, "player", "s3cr3t"), "http://" + tinyproxy(t, "", ""), "got status 407 Proxy Authentication Required, want 200; it wants a user and a password in its URL"},
		{"socks5://" + microsocks(t, "player", "s3cr3t"), "socks5://" + microsocks(t, "", ""), "socks5: it wants a user and a password in its URL"},
	} {
		cfg := paced(srv.url(), 20)
		cfg.Transport.Proxy = through(t, c.proxy)
		_, err := rig.Run(t.Context(), cfg)
		var field *messages.FieldError
		if !errors.As(err, &field) || field.Field != "Proxy" || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want Proxy: %s", c.proxy, err, c.want)
		}
		cfg.URL, cfg.Duration, cfg.Transport.Proxy = nowhere, 10*time.Minute, through(t, c.open)
		s := run(t, cfg)
		want := report.Disconnect{Cause: "proxy", Initiator: "remote", Count: 20}
		if s.Verdict != report.Fail || len(s.Disconnects) != 1 || s.Disconnects[0] != want {
			t.Errorf("%s: got %s, %+v, want fail, %+v", c.open, s.Verdict, s.Disconnects, want)
		}
	}
	if saw := srv.stop(); saw.Connections != 0 {
		t.Errorf("the server saw %d connections, want none", saw.Connections)
	}
}
