package authctx

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hash of the thumbprint
	"encoding/base64"
	"fmt"
	"log/slog"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least that RS256 may be used with (RFC 7518 §3.3).
const minRSABits = 2048

// Key is a private key that tokens are signed with. It prints as its algorithm and key id. It is
// immutable and safe for concurrent use.
type Key struct {
	// Static after construction.
	private crypto.Signer // *ecdsa.PrivateKey, ed25519.PrivateKey or *rsa.PrivateKey
	alg     Algorithm
	id      string
	signer  jose.Signer
}

// GenerateKey makes a new key: P-256, Ed25519 or RSA with 2048 bits.
func GenerateKey(alg Algorithm) (*Key, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, minRSABits)
	default:
		return nil, fmt.Errorf("%w: generate key: got %s, want ES256, EdDSA or RS256", ErrBadOption, alg)
	}
	if err != nil {
		return nil, fmt.Errorf("generate %s key: %w", alg, err)
	}
	return NewKey(private)
}

// NewKey takes a private key of the standard library: *ecdsa.PrivateKey on P-256,
// ed25519.PrivateKey, or *rsa.PrivateKey of 2048 bits or more. Its key id is its thumbprint (RFC
// 7638, SHA-256, base64url). Anything else is refused with ErrBadKey.
func NewKey(private crypto.Signer) (*Key, error) {
	alg, flaw := algorithmOf(private)
	if flaw != "" {
		return nil, fmt.Errorf("%w: got %s, want EC P-256, Ed25519 or RSA of %d bits or more", ErrBadKey, flaw, minRSABits)
	}
	web := jose.JSONWebKey{Key: private.Public()}
	thumb, err := web.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: thumbprint of a %s key could not be computed", ErrBadKey, alg)
	}
	return (&Key{private: private, alg: alg}).WithID(base64.RawURLEncoding.EncodeToString(thumb))
}

// WithID gives the same key under another key id, which must not be empty.
func (k *Key) WithID(id string) (*Key, error) {
	if id == "" {
		return nil, fmt.Errorf("%w: key id: got nothing, want an id or the default", ErrBadKey)
	}
	if flaw := idFlaw(id, false); flaw != "" {
		return nil, fmt.Errorf("%w: key id %s", ErrBadKey, flaw)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg.String()), Key: jose.JSONWebKey{Key: k.private, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not sign with it", ErrBadKey, k.alg)
	}
	out := &Key{private: k.private, alg: k.alg, id: id, signer: signer}
	if err := out.proveHalves(); err != nil {
		return nil, err
	}
	return out, nil
}

// ID gives the key id, the kid of tokens and of the key set.
func (k *Key) ID() string { return k.id }

// Algorithm gives what the key signs with.
func (k *Key) Algorithm() Algorithm { return k.alg }

// String gives "ES256 key <id>".
func (k *Key) String() string { return fmt.Sprintf("%s key %s", k.alg, k.id) }

// Format prints what String gives, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) {
	if k == nil {
		writeName(f, "no key")
		return
	}
	writeName(f, k.String())
}

// LogValue gives what String gives.
func (k *Key) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// sign gives the compact serialization of payload signed, with alg, kid and typ JWT in its header.
func (k *Key) sign(payload []byte) (string, error) {
	jws, err := k.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("%s does not sign", k)
	}
	return jws.CompactSerialize()
}

// proveHalves signs and verifies once. In a JWK both halves are written down, and nothing else notices
// a public half that is not the private one's: every server would refuse every token.
func (k *Key) proveHalves() error {
	errHalves := fmt.Errorf("%w: got a public half that does not belong to the private half", ErrBadKey)
	jws, err := k.signer.Sign([]byte("{}"))
	if err != nil {
		return errHalves
	}
	if _, err := jws.Verify(k.private.Public()); err != nil {
		return errHalves
	}
	return nil
}

// public gives the half that may be published.
func (k *Key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: k.alg.String(), Use: "sig"}
}

// algorithmOf gives the algorithm for a key, or what is wrong with it.
func algorithmOf(private any) (alg Algorithm, flaw string) {
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		switch {
		case key == nil || key.Curve == nil:
			return 0, "no key"
		case key.Curve != elliptic.P256():
			return 0, "an EC key on " + key.Curve.Params().Name
		}
		return ES256, ""
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return 0, "no key"
		}
		return EdDSA, ""
	case *rsa.PrivateKey:
		switch {
		case key == nil || key.N == nil:
			return 0, "no key"
		case key.N.BitLen() < minRSABits:
			return 0, fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
		}
		return RS256, ""
	case nil:
		return 0, "no key"
	default:
		return 0, fmt.Sprintf("a %T", private)
	}
}
