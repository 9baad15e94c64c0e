package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestProbe: what is the user's to mend is found, with the field that it is in; what a server does, or does not,
// is not.
func TestProbe(t *testing.T) {
	wstest.NoLeaks(t)
	nobody := asked(func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	})
	server := wstest.Serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	good := wstest.Serve(t, wstest.HTTPProxy("a:b", nil))
	teapot := wstest.Serve(t, says("HTTP/1.1 418 x\r\n\r\n"))
	socks := wstest.Serve(t, wstest.SOCKSProxy("", nil))
	silent := wstest.Serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	proxy := func(text string) Options { return Options{Proxy: through(t, text)} }
	with := func(o Options, change func(*Options)) Options { change(&o); return o }
	for _, c := range []struct {
		name    string
		options Options
		connect messages.Connect
		want    string // "" is nothing wrong
	}{
		{"fine", Options{}, messages.Connect{URL: server.URL()}, ""},
		{"nobody listens", Options{}, messages.Connect{URL: "ws://127.0.0.1:1/"}, ""},
		{"a name", Options{Resolver: nobody}, messages.Connect{URL: "ws://game.example/"}, `URL: got host "game.example", want one that can be looked up: lookup game.example: no such host`},
		{"a name over Dial", Options{Resolver: nobody, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }},
			messages.Connect{URL: "ws://game.example/"}, ""},
		{"a detour", Options{Resolver: nobody, ConnectTo: []ConnectTo{{ToHost: "elsewhere.example"}}}, messages.Connect{URL: server.URL()},
			`ConnectTo: got host "elsewhere.example", want one that can be looked up: lookup elsewhere.example: no such host`},
		{"no URL", Options{}, messages.Connect{URL: "http://x"}, `URL: bad url: got "http://x", want ws://… or wss://…`},
		{"no header", Options{}, messages.Connect{URL: server.URL(), Headers: http.Header{"Upgrade": {"x"}}}, `Headers: bad header: Upgrade is set by the opening handshake itself`},
		{"a socket", Options{UnixSocket: filepath.Join(t.TempDir(), "absent")}, messages.Connect{URL: server.URL()}, "UnixSocket: got "},
		{"through a proxy", proxy("http://a:b@" + good.Addr()), messages.Connect{URL: server.URL()}, ""},
		{"a name that the proxy looks up", with(proxy("socks5h://"+socks.Addr()), func(o *Options) { o.Resolver = nobody }), messages.Connect{URL: fmt.Sprintf("ws://localhost:%d/", server.Port())}, ""},
		{"a name that it does not", with(proxy("socks5://"+socks.Addr()), func(o *Options) { o.Resolver = nobody }), messages.Connect{URL: "ws://game.example/"},
			`URL: got host "game.example", want one that can be looked up: lookup game.example: no such host`},
		{"an address behind it", proxy("socks5://" + socks.Addr()), messages.Connect{URL: server.URL()}, ""},
		{"407", proxy(good.Addr()), messages.Connect{URL: server.URL()},
			"Proxy: proxy " + good.Addr() + ": got status 407 Proxy Authentication Required, want 200; it wants a user and a password in its URL"},
		{"407 for a password", proxy("a:s3cr3t@" + good.Addr()), messages.Connect{URL: server.URL()},
			"Proxy: proxy " + good.Addr() + ": got status 407 Proxy Authentication Required, want 200; it does not take the user and the password in its URL"},
		{"no proxy", proxy(teapot.Addr()), messages.Connect{URL: server.URL()}, "Proxy: proxy " + teapot.Addr() + ": got status 418 I'm a teapot, want 200; it does not let through to " + server.Addr()},
		{"nobody is the proxy", proxy("127.0.0.1:1"), messages.Connect{URL: server.URL()}, "Proxy: proxy 127.0.0.1:1: dial tcp "},
		{"a proxy's name", with(proxy("proxy.example"), func(o *Options) { o.Resolver = nobody }), messages.Connect{URL: server.URL()},
			`Proxy: got host "proxy.example", want one that can be looked up: lookup proxy.example: no such host`},
		{"nobody listens behind the proxy", proxy("http://a:b@" + good.Addr()), messages.Connect{URL: "ws://127.0.0.1:1/"}, ""},
		{"nobody listens behind socks", proxy("socks5://" + socks.Addr()), messages.Connect{URL: "ws://127.0.0.1:1/"}, ""},
		{"silence", with(proxy(silent.Addr()), func(o *Options) { o.DialTimeout = 20 * time.Millisecond }), messages.Connect{URL: server.URL()}, ""},
		{"this machine has no port", with(proxy(good.Addr()), func(o *Options) { o.LocalIPs = []netip.Addr{netip.MustParseAddr("198.51.100.1")} }), messages.Connect{URL: server.URL()}, ""},
		{"a function that fails", Options{Proxy: func(*url.URL) (*url.URL, error) { return nil, errors.New("whoops") }}, messages.Connect{URL: server.URL()}, "Proxy: whoops"},
	} {
		n, err := NewNetwork(c.options)
		if err != nil {
			t.Fatal(err)
		}
		err = n.Probe(t.Context(), &c.connect)
		n.Wait()
		var got string
		if err != nil {
			got = err.Error()
			if _, ok := err.(*messages.FieldError); !ok {
				t.Errorf("%s: got a %T", c.name, err)
			}
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) || strings.Contains(got, "s3cr3t") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		for to, r := range n.sources.routes {
			for i := range r.live {
				if r.live[i].Load() != 0 {
					t.Errorf("%s: a lease of source %d to %s is left", c.name, i, to)
				}
			}
		}
	}
	// It ends with its context, whatever it waits for.
	stuck := make(chan struct{})
	n, err := NewNetwork(Options{Resolver: asked(func(context.Context, string) ([]netip.Addr, error) { <-stuck; return nil, io.EOF })})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Probe(ctx, &messages.Connect{URL: "ws://game.example/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	close(stuck)
	n.Wait()
}
