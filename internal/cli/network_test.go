package cli

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/transport"
)

// startServers gives the scripts servers and proxies, by the names of the variables that have their addresses.
func startServers(t *testing.T) map[string]string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	wstest.ServeOn(t, ln, wstest.Echo)
	redirect := wstest.Serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: wss://other.example/\r\n\r\n")
	})
	echo := wstest.Serve(t, wstest.Echo)
	return map[string]string{
		"SOCKET":     socket,
		"REDIRECT":   redirect.Addr(),
		"ECHO":       echo.Addr(),
		"ECHO_PORT":  fmt.Sprint(echo.Port()),
		"PROXY":      wstest.Serve(t, wstest.HTTPProxy("", nil)).Addr(),
		"PROXY_AUTH": wstest.Serve(t, wstest.HTTPProxy("player:s3cr3t", nil)).Addr(),
		"SOCKS":      wstest.Serve(t, wstest.SOCKSProxy("", nil)).Addr(),
		"TEAPOT": wstest.Serve(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 418 x\r\n\r\n")
		}).Addr(),
	}
}

// environment is a getenv.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if n, v, _ := strings.Cut(p, "="); n == name {
				return v
			}
		}
		return ""
	}
}

// TestProxyOfEnvironment: which proxy is gone through, by flag and environment, and what is said of it.
func TestProxyOfEnvironment(t *testing.T) {
	env := environment("HTTP_PROXY=plain.example:1", "https_proxy=http://u:s3cr3t@secure.example:2", "HTTPS_PROXY=wrong.example", "no_proxy=.corp.example,10.0.0.0/8")
	for _, c := range []struct {
		flags networkFlags
		url   string
		want  string
	}{
		{networkFlags{getenv: env}, "ws://game.example/", " through http://plain.example:1 (HTTP_PROXY in the environment)"},
		{networkFlags{getenv: env}, "WSS://game.example/", " through http://u:xxxxx@secure.example:2 (https_proxy in the environment)"},
		{networkFlags{getenv: env}, "ws://a.corp.example/", ""},
		{networkFlags{getenv: env}, "ws://10.1.2.3/", ""},
		{networkFlags{getenv: env}, "ws://127.0.0.1/", ""},
		{networkFlags{getenv: env}, "ws://localhost:8080/", ""},
		{networkFlags{getenv: env}, "ws://[::1]/", ""},
		{networkFlags{getenv: env, proxy: "none"}, "ws://game.example/", ""},
		{networkFlags{getenv: env, proxy: "socks5h://u:s3cr3t@x"}, "ws://127.0.0.1/", " through socks5h://u:xxxxx@x"},
		{networkFlags{getenv: env, unixSocket: "/s"}, "ws://game.example/", " over the Unix socket /s"},
		{networkFlags{getenv: environment("ALL_PROXY=socks5://x")}, "wss://game.example/", " through socks5://x (ALL_PROXY in the environment)"},
		{networkFlags{getenv: environment("ALL_PROXY=socks5://x", "http_proxy=y")}, "ws://game.example/", " through http://y (http_proxy in the environment)"},
		{networkFlags{getenv: environment("HTTP_PROXY=x")}, "wss://game.example/", ""},
		{networkFlags{getenv: environment("NO_PROXY=x")}, "ws://game.example/", ""},
		{networkFlags{getenv: environment("HTTP_PROXY=x", "NO_PROXY=*")}, "ws://game.example/", ""},
	} {
		var cfg rig.Config
		if err := c.flags.config(&cfg.Transport); err != nil {
			t.Fatal(err)
		}
		cfg.URL = c.url
		if err := cfg.Transport.Validate(); err != nil {
			t.Errorf("%s: %v", c.url, err)
		}
		if got := c.flags.by(cfg); got != c.want {
			t.Errorf("%s: got %q, want %q", c.url, got, c.want)
		}
	}
	// What cannot be read is an error of the server's scheme only, and says nothing of the password.
	f := networkFlags{getenv: environment("HTTPS_PROXY=ftp://u:s3cr3t@x")}
	pick, err := f.through()
	if err != nil {
		t.Fatal(err)
	}
	for scheme, want := range map[string]bool{"ws": false, "wss": true} {
		if _, err := pick(&url.URL{Scheme: scheme, Host: "game.example"}); (err != nil) != want || (err != nil && strings.Contains(err.Error(), "s3cr3t")) {
			t.Errorf("%s: got %v", scheme, err)
		}
	}
}

func TestDNS(t *testing.T) {
	for text, want := range map[string]transport.Options{
		"":                                      {},
		"ttl=0":                                 {ResolveTTL: -1},
		"ttl=inf":                               {ResolveTTL: transport.Forever},
		"ttl=1m5s":                              {ResolveTTL: 65 * time.Second},
		"select=first,policy=preferIPv4,ttl=0s": {ResolveTTL: -1, ResolveSelect: transport.SelectFirst, ResolvePolicy: transport.PolicyPreferIPv4},
		"policy=onlyIPv6,select=random":         {ResolveSelect: transport.SelectRandom, ResolvePolicy: transport.PolicyOnlyIPv6},
		"select=roundRobin,policy=any":          {},
	} {
		var got transport.Options
		f := networkFlags{dns: text}
		if err := f.resolving(&got); err != nil || got.ResolveTTL != want.ResolveTTL || got.ResolveSelect != want.ResolveSelect || got.ResolvePolicy != want.ResolvePolicy {
			t.Errorf("%s: got %v, %s, %s, %v", text, got.ResolveTTL, got.ResolveSelect, got.ResolvePolicy, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  []string
	}{
		{[]string{"10.0.0.5", "::1"}, []string{"10.0.0.5", "::1"}},
		{[]string{"10.0.0.6/30"}, []string{"10.0.0.5", "10.0.0.6"}},
		{[]string{"10.0.0.6/31"}, []string{"10.0.0.6", "10.0.0.7"}},
		{[]string{"10.0.0.6/32", "127.0.0.1"}, []string{"10.0.0.6", "127.0.0.1"}},
		{[]string{"fd00::/126"}, []string{"fd00::1", "fd00::2", "fd00::3"}},
		{[]string{"255.255.255.255/31"}, []string{"255.255.255.254", "255.255.255.255"}},
	} {
		ips, err := addresses(c.texts)
		var got []string
		for _, ip := range ips {
			got = append(got, ip.String())
		}
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("%v: %v, (-want +got)\n%s", c.texts, err, d)
		}
	}
	// The largest range leaves room for its own two ends.
	ips, err := addresses([]string{"127.0.0.0/16", "10.0.0.1", "10.0.0.2"})
	if err != nil || len(ips) != maxSources || ips[maxSources-3] != netip.MustParseAddr("127.0.255.254") {
		t.Errorf("got %d addresses, %v", len(ips), err)
	}
	for text, want := range map[string]string{
		"10.0.0.0/15":                        "got 10.0.0.0/15, which are 2^17 addresses, want at most 65536 in all",
		"fd00::/64":                          "got fd00::/64, which are 2^64 addresses, want at most 65536 in all",
		"127.0.0.0/16 10.0.0.0/30 127.0.0.1": "got 65537 addresses, want at most 65536 in all",
		"10.0.0.x":                           `got "10.0.0.x", want IP addresses of this machine, as 10.0.0.5,10.0.0.6, or ranges of them, as 10.0.0.0/24`,
		"10.0.0.0/33":                        `got "10.0.0.0/33", want IP addresses of this machine, as 10.0.0.5,10.0.0.6, or ranges of them, as 10.0.0.0/24`,
	} {
		if _, err := addresses(strings.Fields(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestKernelTimestampsFlag: the transport is told; where the kernel can do so, it is no mistake.
func TestKernelTimestampsFlag(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, false}, {[]string{"--kernel-timestamps"}, true}, {[]string{"--kernel-timestamps=false"}, false}} {
		f := new(runFlags)
		f.network.getenv = func(string) string { return "" }
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		f.register(fs)
		if err := fs.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		cfg, err := f.config(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Transport.KernelTimestamps; got != c.want {
			t.Errorf("%v: got %v, want %v", c.args, got, c.want)
		}
	}
}
