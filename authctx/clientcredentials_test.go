package authctx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func newClient(t testing.TB, o ClientCredentialsOptions) *ClientCredentials {
	t.Helper()
	c, err := NewClientCredentials(o)
	return must(t, c, err)
}

func TestClientCredentialsForm(t *testing.T) {
	var user, pass string
	var form url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ = r.BasicAuth()
		_ = r.ParseForm()
		form = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"abc","token_type":"bearer","expires_in":3600}`))
	}))
	defer server.Close()
	for _, tt := range []struct {
		name       string
		o          ClientCredentialsOptions
		user, pass string
		form       url.Values
	}{
		{
			"basic", ClientCredentialsOptions{ClientID: "rig id", ClientSecret: NewSecret("p@ss:word"), Scopes: []string{"a", "b"}},
			"rig+id", "p%40ss%3Aword", url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}}, // form-encoded first (RFC 6749 §2.3.1)
		},
		{
			"in the body, with a parameter of this player", ClientCredentialsOptions{ClientID: "rig", ClientSecret: NewSecret("p"), SecretInBody: true, Params: url.Values{"sub": {"u:{user_id}"}}},
			"", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"rig"}, "client_secret": {"p"}, "sub": {"u:user-1"}},
		},
		{
			"another grant", ClientCredentialsOptions{ClientID: "rig", Params: url.Values{"grant_type": {"x"}}},
			"rig", "", url.Values{"grant_type": {"x"}},
		},
	} {
		tt.o.TokenURL = server.URL + "/token"
		c := newClient(t, tt.o)
		before := time.Now()
		token, err := c.Token(t.Context(), Request{Identity: full})
		c.CloseIdleConnections()
		if err != nil || token.Reveal() != "abc" {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		// Counted from before the exchange: never later than the server's own.
		if left := token.Expiry().Sub(before); left > time.Hour+time.Second || left < time.Hour-time.Second {
			t.Errorf("%s: got %s, want an hour", tt.name, left)
		}
		if user != tt.user || pass != tt.pass {
			t.Errorf("%s: got basic %q %q, want %q %q", tt.name, user, pass, tt.user, tt.pass)
		}
		if diff := cmp.Diff(tt.form, form); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestClientCredentialsAnswers(t *testing.T) {
	const s3 = "s3cr3t-token-of-the-answer"
	for _, tt := range []struct {
		name   string
		status int
		body   string
		left   time.Duration
		err    string
	}{
		{name: "usual", status: 200, body: `{"access_token":"` + s3 + `","token_type":"Bearer","expires_in":60}`, left: time.Minute},
		{name: "no type, no expiry", status: 200, body: `{"access_token":"` + s3 + `"}`, left: 5 * time.Minute},
		{name: "another type", status: 200, body: `{"access_token":"` + s3 + `","token_type":"` + s3 + `"}`, err: "got another token_type, want Bearer"},
		{name: "refused", status: 401, body: `{"error":"invalid_client","error_description":"` + s3 + `"}`, err: "got status 401 (invalid_client), want 2xx"},
		{name: "code of its own", status: 400, body: `{"error":"` + s3 + `"}`, err: "got status 400, want 2xx"},
		{name: "text", status: 500, body: s3, err: "got status 500, want 2xx"},
		{name: "error with status 200", status: 200, body: `{"error":"invalid_scope","access_token":"` + s3 + `"}`, err: "got an error (invalid_scope) with status 200, want a token"},
		{name: "no JSON", status: 200, body: s3, err: "got no access_token in the answer, want one (RFC 6749 §5.1)"},
		{name: "no token", status: 200, body: `{"token":"` + s3 + `"}`, err: "got no access_token in the answer, want one (RFC 6749 §5.1)"},
		{name: "bad token", status: 200, body: `{"access_token":"s3cr3t token"}`, err: "bad token: got a space at byte 6, want the bare token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1)"},
		{name: "redirect", status: 308, body: s3, err: "got status 308: redirects are not followed, give the final URL, want 2xx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, ClientCredentialsOptions{ClientID: "rig", ClientSecret: NewSecret("s3cr3t"), TokenURL: "http://id.test/t?k=s3cr3t", Client: answering(tt.status, tt.body)})
				token, err := c.Token(t.Context(), Request{})
				if tt.err == "" {
					if err != nil || token.Reveal() != s3 || time.Until(token.Expiry()) != tt.left {
						t.Errorf("got %q for %s, %v, want %s", token.Reveal(), time.Until(token.Expiry()), err, tt.left)
					}
					return
				}
				if want := "no token from oauth2 http://id.test/t: " + tt.err; !errors.Is(err, ErrNoToken) || err.Error() != want {
					t.Errorf("got\n%v\nwant\n%s", err, want)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					if strings.Contains(e.Error(), "s3cr3t") {
						t.Errorf("the error quotes a secret: %v", e)
					}
				}
			})
		})
	}
}

func TestClientCredentialsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, ClientCredentialsOptions{ClientID: "rig", TokenURL: "http://id.test/t", Timeout: time.Second, Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		_, err := c.Token(t.Context(), Request{})
		if want := "no token from oauth2 http://id.test/t: no answer within 1s: context deadline exceeded"; !errors.Is(err, context.DeadlineExceeded) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

// Ten thousand players are one client: one exchange serves them all, unless a parameter names them.
func TestClientCredentialsSharing(t *testing.T) {
	for param, want := range map[string]int{"fixed": 1, "{user_id}": 5} {
		c := newCache(t, newClient(t, ClientCredentialsOptions{
			ClientID: "rig", TokenURL: "http://id.test/t", Params: url.Values{"p": {param}}, Client: answering(200, `{"access_token":"abc"}`),
		}), CacheOptions{})
		for i := range 5 {
			_, err := c.Token(t.Context(), user(fmt.Sprint(i)))
			must(t, 0, err)
		}
		if c.Len() != want {
			t.Errorf("%s: got %d tokens, want %d", param, c.Len(), want)
		}
	}
	c := newClient(t, ClientCredentialsOptions{ClientID: "rig", TokenURL: "http://id.test/t", Params: url.Values{"p": {"{user_id}"}}})
	if _, err := c.Token(t.Context(), Request{}); !errors.Is(err, ErrMissingID) {
		t.Errorf("got %v, want ErrMissingID", err)
	}
}

func TestClientCredentialsOptions(t *testing.T) {
	_, err := NewClientCredentials(ClientCredentialsOptions{
		TokenURL: "id.test/token", Scopes: []string{""}, Params: url.Values{"client_secret": {"s3cr3t"}, "p": {"{user}"}}, AssumeLifetime: -1, Timeout: -1,
	})
	want := "bad option: oauth2 client credentials: " + strings.Join([]string{
		"client id: got none, want one",
		`url: got scheme "", want http or https`,
		"scopes: entry 0 is empty, want a name",
		"params: got client_secret, want it in its own option",
		"params: p: unknown placeholder at byte 0, want one of {user_id}, {organization_id}, {project_id}, {world_id}, {launch_context_id}, {scope}, {client_type} (and {{ for a brace)",
		"assumed lifetime: got -1ns, want 0 or more",
		"timeout: got -1ns, want 0 or more",
	}, "\noauth2 client credentials: ")
	if !errors.Is(err, ErrBadOption) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
