package authctx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Defaults that Endpoint and ClientCredentials share.
const (
	DefaultTimeout        = 10 * time.Second
	DefaultAssumeLifetime = DefaultLifetime

	// maxTokenConns bounds the connections to a token endpoint: a storm of players must not take the
	// descriptors of the rig, nor bring down the identity provider that is not under test.
	maxTokenConns = 64
)

// exchange is what a request to a token endpoint takes, whatever the protocol.
type exchange struct {
	client  *http.Client
	timeout time.Duration
}

// newExchange takes a client, or makes one, that follows no redirect: a redirect of a POST would
// carry the credentials to another place.
func newExchange(client *http.Client, timeout time.Duration) exchange {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	var c http.Client
	if client != nil {
		c = *client
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        maxTokenConns,
			MaxIdleConnsPerHost:    maxTokenConns,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    timeout,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return exchange{client: &c, timeout: timeout}
}

// failure says why an exchange failed: the caller's context, the timeout, or the network.
func (x exchange) failure(caller, own context.Context, err error) error {
	if caller.Err() != nil {
		return caller.Err()
	}
	if own.Err() != nil {
		return fmt.Errorf("no answer within %s: %w", x.timeout, own.Err())
	}
	return safeCause(err)
}

// safeCause gives the part of err that may be shown. The errors of net/http quote the URL and, where
// the answer was malformed, the answer; so only causes that are known to quote neither get through.
func safeCause(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, known) {
			return fmt.Errorf("connection failed: %w", known)
		}
	}
	if strings.HasSuffix(err.Error(), "http: server gave HTTP response to HTTPS client") {
		return errors.New("got plain HTTP, want TLS: is the URL's scheme http?")
	}
	return errors.New("got no valid HTTP answer (details withheld: they may quote it)")
}

// oauthErrors are the codes of RFC 6749 §5.2. A code that is none of them is not repeated: what an
// endpoint writes into an error is its own choice.
var oauthErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
}

// statusError names a refusal by its status and, if it is a known one, its OAuth2 code.
func statusError(status int, code string) error {
	note := ""
	switch {
	case slices.Contains(oauthErrors, code):
		note = " (" + code + ")"
	case status >= 300 && status < 400:
		note = ": redirects are not followed, give the final URL"
	}
	if status >= 200 && status < 300 {
		return fmt.Errorf("got an error%s with status %d, want a token", note, status)
	}
	return fmt.Errorf("got status %d%s, want 2xx", status, note)
}

// checkEndpoint wants an absolute http or https URL. The errors do not quote it: it may hold a
// password.
func checkEndpoint(bad *optionErrors, raw string) *url.URL {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		bad.add("url: got none, want http:// or https://")
	case err != nil:
		bad.add("url: does not parse, want http:// or https://")
	case u.Scheme != "http" && u.Scheme != "https":
		bad.add("url: got scheme %q, want http or https", clip(u.Scheme))
	case u.Host == "":
		bad.add("url: got no host, want one")
	case u.User != nil:
		bad.add("url: got a user or a password, want them in a header or an option: URLs are shown")
	case u.Fragment != "":
		bad.add("url: got a fragment, want none")
	default:
		return u
	}
	return nil
}

// publicURL names an endpoint without its query, which may hold a key.
func publicURL(u *url.URL) string { return u.Scheme + "://" + u.Host + braces.Replace(u.EscapedPath()) }

var braces = strings.NewReplacer("%7B", "{", "%7D", "}")
