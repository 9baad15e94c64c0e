package authctx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultMaxAnswer is the default of EndpointOptions.MaxAnswer.
const DefaultMaxAnswer = 64 << 10

// EndpointOptions describes a token endpoint of any kind that answers with a JSON object. Only URL is
// required. In the path and the query of URL, in the values of Header and in the strings of Body,
// {user_id}, {organization_id}, {project_id}, {world_id}, {launch_context_id}, {scope} and
// {client_type} stand for what the token is asked for; {{ is a brace. Players for whom the request
// comes out the same share a token.
//
// URL, Header and Body may hold credentials, so the options print as a name.
type EndpointOptions struct {
	// URL is http or https, without user, password and fragment.
	URL string `json:"-"`
	// Method is GET, POST, PUT or PATCH. Default POST.
	Method string
	// Header is added to the request. Accept and Content-Type are application/json unless set here.
	Header http.Header `json:"-"`
	// Body is sent as JSON: anything that marshals to it. Default nil: no body. GET takes none.
	Body any `json:"-"`
	// TokenField is the path of the token in the answer, with dots between the names. Default
	// "access_token".
	TokenField string
	// ExpiresInField is the path of the lifetime in seconds. Default "expires_in"; "-" means none.
	ExpiresInField string
	// ExpiresAtField is the path of the expiry, in seconds since 1970 or as RFC 3339. Default none.
	// Where the answer has both, it wins.
	ExpiresAtField string
	// AssumeLifetime is how long a token is held when the answer does not say and the token is no JWT
	// with an exp. 0 means DefaultAssumeLifetime; negative is refused.
	AssumeLifetime time.Duration
	// Timeout bounds one exchange, the wait for one of the 64 connections included. 0 means
	// DefaultTimeout; negative is refused.
	Timeout time.Duration
	// MaxAnswer bounds the answer, in bytes. 0 means DefaultMaxAnswer; negative is refused.
	MaxAnswer int64
	// Client sends the request, over its own Transport if it has one. Default nil: a client with the
	// proxy of the environment and at most 64 connections. Redirects are never followed.
	Client *http.Client `json:"-"`
}

// Format prints a name, whatever the verb.
func (o EndpointOptions) Format(f fmt.State, _ rune) { writeName(f, "options of a token endpoint") }

// LogValue gives what Format prints.
func (o EndpointOptions) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// Endpoint fetches tokens from an HTTP endpoint. It is safe for concurrent use.
type Endpoint struct {
	// Static after construction.
	name      string // for errors: no query
	url       template
	method    string
	header    map[string][]template
	body      *jsonBody // nil: none
	need      demand
	o         EndpointOptions // resolved; Header and Body are in compiled form above
	transport exchange
}

var endpointMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch}

// NewEndpoint checks the options; the error reports every mistake and quotes no header or body.
func NewEndpoint(o EndpointOptions) (*Endpoint, error) {
	bad := optionErrors{what: "token endpoint"}
	o = o.resolved()
	e := &Endpoint{method: o.Method, o: o, transport: newExchange(o.Client, o.Timeout)}
	e.compileURL(&bad, o.URL)
	e.compileHeader(&bad, o.Header)
	if !slices.Contains(endpointMethods, o.Method) {
		bad.add("method: got %q, want one of %s", clip(o.Method), strings.Join(endpointMethods, ", "))
	}
	if o.Body != nil {
		var err error
		if o.Method == http.MethodGet {
			bad.add("body: got one with GET, want none or another method")
		} else if e.body, err = compileBody(o.Body, &e.need); err != nil {
			bad.add("body: %w", err)
		}
	}
	if o.AssumeLifetime < 0 {
		bad.add("assumed lifetime: got %s, want 0 or more", o.AssumeLifetime)
	}
	if o.Timeout < 0 {
		bad.add("timeout: got %s, want 0 or more", o.Timeout)
	}
	if o.MaxAnswer < 0 {
		bad.add("longest answer: got %d bytes, want 0 or more", o.MaxAnswer)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	e.o.Header, e.o.Body = nil, nil
	return e, nil
}

func (o EndpointOptions) resolved() EndpointOptions {
	if o.Method == "" {
		o.Method = http.MethodPost
	}
	if o.TokenField == "" {
		o.TokenField = "access_token"
	}
	switch o.ExpiresInField {
	case "":
		o.ExpiresInField = "expires_in"
	case "-":
		o.ExpiresInField = ""
	}
	if o.AssumeLifetime == 0 {
		o.AssumeLifetime = DefaultAssumeLifetime
	}
	if o.MaxAnswer == 0 {
		o.MaxAnswer = DefaultMaxAnswer
	}
	return o
}

func (e *Endpoint) compileURL(bad *optionErrors, raw string) {
	u := checkEndpoint(bad, raw)
	if u == nil {
		return
	}
	var err error
	if e.url, err = parseTemplate(raw); err != nil {
		bad.add("url: %w", err)
	}
	e.need.add(e.url)
	e.name = e.method + " " + publicURL(u)
}

func (e *Endpoint) compileHeader(bad *optionErrors, h http.Header) {
	e.header = make(map[string][]template, len(h)+2)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !isHeaderName(name) {
			bad.add("header: got a name that is no token of RFC 9110 §5.6.2, want one")
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		for _, value := range h[name] {
			t, err := parseTemplate(value)
			if err != nil {
				bad.add("header %s: %w", canonical, err)
			} else if strings.ContainsFunc(value, isHeaderBreak) {
				bad.add("header %s: got a control character, want none", canonical)
			}
			e.need.add(t)
			e.header[canonical] = append(e.header[canonical], t)
		}
	}
}

// Token implements TokenSource.
func (e *Endpoint) Token(ctx context.Context, req Request) (Token, error) {
	token, err := e.fetch(ctx, req)
	if err != nil {
		return Token{}, &TokenError{Source: e.name, Err: err}
	}
	return token, nil
}

func (e *Endpoint) fetch(ctx context.Context, req Request) (Token, error) {
	if err := req.Identity.check(req.Scope, true, e.need.ids); err != nil {
		return Token{}, err
	}
	start := time.Now()
	own, cancel := context.WithTimeout(ctx, e.transport.timeout)
	defer cancel()
	r, err := e.request(own, req)
	if err != nil {
		return Token{}, err
	}
	resp, err := e.transport.client.Do(r)
	if err != nil {
		return Token{}, e.transport.failure(ctx, own, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, e.o.MaxAnswer+1))
	if err != nil {
		return Token{}, e.transport.failure(ctx, own, err)
	}
	if int64(len(body)) > e.o.MaxAnswer {
		return Token{}, fmt.Errorf("got status %d with more than %d bytes, want a short answer", resp.StatusCode, e.o.MaxAnswer)
	}
	return e.read(resp.StatusCode, body, start)
}

// read takes the token out of an answer.
func (e *Endpoint) read(status int, body []byte, start time.Time) (Token, error) {
	a, err := parseAnswer(body)
	if status < 200 || status > 299 {
		return Token{}, statusError(status, a.code())
	}
	if err != nil {
		return Token{}, err
	}
	text, err := a.token(e.o.TokenField)
	if err != nil {
		return Token{}, err
	}
	expiry, err := a.expiry(e.o.ExpiresAtField, e.o.ExpiresInField, start)
	if err != nil {
		return Token{}, err
	}
	return NewToken(text, settleExpiry(text, expiry, start, e.o.AssumeLifetime))
}

func (e *Endpoint) request(ctx context.Context, req Request) (*http.Request, error) {
	var body io.Reader
	if e.body != nil {
		raw, err := e.body.expand(req)
		if err != nil {
			return nil, errors.New("body does not marshal to JSON")
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, e.method, e.url.expand(req, escapeURL), body)
	if err != nil {
		return nil, errors.New("url does not parse with the ids of this player")
	}
	r.Header.Set("Accept", "application/json")
	if e.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range e.header {
		r.Header.Del(name)
		for _, value := range values {
			r.Header.Add(name, value.expand(req, nil))
		}
	}
	if host := r.Header.Get("Host"); host != "" { // net/http reads it from here alone
		r.Host = host
	}
	return r, nil
}

// CacheKey implements Keyed: only what the placeholders use matters.
func (e *Endpoint) CacheKey(req Request) Request { return e.need.key(req) }

func (e *Endpoint) needs(Request) idSet { return e.need.ids }

// CloseIdleConnections closes the connections that are kept for the next token.
func (e *Endpoint) CloseIdleConnections() { e.transport.client.CloseIdleConnections() }

// Format prints the method and the URL without its query, whatever the verb.
func (e *Endpoint) Format(f fmt.State, _ rune) { writeName(f, e.name) }

// LogValue gives what Format prints.
func (e *Endpoint) LogValue() slog.Value { return slog.StringValue(e.name) }

// escapeURL fits a value into a path or a query: everything but RFC 3986's unreserved characters is
// escaped, the blank as %20, which both read.
func escapeURL(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func isHeaderBreak(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func isHeaderName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return name != ""
}
