package target

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// issuer signs tokens.
type issuer struct {
	kid string
	alg jose.SignatureAlgorithm
	key any
}

func newIssuer(t testing.TB, kid string, alg jose.SignatureAlgorithm) issuer {
	t.Helper()
	var key any
	var err error
	switch alg {
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case jose.RS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return issuer{kid, alg, key}
}

// keySet gives the JWKS of issuers.
func keySet(t testing.TB, is ...issuer) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, i := range is {
		k := jose.JSONWebKey{Key: i.key, KeyID: i.kid, Algorithm: string(i.alg), Use: "sig"}
		set.Keys = append(set.Keys, k.Public())
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// says are claims.
type says map[string]any

func (i issuer) sign(t testing.TB, c says) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return i.signBytes(t, b)
}

func (i issuer) signBytes(t testing.TB, payload []byte) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: i.alg, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}}, o)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// worldClaims are those of a good token, but for what more says; nil takes a claim away.
func worldClaims(more says) says {
	c := says{
		"iss": "rig", "aud": []string{"other", "game"}, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"scopes": []string{"World"}, "user_id": "player-1", "organization_id": "o1", "project_id": "p1", "world_id": "w1",
	}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

var worldHeaders = []string{"X-M2-Organization-ID: o1", "x-m2-project-id: p1", "x-m2-world-id: w1"}

// unsigned gives a token without a signature that claims to have none.
func unsigned(t testing.TB, header string, c says) string {
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString(b) + "."
}

func TestGateRefusals(t *testing.T) {
	good, other := newIssuer(t, "k1", jose.ES256), newIssuer(t, "k1", jose.ES256)
	unknown, rsaKey, ed := newIssuer(t, "k9", jose.ES256), newIssuer(t, "k2", jose.RS256), newIssuer(t, "k3", jose.EdDSA)
	secret := issuer{"k1", jose.HS256, []byte(strings.Repeat("s", 32))}
	nameless := issuer{"", good.alg, good.key}
	posing := issuer{"k2", jose.PS256, rsaKey.key} // the key says RS256
	bearer := func(token string) string { return "Authorization: Bearer " + token }
	world := func(more says) []string {
		return append([]string{bearer(good.sign(t, worldClaims(more)))}, worldHeaders...)
	}
	fine := bearer(good.sign(t, worldClaims(nil)))
	forged := good.sign(t, worldClaims(nil))
	forged = forged[:strings.LastIndexByte(forged, '.')] + forged[strings.LastIndexByte(forged, '.'):][:20]
	for _, c := range []struct {
		name   string
		fields []string
		status int
		text   string // of the body, and of the challenge in what follows a 401 or 403
	}{
		{"good", world(nil), 101, ""},
		{"good, in other case", append([]string{"authorization: bearer " + fine[len("Authorization: Bearer "):]}, worldHeaders...), 101, ""},
		{"good, RS256", append([]string{bearer(rsaKey.sign(t, worldClaims(nil)))}, worldHeaders...), 101, ""},
		{"good, EdDSA", append([]string{bearer(ed.sign(t, worldClaims(nil)))}, worldHeaders...), 101, ""},
		{"good, no kid", append([]string{bearer(nameless.sign(t, worldClaims(nil)))}, worldHeaders...), 101, ""},
		{"good, one audience", world(says{"aud": "game"}), 101, ""},
		{"good, fraction of exp", world(says{"exp": float64(time.Now().Unix()) + 100.5}), 101, ""},
		{"good, for thousands of years", world(says{"exp": 1 << 40}), 101, ""},
		{"good, of a game server", world(says{"user_id": nil, "client_type": "ue_server"}), 101, ""},
		{"good, nbf now", world(says{"nbf": time.Now().Unix()}), 101, ""},
		{"no scope, no headers", world(says{"scopes": []string{}})[:1], 101, ""},
		{"no scope, right headers", world(says{"scopes": []string{"chat"}}), 101, ""},
		{"organization", world(says{"scopes": []string{"organization"}})[:2], 101, ""},
		{"project", world(says{"scopes": []string{"PROJECT"}})[:3], 101, ""},
		{
			"launch context", append(world(says{"scopes": []string{"Launch Context"}, "launch_context_id": "l1"})[:3], "x-m2-launch-context-id: l1"),
			101, "",
		},

		{"no token", worldHeaders, 401, "Authorization is missing: want Bearer and a token"},
		{"basic", append([]string{"Authorization: Basic eDp5"}, worldHeaders...), 401, "Authorization must be Bearer and a token"},
		{"empty", append([]string{"Authorization: Bearer"}, worldHeaders...), 401, "Authorization must be Bearer and a token"},
		{"two tokens", append([]string{fine}, world(nil)...), 400, "Authorization more than once"},
		{"no JWT", append([]string{bearer("abc")}, worldHeaders...), 401, "the token is not valid: it is not a JWT signed by an asymmetric algorithm"},
		{"alg none", append([]string{bearer(unsigned(t, `{"alg":"none"}`, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: it is not a JWT signed by an asymmetric algorithm"},
		{"HS256", append([]string{bearer(secret.sign(t, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: it is not a JWT signed by an asymmetric algorithm"},
		{"no signature", append([]string{bearer(unsigned(t, `{"alg":"ES256","kid":"k1"}`, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: its signature does not verify"},
		{"half a signature", append([]string{bearer(forged)}, worldHeaders...), 401, "the token is not valid: its signature does not verify"},
		{"other key", append([]string{bearer(other.sign(t, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: its signature does not verify"},
		{"other algorithm", append([]string{bearer(posing.sign(t, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: its signature does not verify"},
		{"unknown kid", append([]string{bearer(unknown.sign(t, worldClaims(nil)))}, worldHeaders...), 401, "the token is not valid: no key has its kid"},
		{"payload no JSON", append([]string{bearer(good.signBytes(t, []byte("hello")))}, worldHeaders...), 401, "the token is not valid: its payload is not a set of claims"},
		{"no exp", world(says{"exp": nil}), 401, "the token is not valid: exp is missing"},
		{"expired", world(says{"exp": time.Now().Unix() - 1}), 401, "the token is not valid: it has expired"},
		{"expires now", world(says{"exp": time.Now().Unix()}), 401, "the token is not valid: it has expired"},
		{"not yet", world(says{"nbf": time.Now().Unix() + 100}), 401, "the token is not valid: it is not valid yet"},
		{"other issuer", world(says{"iss": "rogue"}), 401, "the token is not valid: iss is another issuer"},
		{"other audience", world(says{"aud": []string{"other"}}), 401, "the token is not valid: aud does not name this server"},
		{"nobody", world(says{"user_id": nil}), 401, "the token is not valid: user_id is missing, and client_type too"},
		{"scope without its id", world(says{"world_id": nil}), 401, "the token is not valid: its scope needs world_id"},

		{"no headers", world(nil)[:1], 403, "x-m2-organization-id is missing, which the token's scope needs"},
		{"no world", world(nil)[:3], 403, "x-m2-world-id is missing, which the token's scope needs"},
		{"other world", append(world(nil)[:3], "x-m2-world-id: w2"), 403, "x-m2-world-id is not what the token says"},
		{"empty world", append(world(nil)[:3], "x-m2-world-id:"), 403, "x-m2-world-id is not what the token says"},
		{"other case", append(world(nil)[:3], "x-m2-world-id: W1"), 403, "x-m2-world-id is not what the token says"},
		{"two worlds", append(world(nil), "X-M2-World-Id: w1"), 400, "x-m2-world-id more than once"},
		{"more than the token says", append(world(nil), "x-m2-launch-context-id: l1"), 403, "x-m2-launch-context-id is not what the token says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, mk makeEngine) {
				s := start(t, mk, Options{Kind: JSONAuth, JWKS: keySet(t, good, rsaKey, ed), Issuer: "rig", Audience: "game"})
				conn := dialRaw(t, s)
				if _, err := conn.Write(goodHead("", c.fields...)); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body := ""
				if res.StatusCode != 101 {
					b, _ := io.ReadAll(res.Body)
					body = strings.TrimSuffix(string(b), "\n")
				}
				if res.StatusCode != c.status || body != c.text {
					t.Fatalf("got %d %q, want %d %q", res.StatusCode, body, c.status, c.text)
				}
				want, tokens, scopes := "", uint64(0), uint64(0)
				switch text, invalid := strings.CutPrefix(c.text, "the token is not valid: "); {
				case c.status == 403:
					want = `Bearer realm="loadrig target", error="insufficient_scope", error_description="` + text + `"`
					scopes = 1
				case c.status == 401:
					want = `Bearer realm="loadrig target"`
					if invalid {
						want += `, error="invalid_token", error_description="` + text + `"`
					}
					tokens = 1
				}
				if got := res.Header.Get("WWW-Authenticate"); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				counts(t, s, func(w *Stats) {
					w.TokensRefused, w.ScopesRefused, w.Refused, w.Opened = tokens, scopes, 1, 0
					if c.status == 101 {
						w.Refused, w.Opened = 0, 1
					}
				})
			})
		})
	}
}

// authorized opens a WebSocket connection with a token and headers.
func authorized(t testing.TB, s *Server, token string, headers ...string) io.ReadWriter {
	t.Helper()
	c := dialRaw(t, s)
	if _, err := c.Write(goodHead("", append([]string{"Authorization: Bearer " + token}, headers...)...)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("got %v, %v", res, err)
	}
	return struct {
		io.Reader
		io.Writer
	}{r, c}
}

func TestGateSession(t *testing.T) {
	key := newIssuer(t, "k1", jose.ES256)
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: JSONAuth, JWKS: keySet(t, key)})
		claims := worldClaims(says{"exp": 4102444800, "user_id": "pl\"ayer"})
		c := authorized(t, s, key.sign(t, claims), worldHeaders...)
		for _, x := range []struct{ in, want string }{
			{
				`{"op":"whoami","id":[1, 2]}`,
				`{"op":"whoami","user":"pl\"ayer","organization":"o1","project":"p1","world":"w1","scopes":["World"],"expires":4102444800,"id":[1, 2]}`,
			},
			{`{"op":"other","id":1}`, ""},
			{`no JSON at all`, ""},
			{`{"op":"whoami"` + strings.Repeat(" ", maxCommand) + `}`, ""},
			{strings.Repeat("[", 1<<20), ""},
		} {
			if x.want == "" {
				x.want = x.in
			}
			if err := wsutil.WriteClientText(c, []byte(x.in)); err != nil {
				t.Fatal(err)
			}
			if got, err := wsutil.ReadServerText(c); err != nil || string(got) != x.want {
				t.Errorf("got %.200s, %v; want %.200s", got, err, x.want)
			}
		}
		if err := wsutil.WriteClientBinary(c, []byte{0xff}); err != nil {
			t.Fatal(err)
		}
		if got, err := wsutil.ReadServerBinary(c); err != nil || !bytes.Equal(got, []byte{0xff}) {
			t.Errorf("got %x, %v", got, err)
		}
		counts(t, s, func(w *Stats) { w.Received, w.Sent, w.Answers, w.Errors = 6, 6, 1, 0 })

		c = authorized(t, s, key.sign(t, says{"exp": 4102444800, "client_type": "ue_server"}))
		_ = wsutil.WriteClientText(c, []byte(`{"op":"whoami"}`))
		want := `{"op":"whoami","user":"","client_type":"ue_server","organization":"","project":"","world":"","scopes":[],"expires":4102444800}`
		if got, err := wsutil.ReadServerText(c); err != nil || string(got) != want {
			t.Errorf("got %s, %v", got, err)
		}
	})
}

// A session does not outlive its token, and not much less than that either.
func TestGateExpiry(t *testing.T) {
	key := newIssuer(t, "k1", jose.ES256)
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Kind: JSONAuth, JWKS: keySet(t, key)})
		exp := time.Now().Unix() + 2
		c := authorized(t, s, key.sign(t, says{"exp": exp, "user_id": "u"}))
		_ = wsutil.WriteClientText(c, []byte("hello"))
		if got, err := wsutil.ReadServerText(c); err != nil || string(got) != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
		_, err := wsutil.ReadServerText(c)
		if time.Now().Unix() < exp {
			t.Errorf("ended before its time: %v", err)
		}
		var end wsutil.ClosedError
		if !errors.As(err, &end) || end.Code != ws.StatusCode(CloseTokenExpired) || end.Reason != "token expired" {
			t.Errorf("got %v", err)
		}
		counts(t, s, func(w *Stats) { w.Expired, w.Open, w.Failed = 1, 0, 0 })
	})
}

func TestKeyringReload(t *testing.T) {
	one, two, three := newIssuer(t, "k1", jose.ES256), newIssuer(t, "k2", jose.ES256), newIssuer(t, "k3", jose.ES256)
	path := filepath.Join(t.TempDir(), "jwks.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keySet(t, one))
	r, err := newKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	has := func(kid string, want int, stale bool) {
		t.Helper()
		found, err := r.find(kid)
		if len(found) != want || (err != nil) != stale {
			t.Errorf("%s: got %d keys, %v; want %d, stale %v", kid, len(found), err, want, stale)
		}
	}
	later := func() { r.looked = r.looked.Add(-keyInterval) }
	write(keySet(t, one, two))
	has("k2", 0, false) // within the second it is not looked at
	later()
	has("k2", 1, false) // an unknown key
	write(keySet(t, two, three))
	later()
	has("k1", 0, false) // a known key of a file that has changed
	has("k3", 1, false)
	write("{half of it")
	later()
	has("k3", 1, true) // those of before stay
	has("k1", 0, true)
	write(keySet(t, one))
	later()
	has("k1", 1, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	later()
	has("k1", 1, true)
}

func TestKeyringMistakes(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, maxKeySet+1), 0o600); err != nil {
		t.Fatal(err)
	}
	enc := `{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"new"},` +
		strings.Replace(strings.TrimSuffix(strings.TrimPrefix(keySet(t, newIssuer(t, "k", jose.ES256)), `{"keys":[`), "]}"), `"sig"`, `"enc"`, 1) + `]}`
	for _, c := range []struct{ jwks, want string }{
		{filepath.Join(dir, "absent"), "no such file"},
		{dir, "got no regular file, want one with a JWKS"},
		{big, "got more than 1048576 bytes, want a JWKS"},
		{"{", `got no JWKS, want {"keys":[…]}: unexpected end of JSON input`},
		{"{}", "got no key for signatures among 0, want one or more"},
		{enc, "got no key for signatures among 3, want one or more"},
	} {
		_, err := Listen(Options{Kind: JSONAuth, JWKS: c.jwks})
		if !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: got %v, want %s", c.jwks, err, c.want)
		}
	}
}
