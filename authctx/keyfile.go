package authctx

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxKeyFile bounds a key file, in bytes: an RSA key of 16384 bits has 12 KiB.
const maxKeyFile = 64 << 10

// LoadKey reads a private key from a file: PEM (PKCS#8, SEC 1, PKCS#1) or JWK, also a JWK set with
// one private key. Its key id is the kid of the JWK, else the thumbprint. The error is a *KeyError.
func LoadKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close() // read only
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return ParseKey(path, data)
}

// ParseKey reads what LoadKey reads, from memory. Name stands for the file in errors.
func ParseKey(name string, data []byte) (*Key, error) {
	r := keyReader{name: name}
	text := bytes.TrimSpace(data)
	switch {
	case len(data) > maxKeyFile:
		return nil, r.fail(fmt.Sprintf("more than %d bytes", maxKeyFile), r.make())
	case len(text) == 0:
		return nil, r.fail("an empty file", r.make())
	case text[0] == '{':
		return r.jwk(text)
	default:
		return r.pem(text)
	}
}

func unreadable(path string, err error) error {
	got := "an unreadable file"
	remedy := "check the path and its permissions"
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		got += " (" + pe.Err.Error() + ")"
	}
	if errors.Is(err, fs.ErrNotExist) {
		remedy = keyReader{name: path}.make()
	}
	return &KeyError{Path: path, Got: got, Remedy: remedy, Err: err}
}

// keyReader reads one key file. What the parsers of the libraries say is left out of errors: it is
// noise to the reader at best and quotes the file at worst.
type keyReader struct{ name string }

func (r keyReader) fail(got, remedy string) error {
	return &KeyError{Path: r.name, Got: got, Remedy: remedy}
}

// make is the remedy where there is no usable key.
func (keyReader) make() string {
	return `make one with "openssl genpkey -algorithm ed25519 -out key.pem"`
}

// pem takes the first private key of the file; certificates and curves may stand before it, as
// openssl ecparam -genkey and many bundles have them.
func (r keyReader) pem(data []byte) (*Key, error) {
	first := ""
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return r.private(block)
		}
		if first == "" || first == "EC PARAMETERS" {
			first = block.Type
		}
		data = rest
	}
	switch first {
	case "":
		return nil, r.fail("neither PEM nor JSON", r.make())
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, r.fail("a "+strings.ToLower(first), "give the private key that belongs to it")
	default:
		return nil, r.fail("another kind of PEM block", r.make())
	}
}

func (r keyReader) private(block *pem.Block) (*Key, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED"} // what the older formats say
	case "OPENSSH PRIVATE KEY":
		return nil, r.fail("an OpenSSH private key", r.make())
	default:
		return nil, r.fail("another kind of private key", r.make())
	}
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, r.fail("an encrypted private key", `decrypt it with "openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem"`)
	}
	if err != nil {
		return nil, r.fail(fmt.Sprintf("a damaged or unsupported %s block", block.Type), r.make())
	}
	return r.key(key, "")
}

// jwk reads a JWK, or a set with exactly one private key (RFC 7517 §4, §5).
func (r keyReader) jwk(data []byte) (*Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(data, &set) != nil {
		return nil, r.fail("broken JSON", r.make())
	}
	if set.Keys == nil {
		return r.oneJWK(data)
	}
	var private []json.RawMessage
	for _, raw := range set.Keys {
		var half struct {
			D *string `json:"d"`
		}
		if json.Unmarshal(raw, &half) == nil && half.D != nil {
			private = append(private, raw)
		}
	}
	if len(private) != 1 {
		return nil, r.fail(fmt.Sprintf("a JWK set with %d private keys", len(private)), "keep one private key in the file")
	}
	return r.oneJWK(private[0])
}

func (r keyReader) oneJWK(data []byte) (*Key, error) {
	var web jose.JSONWebKey
	if web.UnmarshalJSON(data) != nil {
		return nil, r.fail("JSON that is no JWK of a supported type", r.make())
	}
	if _, symmetric := web.Key.([]byte); symmetric {
		return nil, r.fail("a symmetric key", r.make())
	}
	if web.IsPublic() {
		return nil, r.fail("a public key", "give the private key that belongs to it")
	}
	if web.Use != "" && web.Use != "sig" {
		return nil, r.fail("a JWK whose use is not sig", "give the key that is meant for signatures")
	}
	key, err := r.key(web.Key, web.KeyID)
	if err == nil && web.Algorithm != "" && web.Algorithm != key.alg.String() {
		return nil, r.fail("a JWK whose alg does not go with its key", fmt.Sprintf("set alg to %s or leave it out", key.alg))
	}
	return key, err
}

func (r keyReader) key(parsed any, id string) (*Key, error) {
	private, ok := parsed.(crypto.Signer)
	if _, flaw := algorithmOf(parsed); !ok || flaw != "" {
		return nil, r.fail(flaw, r.make())
	}
	key, err := NewKey(private)
	if err != nil {
		return nil, r.fail("a public half that does not belong to the private half", r.make())
	}
	if id == "" {
		return key, nil
	}
	if key, err = key.WithID(id); err != nil {
		return nil, r.fail("a kid that may not stand in a token", "set kid to plain text, or leave it out")
	}
	return key, nil
}
