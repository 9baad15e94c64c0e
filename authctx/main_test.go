package authctx

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full is an identity that has every id.
var full = Identity{UserID: "user-1", Organization: "org-1", Project: "proj-1", World: "world-1", LaunchContext: "launch-1"}

// sourceFunc is a token source in one function.
type sourceFunc func(context.Context, Request) (Token, error)

func (f sourceFunc) Token(ctx context.Context, r Request) (Token, error) { return f(ctx, r) }

// roundTrip is an HTTP transport in one function: no sockets, no goroutines, fit for synctest.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// advance moves the clock of a synctest bubble.
func advance(d time.Duration) { <-time.After(d) }

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// testKeys are made once: an RSA key takes long.
var testKeys = [NumAlgorithms]func() (*Key, error){
	sync.OnceValues(func() (*Key, error) { return GenerateKey(ES256) }),
	sync.OnceValues(func() (*Key, error) { return GenerateKey(EdDSA) }),
	sync.OnceValues(func() (*Key, error) { return GenerateKey(RS256) }),
}

func testKey(t testing.TB, alg Algorithm) *Key {
	t.Helper()
	k, err := testKeys[alg]()
	return must(t, k, err)
}

// verify checks a compact JWS as a server would: the key from the set by kid, the algorithm of that
// key and no other. It gives the header and the payload.
func verify(t testing.TB, set *KeySet, text string, alg Algorithm) (jose.Header, []byte) {
	t.Helper()
	raw := must2(t)(set.MarshalJSON())
	var jwks jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &jwks); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg.String())})
	if err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	keys := jwks.Key(header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("got %d keys for kid %q, want 1", len(keys), header.KeyID)
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return header, payload
}

func must2(t testing.TB) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		return must(t, b, err)
	}
}
