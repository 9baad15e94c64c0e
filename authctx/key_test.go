package authctx

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// ecBytes gives the private number of a P-256 key.
func ecBytes(t testing.TB, k *Key) []byte {
	t.Helper()
	return must2(t)(k.private.(*ecdsa.PrivateKey).Bytes())
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	return pemOf("PRIVATE KEY", must2(t)(x509.MarshalPKCS8PrivateKey(key)))
}

func jwk(t testing.TB, key any, kid, alg, use string) []byte {
	t.Helper()
	return must2(t)(jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: alg, Use: use}.MarshalJSON())
}

func TestParseKey(t *testing.T) {
	ec := testKey(t, ES256).private.(*ecdsa.PrivateKey)
	ed := testKey(t, EdDSA).private.(ed25519.PrivateKey)
	rs := testKey(t, RS256).private.(*rsa.PrivateKey)
	sec1 := pemOf("EC PRIVATE KEY", must2(t)(x509.MarshalECPrivateKey(ec)))
	set := fmt.Appendf(nil, `{"keys":[%s,%s]}`, jwk(t, rs.Public(), "", "", ""), jwk(t, ed, "", "", ""))
	for _, tt := range []struct {
		name string
		data []byte
		alg  Algorithm
		id   string // empty: the thumbprint
	}{
		{"pkcs#8 ec", pkcs8(t, ec), ES256, ""},
		{"pkcs#8 ed25519", pkcs8(t, ed), EdDSA, ""},
		{"pkcs#8 rsa", pkcs8(t, rs), RS256, ""},
		{"sec 1", sec1, ES256, ""},
		{"sec 1 after its curve, as openssl ecparam -genkey writes it", append(pemOf("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), sec1...), ES256, ""},
		{"after a certificate", append(pemOf("CERTIFICATE", []byte("any")), sec1...), ES256, ""},
		{"pkcs#1", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs)), RS256, ""},
		{"jwk ec", jwk(t, ec, "", "", ""), ES256, ""},
		{"jwk ed25519", jwk(t, ed, "own-id", "EdDSA", "sig"), EdDSA, "own-id"},
		{"jwk rsa", jwk(t, rs, "", "RS256", ""), RS256, ""},
		{"jwk set with one private key", set, EdDSA, ""},
		{"blanks around", append([]byte("\n\n  "), append(jwk(t, ec, "", "", ""), '\n')...), ES256, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseKey("k", tt.data)
			must(t, key, err)
			if tt.id == "" {
				tt.id = testKey(t, tt.alg).ID()
			}
			if key.Algorithm() != tt.alg || key.ID() != tt.id {
				t.Errorf("got %s, want %s key %s", key, tt.alg, tt.id)
			}
			text, err := key.sign([]byte("{}"))
			set, _ := NewKeySet(key)
			verify(t, set, must(t, text, err), tt.alg)
		})
	}
}

func TestParseKeyErrors(t *testing.T) {
	ec := testKey(t, ES256).private.(*ecdsa.PrivateKey)
	ed := testKey(t, EdDSA).private.(ed25519.PrivateKey)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, p384, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, x25519, err)
	small := smallRSA(t)
	// The public half of another key.
	var torn map[string]any
	must(t, 0, json.Unmarshal(jwk(t, ed, "", "", ""), &torn))
	torn["x"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32))

	const (
		want    = ", want an unencrypted private key for ES256, EdDSA or RS256 as PEM (PKCS#8, SEC 1, PKCS#1) or JWK: "
		remake  = `make one with "openssl genpkey -algorithm ed25519 -out key.pem"`
		decrypt = `decrypt it with "openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem"`
		belongs = "give the private key that belongs to it"
	)
	for _, tt := range []struct {
		name        string
		data        []byte
		got, remedy string
	}{
		{"empty", nil, "an empty file", remake},
		{"blank", []byte(" \n"), "an empty file", remake},
		{"text", []byte("hello s3cr3t"), "neither PEM nor JSON", remake},
		{"der", must2(t)(x509.MarshalECPrivateKey(ec)), "neither PEM nor JSON", remake},
		{"too long", bytes.Repeat([]byte("x"), maxKeyFile+1), "more than 65536 bytes", remake},
		{"public", pemOf("PUBLIC KEY", must2(t)(x509.MarshalPKIXPublicKey(ec.Public()))), "a public key", belongs},
		{"certificate", pemOf("CERTIFICATE", []byte("any")), "a certificate", belongs},
		{"curve alone", pemOf("EC PARAMETERS", []byte("any")), "another kind of PEM block", remake},
		{"openssh", pemOf("OPENSSH PRIVATE KEY", []byte("any")), "an OpenSSH private key", remake},
		{"dsa", pemOf("DSA PRIVATE KEY", []byte("any")), "another kind of private key", remake},
		{"encrypted pkcs#8", pemOf("ENCRYPTED PRIVATE KEY", []byte("any")), "an encrypted private key", decrypt},
		{"encrypted sec 1", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}}), "an encrypted private key", decrypt},
		{"damaged", pemOf("PRIVATE KEY", []byte("any s3cr3t")), "a damaged or unsupported PRIVATE KEY block", remake},
		{"mislabelled", pemOf("PRIVATE KEY", must2(t)(x509.MarshalECPrivateKey(ec))), "a damaged or unsupported PRIVATE KEY block", remake},
		{"p-384", pkcs8(t, p384), "an EC key on P-384", remake},
		{"x25519", pkcs8(t, x25519), "a *ecdh.PrivateKey", remake},
		{"small rsa", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), "an RSA key of 1024 bits", remake},
		{"broken json", []byte(`{"kty":"s3cr3t`), "broken JSON", remake},
		{"no jwk", []byte(`{"type":"service_account"}`), "JSON that is no JWK of a supported type", remake},
		{"symmetric", []byte(`{"kty":"oct","k":"czNjcjN0"}`), "a symmetric key", remake},
		{"public jwk", jwk(t, ec.Public(), "", "", ""), "a public key", belongs},
		{"jwk for encryption", jwk(t, ec, "", "", "enc"), "a JWK whose use is not sig", "give the key that is meant for signatures"},
		{"jwk of another alg", jwk(t, ec, "", "ES384", ""), "a JWK whose alg does not go with its key", "set alg to ES256 or leave it out"},
		{"jwk with a bad kid", jwk(t, ec, "a\nb", "", ""), "a kid that may not stand in a token", "set kid to plain text, or leave it out"},
		{"torn jwk", must2(t)(json.Marshal(torn)), "", ""}, // either parser may see it
		{"empty set", []byte(`{"keys":[]}`), "a JWK set with 0 private keys", "keep one private key in the file"},
		{"two in a set", fmt.Appendf(nil, `{"keys":[%s,%s]}`, jwk(t, ec, "", "", ""), jwk(t, ed, "", "", "")), "a JWK set with 2 private keys", "keep one private key in the file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseKey("dir/k.pem", tt.data)
			if key != nil || !errors.Is(err, ErrBadKey) {
				t.Fatalf("got %v, %v, want ErrBadKey", key, err)
			}
			if full := "key file dir/k.pem: got " + tt.got + want + tt.remedy; tt.got != "" && err.Error() != full {
				t.Errorf("got\n%v\nwant\n%s", err, full)
			}
			if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %q, want one line that quotes nothing", err)
			}
		})
	}
}

// smallRSA is a key of 1024 bits, which crypto/rsa no longer makes.
func smallRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, err := rand.Prime(rand.Reader, 512)
		q, err2 := rand.Prime(rand.Reader, 512)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		n := new(big.Int).Mul(p, q)
		if d == nil || n.BitLen() != 1024 {
			continue
		}
		return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
	}
}

func TestLoadKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.pem")
	must(t, 0, os.WriteFile(path, pkcs8(t, testKey(t, ES256).private), 0o600))
	key, err := LoadKey(path)
	if must(t, key, err).ID() != testKey(t, ES256).ID() {
		t.Errorf("got %s", key)
	}
	absent := filepath.Join(dir, "absent.pem")
	_, err = LoadKey(absent)
	want := "key file " + absent + ": got an unreadable file (no such file or directory), want an unencrypted private key for ES256, EdDSA or RS256 " +
		`as PEM (PKCS#8, SEC 1, PKCS#1) or JWK: make one with "openssl genpkey -algorithm ed25519 -out key.pem"`
	if !errors.Is(err, ErrBadKey) || !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = LoadKey(dir)
	if e, ok := errors.AsType[*KeyError](err); !ok || !strings.Contains(e.Got, "is a directory") || e.Remedy != "check the path and its permissions" {
		t.Errorf("got %v", err)
	}
}

func TestNewKeyErrors(t *testing.T) {
	for name, private := range map[string]crypto.Signer{
		"nil":           nil,
		"typed nil ec":  (*ecdsa.PrivateKey)(nil),
		"typed nil rsa": (*rsa.PrivateKey)(nil),
		"empty ed25519": ed25519.PrivateKey{},
		"opaque":        &struct{ crypto.Signer }{},
	} {
		if key, err := NewKey(private); key != nil || !errors.Is(err, ErrBadKey) {
			t.Errorf("%s: got %v, %v", name, key, err)
		}
	}
	if _, err := GenerateKey(7); !errors.Is(err, ErrBadOption) {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"", "a\nb"} {
		if _, err := testKey(t, EdDSA).WithID(id); !errors.Is(err, ErrBadKey) {
			t.Errorf("id %q: got %v", id, err)
		}
	}
}

// The default key id is the thumbprint of RFC 7638 §3, computed here by hand.
func TestThumbprint(t *testing.T) {
	public := testKey(t, EdDSA).private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	if got, want := testKey(t, EdDSA).ID(), base64.RawURLEncoding.EncodeToString(sum[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", testKey(t, EdDSA)), "EdDSA key "+testKey(t, EdDSA).ID(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fmt.Sprint((*Key)(nil)); got != "no key" {
		t.Errorf("got %q", got)
	}
}

func TestKeySetIsPublic(t *testing.T) {
	renamed, err := testKey(t, ES256).WithID("second")
	set, err := NewKeySet(testKey(t, ES256), testKey(t, EdDSA), testKey(t, RS256), must(t, renamed, err))
	raw := must2(t)(json.Marshal(must(t, set, err)))
	var got struct{ Keys []map[string]any }
	must(t, 0, json.Unmarshal(raw, &got))
	if len(got.Keys) != 4 {
		t.Fatalf("got %d keys, want 4", len(got.Keys))
	}
	allowed := map[string]bool{"use": true, "kty": true, "kid": true, "crv": true, "alg": true, "x": true, "y": true, "n": true, "e": true}
	for _, key := range got.Keys {
		for field := range key {
			if !allowed[field] {
				t.Errorf("got a field %q: want public ones only", field)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" || key["alg"] == "" {
			t.Errorf("got %v", key)
		}
	}
	if none, err := NewKeySet(); string(must2(t)(must(t, none, err).MarshalJSON())) != `{"keys":[]}` {
		t.Errorf("empty: got %s", none.body)
	}
	_, err = NewKeySet(nil, renamed, renamed)
	const want = "bad option: key set: key 0: got nil, want a key\nkey set: key 2: got key id \"second\" again, want one of its own"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestKeySetServed(t *testing.T) {
	set, err := NewKeySet(testKey(t, EdDSA))
	must(t, set, err)
	for _, tt := range []struct {
		method string
		status int
		body   string
	}{
		{http.MethodGet, 200, string(set.body)},
		{http.MethodHead, 200, ""},
		{http.MethodPost, 405, "want GET or HEAD\n"},
	} {
		w := httptest.NewRecorder()
		set.ServeHTTP(w, httptest.NewRequest(tt.method, "/.well-known/jwks.json", nil))
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%s: got %d %q", tt.method, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); tt.status == 200 && got != "application/jwk-set+json" {
			t.Errorf("%s: got content type %q", tt.method, got)
		}
	}
}

func TestKeySetWritten(t *testing.T) {
	set, err := NewKeySet(testKey(t, EdDSA))
	must(t, set, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "jwks.json")
	for range 2 { // the second replaces the first
		must(t, 0, set.WriteFile(path))
	}
	if got := must2(t)(os.ReadFile(path)); string(got) != string(set.body)+"\n" {
		t.Errorf("got %s", got)
	}
	info, err := os.Stat(path)
	if must(t, info, err).Mode().Perm() != 0o644 {
		t.Errorf("got mode %s, want 0644", info.Mode())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("got %v, %v: want no temporary file left", left, err)
	}
	if err := set.WriteFile(filepath.Join(dir, "absent", "jwks.json")); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "write key set: ") {
		t.Errorf("got %v", err)
	}
}

// No file makes the parser panic, or its error quote the file or run over a line.
func FuzzParseKey(f *testing.F) {
	k, err := GenerateKey(ES256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pkcs8(f, k.private))
	f.Add(jwk(f, k.private, "id", "ES256", "sig"))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","d":"AA","x":"AA"}]}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQ","d":"AQ","p":"AQ","q":"AQ"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"","y":"","d":""}`))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParseKey("k", data)
		if (key == nil) == (err == nil) {
			t.Fatalf("got %v, %v", key, err)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 400) {
			t.Fatalf("got %q, want one line", err)
		}
	})
}
