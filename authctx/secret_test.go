package authctx

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// verbs are all that fmt knows, with flags that change the way.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "% x", "%d", "%b", "%o", "%c", "%U", "%e", "%t", "%p", "%T", "%200.5s", "%-40v", "%!",
}

// leaks tells in which form a secret shows in text.
func leaks(text, secret string) string {
	for form, s := range map[string]string{
		"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"spaced hex": fmt.Sprintf("% x", secret), "bytes": strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		"half": secret[:len(secret)/2], "other half": secret[len(secret)/2:],
	} {
		if strings.Contains(text, s) {
			return form
		}
	}
	return ""
}

// everyWay prints v in every way there is.
func everyWay(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range verbs {
		out["fmt "+verb] = fmt.Sprintf(verb, v)
		out["fmt "+verb+" in a slice"] = fmt.Sprintf(verb, []any{v})
	}
	out["print"] = fmt.Sprint(v) + fmt.Sprintln(v)
	out["error"] = fmt.Errorf("what: %v", v).Error()
	for name, v := range map[string]any{"": v, "group": slog.GroupValue(slog.Any("in", v)), "slice": []any{v}, "map": map[string]any{"k": v}, "struct": struct{ V any }{v}} {
		for kind, make := range map[string]func(b *bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(make(&b)).With("with", v).Info("message", "key", v)
			out["slog "+kind+" "+name] = b.String()
		}
	}
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
	} {
		b, err := marshal(v)
		out[name] = fmt.Sprintf("%s %v", b, err)
	}
	return out
}

func TestTokenNeverShows(t *testing.T) {
	const secret = "s3cr3t-0f-the-player.abcdefghijkl"
	token, err := NewToken(secret, time.Unix(1e9, 0))
	must(t, token, err)
	type holder struct {
		Public  Token
		private Token
		Ptr     *Token
		hidden  *Secret
	}
	s := NewSecret(secret)
	values := map[string]any{
		"token": token, "token pointer": &token, "secret": s, "secret pointer": &s,
		"struct": holder{token, token, &token, &s}, "struct pointer": &holder{token, token, &token, &s},
		"map": map[string]Token{"k": token}, "nested": []holder{{token, token, &token, &s}},
		"zero": Token{},
	}
	for name, v := range values {
		for way, text := range everyWay(v) {
			if form := leaks(text, secret); form != "" {
				t.Errorf("%s by %s: got the secret in %s: %s", name, way, form, text)
			}
		}
	}
	for way, text := range everyWay(token) {
		if !strings.Contains(text, "REDACTED") && !strings.Contains(way, "%T") && !strings.Contains(way, "%p") && !strings.Contains(way, "%!") {
			t.Errorf("%s: got %q, want REDACTED in it", way, text)
		}
	}
	if got := token.Reveal(); got != secret {
		t.Errorf("Reveal: got %q, want %q", got, secret)
	}
	if got := token.GoString() + token.String(); got != "REDACTEDREDACTED" {
		t.Errorf("got %q", got)
	}
	text, err := token.MarshalText()
	if string(text) != "REDACTED" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if !(Token{}).IsZero() || token.IsZero() || (Token{}).Reveal() != "" {
		t.Error("the zero token is not empty, or another one is")
	}
}

func TestTokenNeverShowsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9._~+/-]{24,60}`).Draw(t, "secret")
		token, err := NewToken(secret, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		verb := rapid.StringMatching(`%[-+# 0]{0,3}([0-9]{0,2})(\.[0-9]{1,2})?[a-zA-Z]`).Draw(t, "verb")
		for _, v := range []any{token, &token, []Token{token}, struct{ t Token }{token}, struct{ T *Secret }{&token.Secret}} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
				t.Fatalf("%s of %T: got %s", verb, v, text)
			}
		}
	})
}

// What holds secrets prints as a name: sources, keys, options, and the policies and contexts around
// them.
func TestHoldersNeverShow(t *testing.T) {
	const secret = "s3cr3t-0f-the-client.abcdefghijkl"
	fail := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("malformed HTTP response %q, header %v", secret, r.Header)
	})}
	eo := EndpointOptions{
		URL: "http://id.test/t?key=" + secret, Header: http.Header{"X-Key": {secret}}, Body: map[string]any{"k": secret}, Client: fail,
	}
	endpoint, err := NewEndpoint(eo)
	must(t, endpoint, err)
	co := ClientCredentialsOptions{
		ClientID: "rig", ClientSecret: NewSecret(secret), TokenURL: "http://id.test/t?key=" + secret, Params: url.Values{"assertion": {secret}}, Client: fail,
	}
	client, err := NewClientCredentials(co)
	must(t, client, err)
	static, err := NewStatic(secret)
	must(t, static, err)
	minter, err := NewMinter(MintOptions{Key: testKey(t, ES256)})
	must(t, minter, err)

	values := map[string]any{"endpoint options": eo, "client options": co, "mint options": minter.o, "key": testKey(t, ES256)}
	for name, source := range map[string]TokenSource{"endpoint": endpoint, "client": client, "static": static, "minter": minter} {
		cache, err := NewCache(source, CacheOptions{})
		p, err := NewPolicy(PolicyOptions{Tokens: must(t, cache, err)})
		auth := must(t, p, err).For(full)
		_, err = auth.HandshakeHeaders(t.Context())
		for what, v := range map[string]any{"": source, " by value": deref(source), " cache": cache, " policy": p, " context": auth, " error": err} {
			values[name+what] = v
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			values[name+fmt.Sprintf(" error %T", e)] = e
		}
	}
	halves := map[string]string{"secret": secret, "private key": privateHex(t, testKey(t, ES256))}
	for name, v := range values {
		for way, text := range everyWay(v) {
			if strings.Contains(way, "%p") && strings.HasSuffix(name, "options") {
				continue // fmt passes Format by there, and go vet refuses it
			}
			for what, s := range halves {
				if form := leaks(text, s); form != "" {
					t.Errorf("%s by %s: got the %s in %s: %s", name, way, what, form, text)
				}
			}
		}
	}
}

func deref(s TokenSource) any {
	switch s := s.(type) {
	case *Static:
		return *s
	default:
		return nil // printed through the pointer alone: the others are documented as pointers
	}
}

func privateHex(t *testing.T, k *Key) string {
	t.Helper()
	raw := ecBytes(t, k)
	return fmt.Sprintf("%x", raw)
}

// An error that a foreign source made is passed on as it is; that it holds no token is for the source
// to keep. The context adds nothing of its own.
func TestForeignErrorsPassThrough(t *testing.T) {
	boom := errors.New("boom")
	p, err := NewPolicy(PolicyOptions{Tokens: sourceFunc(func(context.Context, Request) (Token, error) { return Token{}, boom })})
	if _, err := must(t, p, err).For(full).HandshakeHeaders(t.Context()); err != boom {
		t.Errorf("got %v, want %v", err, boom)
	}
}
