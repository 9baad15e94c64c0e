package cli

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/http/httpproxy"

	"github.com/loadrig/loadrig/internal/nearest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/transport"
)

// networkFlags are the flags of how the server is reached.
type networkFlags struct {
	getenv func(string) string

	proxy      string
	connectTo  []string
	dns        string
	unixSocket string
	localIPs   []string
	cookies    bool
	stamps     bool
}

func (f *networkFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.proxy, "proxy", "", "`URL` of a proxy to go through: http://, https://, socks5:// or socks5h:// with host:port, and user:password@ if it wants that; none for none (default HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, less NO_PROXY and this machine)")
	fs.StringArrayVar(&f.connectTo, "connect-to", nil, "`FROM:TO`, as HOST1:PORT1:HOST2:PORT2, connects to the second where the URL has the first; any may be empty; repeatable")
	fs.StringVar(&f.dns, "dns", "", "`rules` for how names are looked up, as ttl=1m,select=roundRobin,policy=any: how long they are kept (0, inf), which address comes first (first, random), which family (preferIPv4, preferIPv6, onlyIPv4, onlyIPv6)")
	fs.StringVar(&f.unixSocket, "unix-socket", "", "`path` of a Unix socket to connect to, @name for an abstract one")
	fs.StringSliceVar(&f.localIPs, "local-ips", nil, "source `addresses`, or ranges as 10.0.0.0/24, to spread the connections over")
	fs.BoolVar(&f.cookies, "cookies", false, "have each player keep the server's cookies, and send them when it reconnects")
	fs.BoolVar(&f.stamps, "kernel-timestamps", false, "have the kernel stamp what arrives, to tell the server's time from the rig's own in reading (Linux; not over a Unix socket or an https:// proxy)")
}

// config sets what the flags come to.
func (f *networkFlags) config(o *transport.Options) error {
	var errs []error
	wrong := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", flag, err))
		}
	}
	o.UnixSocket, o.Cookies, o.KernelTimestamps = f.unixSocket, f.cookies, f.stamps
	var err error
	o.Proxy, err = f.through()
	wrong("--proxy", err)
	for _, text := range f.connectTo {
		c, err := transport.ParseConnectTo(text)
		wrong("--connect-to", err)
		o.ConnectTo = append(o.ConnectTo, c)
	}
	wrong("--dns", f.resolving(o))
	o.LocalIPs, err = addresses(f.localIPs)
	wrong("--local-ips", err)
	return errors.Join(errs...)
}

const noProxy = "none" // value of --proxy

// through gives the function that picks the proxy: that of the flag, else that of the environment.
func (f *networkFlags) through() (func(*url.URL) (*url.URL, error), error) {
	switch {
	case f.proxy == noProxy, f.proxy == "" && f.unixSocket != "":
		return nil, nil
	case f.proxy == "":
		return f.fromEnvironment(), nil
	}
	u, err := transport.ParseProxy(f.proxy)
	return transport.ProxyURL(u), err
}

// fromEnvironment gives the function that picks the proxy by the environment; nil where that has none.
func (f *networkFlags) fromEnvironment() func(*url.URL) (*url.URL, error) {
	if f.variable("ws") == "" && f.variable("wss") == "" {
		return nil
	}
	// The library reads NO_PROXY, and overlooks what it cannot read elsewhere; so the URLs are read here.
	const some = "http://some.example"
	pick := (&httpproxy.Config{HTTPProxy: some, HTTPSProxy: some, NoProxy: f.getenv(f.first("no_proxy", "NO_PROXY"))}).ProxyFunc()
	return func(server *url.URL) (*url.URL, error) {
		name := f.variable(server.Scheme)
		as := *server
		as.Scheme = map[string]string{"ws": "http", "wss": "https"}[server.Scheme]
		if u, err := pick(&as); name == "" || u == nil || err != nil {
			return nil, err
		}
		return transport.ParseProxy(f.getenv(name))
	}
}

// variable names the variable that has the proxy for a scheme; empty where none is set. Lower case comes first,
// as in other programs.
func (f *networkFlags) variable(scheme string) string {
	if scheme == "wss" {
		return f.first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
	}
	return f.first("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
}

// first gives the first of names that is set in the environment.
func (f *networkFlags) first(names ...string) string {
	for _, name := range names {
		if f.getenv(name) != "" {
			return name
		}
	}
	return ""
}

// blame names the variable of the environment where that is what has to be mended, and not the flag.
func (f *networkFlags) blame(err error, c rig.Config) error {
	var field *messages.FieldError
	if f.proxy != "" || !errors.As(err, &field) || field.Field != "Proxy" {
		return err
	}
	return &messages.FieldError{Field: f.variable(scheme(c.URL)) + " in the environment", Err: field.Err}
}

func scheme(rawURL string) string {
	name, _, _ := strings.Cut(rawURL, ":")
	return strings.ToLower(name)
}

// by says how the server of a run is reached, where that is not straight; never with a password.
func (f *networkFlags) by(c rig.Config) string {
	if f.unixSocket != "" {
		return " over the Unix socket " + f.unixSocket
	}
	server, err := url.Parse(c.URL)
	if err != nil || c.Transport.Proxy == nil {
		return ""
	}
	u, err := c.Transport.Proxy(server)
	switch {
	case err != nil || u == nil:
		return ""
	case f.proxy == "":
		return fmt.Sprintf(" through %s (%s in the environment)", u.Redacted(), f.variable(scheme(c.URL)))
	default:
		return " through " + u.Redacted()
	}
}

// resolving reads k6's words for how names are looked up.
func (f *networkFlags) resolving(o *transport.Options) error {
	if f.dns == "" {
		return nil
	}
	for _, part := range strings.Split(f.dns, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("got %q, want ttl=…, select=… or policy=…, with commas between", part)
		}
		var err error
		switch key {
		case "ttl":
			o.ResolveTTL, err = ttl(value)
		case "select":
			o.ResolveSelect, err = byName[transport.Selection](value, transport.NumSelections)
		case "policy":
			o.ResolvePolicy, err = byName[transport.Policy](value, transport.NumPolicies)
		default:
			return oneOf(key, []string{"ttl", "select", "policy"})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func ttl(text string) (time.Duration, error) {
	if text == "inf" {
		return transport.Forever, nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d < 0:
		return 0, fmt.Errorf("got %q, want 0, inf or a time with its unit, as 30s or 5m", text)
	case d == 0:
		return -1, nil // 0 is the default of the option
	default:
		return d, nil
	}
}

// byName gives the one of n values that has a name.
func byName[T interface {
	~uint8
	String() string
}](name string, n int) (T, error) {
	var names []string
	for v := range T(n) {
		if v.String() == name {
			return v, nil
		}
		names = append(names, v.String())
	}
	return 0, oneOf(name, names)
}

func oneOf(got string, names []string) error {
	err := fmt.Errorf("got %q, want one of %s", got, strings.Join(names, ", "))
	if name, ok := nearest.Name(got, names); ok {
		err = fmt.Errorf("%w: did you mean %q?", err, name)
	}
	return err
}

// maxSources bounds --local-ips: each address is tried before the run begins.
const maxSources = 1 << 16

// addresses reads addresses and ranges of them.
func addresses(texts []string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, s := range texts {
		if ip, err := netip.ParseAddr(s); err == nil {
			ips = append(ips, ip)
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("got %q, want IP addresses of this machine, as 10.0.0.5,10.0.0.6, or ranges of them, as 10.0.0.0/24", s)
		}
		if hosts := p.Addr().BitLen() - p.Bits(); hosts > bits.TrailingZeros(maxSources) {
			return nil, fmt.Errorf("got %s, which are 2^%d addresses, want at most %d in all", s, hosts, maxSources)
		}
		ips = append(ips, hostsOf(p.Masked())...)
	}
	if len(ips) > maxSources {
		return nil, fmt.Errorf("got %d addresses, want at most %d in all", len(ips), maxSources)
	}
	return ips, nil
}

// hostsOf gives the addresses in p that a machine can have: not the first, which names the network itself or, in
// IPv6, any router of it (RFC 4291 §2.6.1), and in IPv4 not the last, which names all at once.
func hostsOf(p netip.Prefix) []netip.Addr {
	var ips []netip.Addr
	for ip := p.Addr(); p.Contains(ip); ip = ip.Next() {
		ips = append(ips, ip)
	}
	if len(ips) <= 2 {
		return ips
	}
	if p.Addr().Is4() {
		ips = ips[:len(ips)-1]
	}
	return ips[1:]
}
