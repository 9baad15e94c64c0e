package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/loadrig/loadrig/messages"
)

// ErrKeys is what Listen's error is if the JWKS cannot be used.
var ErrKeys = errors.New("jwks")

const (
	maxKeySet   = 1 << 20     // bytes
	keyInterval = time.Second // the least time between two looks at the file
)

// algorithms are those a token may be signed with: asymmetric ones only, as a JWKS is public.
var algorithms = []jose.SignatureAlgorithm{
	jose.EdDSA, jose.ES256, jose.ES384, jose.ES512,
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
}

// keyring holds the keys of a JWKS (RFC 7517 §5). If it came from a file, it is looked at again when a token
// is to be verified, at most once a second: if the file has changed, or if the key is unknown. That is a read
// of a small local file on the loop, which is less than the verification of a token.
type keyring struct {
	// Static after construction.
	path string // empty: the keys were given and stay

	// Guarded by mu.
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	version fileVersion
	looked  messages.Stamp
	bad     error // of the last look; the keys are those of before
}

// fileVersion tells whether a file was written or replaced, as far as its system tells.
type fileVersion struct {
	size     int64
	modified time.Time
}

// newKeyring takes a JWKS, if source begins with a brace, or the name of a file with one.
func newKeyring(source string) (*keyring, error) {
	r := &keyring{}
	var err error
	if strings.HasPrefix(strings.TrimSpace(source), "{") {
		r.keys, err = parseKeySet([]byte(source))
	} else {
		r.path, r.looked = source, messages.Now()
		err = r.load()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return r, nil
}

// find gives the keys that a token with this kid may be signed with: those of that id; all, if the token
// names none.
func (r *keyring) find(kid string) (found []jose.JSONWebKey, stale error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path != "" {
		r.refresh(len(r.named(kid)) == 0)
	}
	return r.named(kid), r.bad
}

func (r *keyring) named(kid string) []jose.JSONWebKey {
	if kid == "" {
		return r.keys
	}
	var found []jose.JSONWebKey
	for _, k := range r.keys {
		if k.KeyID == kid {
			found = append(found, k)
		}
	}
	return found
}

// refresh looks at the file, if the last look is long enough ago, and reads it if it must or if it changed.
func (r *keyring) refresh(must bool) {
	now := messages.Now()
	if now.Sub(r.looked) < keyInterval {
		return
	}
	r.looked = now
	info, err := os.Stat(r.path)
	if err == nil && !must && r.bad == nil && versionOf(info) == r.version {
		return
	}
	r.bad = r.load()
}

func (r *keyring) load() error {
	f, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: got no regular file, want one with a JWKS", r.path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeySet+1))
	if err != nil {
		return err
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	r.keys, r.version = keys, versionOf(info)
	return nil
}

func versionOf(i os.FileInfo) fileVersion { return fileVersion{i.Size(), i.ModTime()} }

// parseKeySet reads a JWKS and keeps the keys that signatures can be verified with.
func parseKeySet(text []byte) ([]jose.JSONWebKey, error) {
	if len(text) > maxKeySet {
		return nil, fmt.Errorf("got more than %d bytes, want a JWKS", maxKeySet)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf(`got no JWKS, want {"keys":[…]}: %w`, err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// One of an unknown type is no fault (RFC 7517 §5); a secret one is no key for a server of tests.
		if json.Unmarshal(raw, &k) != nil || !k.Valid() || k.Use != "" && k.Use != "sig" {
			continue
		}
		if k = k.Public(); k.Valid() {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("got no key for signatures among %d, want one or more", len(set.Keys))
	}
	return keys, nil
}
