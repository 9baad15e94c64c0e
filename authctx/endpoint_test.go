package authctx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newEndpoint(t testing.TB, o EndpointOptions) *Endpoint {
	t.Helper()
	e, err := NewEndpoint(o)
	return must(t, e, err)
}

// answering gives an answer without a network.
func answering(status int, body string) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}
}

func TestEndpointRequest(t *testing.T) {
	type seen struct {
		Method, URI, Host string
		Header            http.Header
		Body              string
	}
	var got seen
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		got = seen{Method: r.Method, URI: r.URL.String(), Host: r.Host, Header: r.Header.Clone()}
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			got.Body = string(b)
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"access_token":"abc"}`))}, nil
	})}
	accept := http.Header{"Accept": {"application/json"}}
	plain := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
	for _, tt := range []struct {
		name string
		o    EndpointOptions
		id   Identity
		want seen
	}{
		{"zero value", EndpointOptions{URL: "https://id.test/token"}, Identity{}, seen{"POST", "https://id.test/token", "id.test", accept, ""}},
		{
			"everything",
			EndpointOptions{
				URL: "https://id.test/w/{world_id}/token?user={user_id}", Method: "PUT",
				Header: http.Header{"x-api-key": {"k1", "k2"}, "Host": {"other.test"}, "Accept": {"text/plain"}, "X-User": {"<{user_id}>"}},
				Body:   map[string]any{"user": "{user_id}", "n": 1, "big": json.Number("12345678901234567890"), "list": []any{"{scope}", true, nil}, "brace": "{{}"},
			},
			Identity{UserID: `a "b"/ü`, World: "w"},
			seen{
				"PUT", "https://id.test/w/w/token?user=a%20%22b%22%2F%C3%BC", "other.test",
				http.Header{"Accept": {"text/plain"}, "Content-Type": {"application/json"}, "Host": {"other.test"}, "X-Api-Key": {"k1", "k2"}, "X-User": {`<a "b"/ü>`}},
				`{"big":12345678901234567890,"brace":"{}","list":["project",true,null],"n":1,"user":"a \"b\"/ü"}`,
			},
		},
		{"get", EndpointOptions{URL: "http://id.test/", Method: "GET"}, Identity{}, seen{"GET", "http://id.test/", "id.test", accept, ""}},
		{"struct as body", EndpointOptions{URL: "http://id.test/", Body: struct{ U string }{"{user_id}"}}, full, seen{"POST", "http://id.test/", "id.test", plain, `{"U":"user-1"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Client = client
			_, err := newEndpoint(t, tt.o).Token(t.Context(), Request{Scope: ScopeProject, Identity: tt.id})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEndpointAnswers(t *testing.T) {
	const noToken = "no token from POST https://id.test/token: "
	in := func(d time.Duration) time.Time { // the clock of the bubble starts then
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)
	}
	const s3 = "s3cr3t-token-of-the-answer"
	for _, tt := range []struct {
		name   string
		o      EndpointOptions
		status int
		body   string
		want   time.Time
		err    string
	}{
		{name: "usual", body: `{"access_token":"` + s3 + `","expires_in":60}`, want: in(time.Minute)},
		{name: "seconds as text", body: `{"access_token":"` + s3 + `","expires_in":"90.5"}`, want: in(90500 * time.Millisecond)},
		{name: "201", status: 201, body: `{"access_token":"` + s3 + `","expires_in":60}`, want: in(time.Minute)},
		{name: "no expiry", body: `{"access_token":"` + s3 + `"}`, want: in(5 * time.Minute)},
		{name: "null expiry", body: `{"access_token":"` + s3 + `","expires_in":null}`, want: in(5 * time.Minute)},
		{name: "zero expiry", body: `{"access_token":"` + s3 + `","expires_in":0}`, want: in(5 * time.Minute)},
		{name: "own assumption", o: EndpointOptions{AssumeLifetime: time.Hour}, body: `{"access_token":"` + s3 + `"}`, want: in(time.Hour)},
		{name: "expiry switched off", o: EndpointOptions{ExpiresInField: "-"}, body: `{"access_token":"` + s3 + `","expires_in":"x"}`, want: in(5 * time.Minute)},
		{name: "beyond all bounds", body: `{"access_token":"` + s3 + `","expires_in":1e300}`, want: in(100 * 365 * 24 * time.Hour)},
		{name: "paths", o: EndpointOptions{TokenField: "data.jwt", ExpiresInField: "data.ttl"}, body: `{"data":{"jwt":"` + s3 + `","ttl":10}}`, want: in(10 * time.Second)},
		{name: "instant in seconds", o: EndpointOptions{ExpiresAtField: "exp"}, body: `{"access_token":"` + s3 + `","exp":946684830,"expires_in":60}`, want: in(30 * time.Second)},
		{name: "instant as RFC 3339", o: EndpointOptions{ExpiresAtField: "exp"}, body: `{"access_token":"` + s3 + `","exp":"2000-01-01T01:00:00+01:00"}`, want: in(0)},
		{name: "instant absent", o: EndpointOptions{ExpiresAtField: "exp"}, body: `{"access_token":"` + s3 + `","expires_in":60}`, want: in(time.Minute)},

		{name: "bad instant", o: EndpointOptions{ExpiresAtField: "exp"}, body: `{"access_token":"` + s3 + `","exp":"` + s3 + `"}`, err: `field "exp": got no instant, want seconds since 1970 or RFC 3339`},
		{name: "bad seconds", body: `{"access_token":"` + s3 + `","expires_in":"` + s3 + `"}`, err: `field "expires_in": got no number, want a number of seconds`},
		{name: "seconds of another type", body: `{"access_token":"` + s3 + `","expires_in":[1]}`, err: `field "expires_in": got no number, want a number of seconds`},
		{name: "no field", body: `{"x":"` + s3 + `"}`, err: `got no field "access_token", want the token there`},
		{name: "other field", body: `{"id_token":"` + s3 + `","token":"x"}`, err: `got no field "access_token", want the token there: the answer has "token", "id_token"`},
		{name: "no such path", o: EndpointOptions{TokenField: "access_token.x"}, body: `{"access_token":"` + s3 + `"}`, err: `got no field "access_token.x", want the token there: the answer has "access_token"`},
		{name: "token no string", body: `{"access_token":{"v":"` + s3 + `"}}`, err: `got a field "access_token" that is no string, want the token there`},
		{name: "token with a line break", body: `{"access_token":"` + s3 + `\r\nX: y"}`, err: `bad token: got a line break at byte 26, want the bare token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1)`},
		{name: "token empty", body: `{"access_token":""}`, err: `bad token: got nothing, want the bare token: letters, digits and -._~+/ with = at the end (RFC 6750 §2.1)`},
		{name: "html", body: `<html>` + s3, err: "got 32 bytes that are no JSON object, want one"},
		{name: "array", body: `["` + s3 + `"]`, err: "got 30 bytes that are no JSON object, want one"},
		{name: "null", body: `null`, err: "got 4 bytes that are no JSON object, want one"},
		{name: "401", status: 401, body: `{"error":"invalid_client","error_description":"` + s3 + `"}`, err: "got status 401 (invalid_client), want 2xx"},
		{name: "400 with a code of its own", status: 400, body: `{"error":"` + s3 + `"}`, err: "got status 400, want 2xx"},
		{name: "500 with no JSON", status: 500, body: s3, err: "got status 500, want 2xx"},
		{name: "redirect", status: 307, body: s3, err: "got status 307: redirects are not followed, give the final URL, want 2xx"},
		{name: "too long", o: EndpointOptions{MaxAnswer: 20}, body: strings.Repeat(s3, 3), err: "got status 200 with more than 20 bytes, want a short answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.status == 0 {
					tt.status = 200
				}
				tt.o.URL, tt.o.Client = "https://id.test/token?key=s3cr3t-k", answering(tt.status, tt.body)
				token, err := newEndpoint(t, tt.o).Token(t.Context(), Request{})
				if tt.err == "" {
					if err != nil || token.Reveal() != s3 || !token.Expiry().Equal(tt.want) {
						t.Errorf("got %q until %s, %v, want until %s", token.Reveal(), token.Expiry(), err, tt.want)
					}
					return
				}
				if !errors.Is(err, ErrNoToken) || err.Error() != noToken+tt.err {
					t.Errorf("got\n%v\nwant\n%s", err, noToken+tt.err)
				}
				if err != nil && strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("the error quotes the answer: %v", err)
				}
			})
		})
	}
}

func TestEndpointOptions(t *testing.T) {
	const (
		names  = "want one of {user_id}, {organization_id}, {project_id}, {world_id}, {launch_context_id}, {scope}, {client_type} (and {{ for a brace)"
		secret = "s3cr3t"
	)
	for _, tt := range []struct {
		name string
		o    EndpointOptions
		want []string
	}{
		{"nothing", EndpointOptions{}, []string{"url: got none, want http:// or https://"}},
		{"scheme", EndpointOptions{URL: "ftp://h/s3cr3t"}, []string{`url: got scheme "ftp", want http or https`}},
		{"no host", EndpointOptions{URL: "https:///t"}, []string{"url: got no host, want one"}},
		{"control character", EndpointOptions{URL: "https://h/s3cr3t\x00"}, []string{"url: does not parse, want http:// or https://"}},
		{"placeholder in the host", EndpointOptions{URL: "https://{user_id}/s3cr3t"}, []string{"url: does not parse, want http:// or https://"}},
		{"password", EndpointOptions{URL: "https://u:s3cr3t@h/"}, []string{"url: got a user or a password, want them in a header or an option: URLs are shown"}},
		{"fragment", EndpointOptions{URL: "https://h/#s3cr3t"}, []string{"url: got a fragment, want none"}},
		{
			"all at once", EndpointOptions{
				URL: "https://h/{wrld_id}", Method: "DELETE", Timeout: -1, AssumeLifetime: -1, MaxAnswer: -1,
				Header: http.Header{"bad name": {"x"}, "X-A": {"s3cr3t\r\nX: y"}, "X-B": {"{user}"}},
				Body:   func() {},
			},
			[]string{
				"url: unknown placeholder at byte 10, " + names + `: did you mean "world_id"?`,
				"header X-A: got a control character, want none",
				"header X-B: unknown placeholder at byte 0, " + names,
				"header: got a name that is no token of RFC 9110 §5.6.2, want one",
				`method: got "DELETE", want one of GET, POST, PUT, PATCH`,
				"body: does not marshal to JSON",
				"assumed lifetime: got -1ns, want 0 or more",
				"timeout: got -1ns, want 0 or more",
				"longest answer: got -1 bytes, want 0 or more",
			},
		},
		{"body with get", EndpointOptions{URL: "http://h", Method: "GET", Body: secret}, []string{"body: got one with GET, want none or another method"}},
		{"placeholder in the body", EndpointOptions{URL: "http://h", Body: map[string]any{"a": []any{"s3cr3t{nobody}"}}}, []string{"body: unknown placeholder at byte 6, " + names}},
	} {
		_, err := NewEndpoint(tt.o)
		want := "bad option: token endpoint: " + strings.Join(tt.want, "\ntoken endpoint: ")
		if !errors.Is(err, ErrBadOption) || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error quotes the options: %v", tt.name, err)
		}
	}
}

func TestEndpointNeedsItsPlaceholders(t *testing.T) {
	e := newEndpoint(t, EndpointOptions{URL: "http://id.test/{user_id}", Body: "{launch_context_id}", Client: answering(200, `{"access_token":"abc"}`)})
	p, err := NewPolicy(PolicyOptions{Scope: ScopeOrganization, Tokens: e})
	_, err = must(t, p, err).For(Identity{}).HandshakeHeaders(t.Context())
	if want := "scope organization with a token: missing user id, organization id, launch context id"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = e.Token(t.Context(), Request{})
	if want := "no token from POST http://id.test/{user_id}: scope none with a token: missing user id, launch context id"; !errors.Is(err, ErrMissingID) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Players for whom the request comes out the same share a token; others do not.
func TestEndpointSharing(t *testing.T) {
	for url, want := range map[string]int{"http://id.test/": 1, "http://id.test/{organization_id}": 2, "http://id.test/{user_id}": 6} {
		c := newCache(t, newEndpoint(t, EndpointOptions{URL: url, Client: answering(200, `{"access_token":"abc"}`)}), CacheOptions{})
		for i := range 6 {
			_, err := c.Token(t.Context(), Request{Identity: Identity{UserID: fmt.Sprint(i), Organization: fmt.Sprint(i % 2)}})
			must(t, 0, err)
		}
		if c.Len() != want {
			t.Errorf("%s: got %d tokens, want %d", url, c.Len(), want)
		}
	}
}

func TestEndpointTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t, EndpointOptions{URL: "http://id.test/", Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		start := time.Now()
		_, err := e.Token(t.Context(), Request{})
		const want = "no token from POST http://id.test/: no answer within 10s: context deadline exceeded"
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != want || time.Since(start) != 10*time.Second {
			t.Errorf("after %s: got %v, want %s", time.Since(start), err, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err = e.Token(ctx, Request{}); !errors.Is(err, context.Canceled) || err.Error() != "no token from POST http://id.test/: context canceled" {
			t.Errorf("got %v", err)
		}
	})
}

// slowBody never ends.
type slowBody struct{ ctx context.Context }

func (b slowBody) Read([]byte) (int, error) { <-b.ctx.Done(); return 0, b.ctx.Err() }
func (slowBody) Close() error               { return nil }

func TestEndpointTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t, EndpointOptions{URL: "http://id.test/", Timeout: time.Second, Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: slowBody{r.Context()}}, nil
		})}})
		const want = "no token from POST http://id.test/: no answer within 1s: context deadline exceeded"
		if _, err := e.Token(t.Context(), Request{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

// Over real sockets: the default client, what the network says, and answers that are no HTTP.
func TestEndpointOverTheNetwork(t *testing.T) {
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = w.Write([]byte(`{"access_token":"abc","expires_in":60}`))
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	secure := httptest.NewUnstartedServer(mux)
	secure.Config.ErrorLog = discardLog()
	secure.StartTLS()
	defer secure.Close()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, raw, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := raw.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte("s3cr3t-token and no HTTP\r\n\r\n"))
			_ = c.Close()
		}
	}()
	defer func() { _ = raw.Close(); <-done }()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, closed, err)
	_ = closed.Close()

	for _, tt := range []struct{ name, url, want string }{
		{"token", server.URL + "/token", ""},
		{"redirect", server.URL + "/redirect", "got status 307: redirects are not followed, give the final URL, want 2xx"},
		{"absent", server.URL + "/absent", "got status 404, want 2xx"},
		{"refused", "http://" + closed.Addr().String() + "/", "dial tcp " + closed.Addr().String() + ": connect: connection refused"},
		{"no http", "http://" + raw.Addr().String() + "/", "got no valid HTTP answer (details withheld: they may quote it)"},
		{"unknown authority", secure.URL + "/token", "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"http for https", strings.Replace(server.URL, "http:", "https:", 1), "got plain HTTP, want TLS: is the URL's scheme http?"},
	} {
		e := newEndpoint(t, EndpointOptions{URL: tt.url})
		token, err := e.Token(t.Context(), Request{})
		e.CloseIdleConnections()
		if tt.want == "" {
			if err != nil || token.Reveal() != "abc" {
				t.Errorf("%s: got %v", tt.name, err)
			}
			continue
		}
		if want := "no token from POST " + tt.url + ": " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, want)
		}
	}
	if asked != 1 {
		t.Errorf("got %d requests for a token, want 1: the redirect must not be followed", asked)
	}
}

// Whatever an endpoint answers, nothing panics and no error quotes it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"abc","expires_in":60}`, `{"access_token":"a b"}`, `[]`, `{`, `{"access_token":1e999}`,
		`{"access_token":"abc","expires_in":-1e999}`, `{"access_token":"abc","expires_at":"2000-01-01T00:00:00Z"}`, `{"error":"invalid_grant"}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
	}
	e, err := NewEndpoint(EndpointOptions{URL: "http://id.test/", ExpiresAtField: "expires_at"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := e.read(status, body, time.Unix(1e9, 0))
		if (err == nil) == token.IsZero() {
			t.Fatalf("got %v, %v", token, err)
		}
		if err != nil && len(body) > 16 && !bytes.Contains([]byte("access_token"), body) && strings.Contains(err.Error(), string(body)) {
			t.Fatalf("the error quotes the answer: %v", err)
		}
	})
}
