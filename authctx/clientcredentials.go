package authctx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// ClientCredentialsOptions describes an OAuth2 client (RFC 6749 §4.4). ClientID and TokenURL are
// required.
type ClientCredentialsOptions struct {
	ClientID     string
	ClientSecret Secret
	// TokenURL is http or https, without user, password and fragment.
	TokenURL string `json:"-"`
	// Scopes are OAuth2 scopes, which have nothing to do with Scope. Default none.
	Scopes []string
	// Params are added to the form. Values may have the placeholders of EndpointOptions; without any,
	// all players share one token. grant_type may be overridden; scope, client_id and client_secret
	// are refused.
	Params url.Values `json:"-"`
	// SecretInBody sends id and secret in the form. Default false: HTTP Basic, which every server has
	// to take (RFC 6749 §2.3.1). Neither is tried after the other.
	SecretInBody bool
	// AssumeLifetime is how long a token is held when the answer has no expires_in and the token is no
	// JWT with an exp. 0 means DefaultAssumeLifetime; negative is refused.
	AssumeLifetime time.Duration
	// Timeout bounds one exchange, the wait for one of the 64 connections included. 0 means
	// DefaultTimeout; negative is refused.
	Timeout time.Duration
	// Client sends the request, as EndpointOptions.Client does.
	Client *http.Client `json:"-"`
}

// Format prints the client id, whatever the verb: TokenURL and Params may hold credentials.
func (o ClientCredentialsOptions) Format(f fmt.State, _ rune) {
	writeName(f, "options of oauth2 client "+strconv.Quote(o.ClientID))
}

// LogValue gives what Format prints.
func (o ClientCredentialsOptions) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// ClientCredentials fetches tokens with the OAuth2 client credentials grant. It is safe for
// concurrent use.
type ClientCredentials struct {
	// Static after construction.
	name      string
	o         ClientCredentialsOptions
	params    map[string][]template
	need      demand
	transport exchange
}

// NewClientCredentials checks the options; the error reports every mistake.
func NewClientCredentials(o ClientCredentialsOptions) (*ClientCredentials, error) {
	bad := optionErrors{what: "oauth2 client credentials"}
	if o.AssumeLifetime == 0 {
		o.AssumeLifetime = DefaultAssumeLifetime
	}
	c := &ClientCredentials{o: o, transport: newExchange(o.Client, o.Timeout), params: make(map[string][]template, len(o.Params))}
	if o.ClientID == "" {
		bad.add("client id: got none, want one")
	}
	if u := checkEndpoint(&bad, o.TokenURL); u != nil {
		c.name = "oauth2 " + publicURL(u)
	}
	bad.names("scopes", o.Scopes)
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if slices.Contains([]string{"scope", "client_id", "client_secret"}, name) {
			bad.add("params: got %s, want it in its own option", name)
		}
		for _, value := range o.Params[name] {
			t, err := parseTemplate(value)
			if err != nil {
				bad.add("params: %s: %w", clip(name), err)
			}
			c.need.add(t)
			c.params[name] = append(c.params[name], t)
		}
	}
	if o.AssumeLifetime < 0 {
		bad.add("assumed lifetime: got %s, want 0 or more", o.AssumeLifetime)
	}
	if o.Timeout < 0 {
		bad.add("timeout: got %s, want 0 or more", o.Timeout)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	c.o.Params, c.o.Scopes = nil, slices.Clone(o.Scopes)
	return c, nil
}

// Token implements TokenSource.
func (c *ClientCredentials) Token(ctx context.Context, req Request) (Token, error) {
	token, err := c.fetch(ctx, req)
	if err != nil {
		return Token{}, &TokenError{Source: c.name, Err: err}
	}
	return token, nil
}

func (c *ClientCredentials) fetch(ctx context.Context, req Request) (Token, error) {
	if err := req.Identity.check(req.Scope, true, c.need.ids); err != nil {
		return Token{}, err
	}
	own, cancel := context.WithTimeout(ctx, c.transport.timeout)
	defer cancel()
	start := time.Now()
	got, err := c.config(req).Token(context.WithValue(own, oauth2.HTTPClient, c.transport.client))
	if err != nil {
		return Token{}, c.failure(ctx, own, err)
	}
	if got.TokenType != "" && !strings.EqualFold(got.TokenType, "bearer") {
		return Token{}, errors.New("got another token_type, want Bearer")
	}
	expiry := got.Expiry
	if !expiry.IsZero() { // the library counts from the end of the exchange; the server did from before
		expiry = expiry.Add(-time.Since(start))
	}
	return NewToken(got.AccessToken, settleExpiry(got.AccessToken, expiry, start, c.o.AssumeLifetime))
}

// config is made for each exchange, because it holds the parameters of this player.
func (c *ClientCredentials) config(req Request) *clientcredentials.Config {
	style := oauth2.AuthStyleInHeader
	if c.o.SecretInBody {
		style = oauth2.AuthStyleInParams
	}
	params := make(url.Values, len(c.params))
	for name, values := range c.params {
		for _, value := range values {
			params.Add(name, value.expand(req, nil))
		}
	}
	return &clientcredentials.Config{
		ClientID:       c.o.ClientID,
		ClientSecret:   c.o.ClientSecret.Reveal(),
		TokenURL:       c.o.TokenURL,
		Scopes:         c.o.Scopes,
		EndpointParams: params,
		AuthStyle:      style,
	}
}

// failure keeps what the library's errors quote, the whole answer among it, to itself.
func (c *ClientCredentials) failure(ctx, own context.Context, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		return statusError(refused.Response.StatusCode, refused.ErrorCode)
	}
	if _, transport := errors.AsType[*url.Error](err); transport || own.Err() != nil {
		return c.transport.failure(ctx, own, err)
	}
	return errors.New("got no access_token in the answer, want one (RFC 6749 §5.1)")
}

// CacheKey implements Keyed: only what the placeholders use matters.
func (c *ClientCredentials) CacheKey(req Request) Request { return c.need.key(req) }

func (c *ClientCredentials) needs(Request) idSet { return c.need.ids }

// CloseIdleConnections closes the connections that are kept for the next token.
func (c *ClientCredentials) CloseIdleConnections() { c.transport.client.CloseIdleConnections() }

// Format prints the URL without its query, whatever the verb.
func (c *ClientCredentials) Format(f fmt.State, _ rune) { writeName(f, c.name) }

// LogValue gives what Format prints.
func (c *ClientCredentials) LogValue() slog.Value { return slog.StringValue(c.name) }
