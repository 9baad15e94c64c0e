package authctx

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/go-jose/go-jose/v4"
)

// KeySet is the JWKS (RFC 7517 §5) that a server verifies minted tokens with. It holds the public
// halves only. It is an http.Handler, immutable, and safe for concurrent use.
type KeySet struct {
	// Static after construction.
	body []byte
}

// NewKeySet publishes keys. More than one serves a rotation, or several rigs; two keys under one id
// are refused, because a server takes the first it finds.
func NewKeySet(keys ...*Key) (*KeySet, error) {
	bad := optionErrors{what: "key set"}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	seen := make(map[string]bool)
	for i, k := range keys {
		switch {
		case k == nil:
			bad.add("key %d: got nil, want a key", i)
		case seen[k.id]:
			bad.add("key %d: got key id %q again, want one of its own", i, k.id)
		default:
			seen[k.id] = true
			set.Keys = append(set.Keys, k.public())
		}
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return &KeySet{body: body}, nil
}

// MarshalJSON gives the JWKS.
func (s *KeySet) MarshalJSON() ([]byte, error) { return slices.Clone(s.body), nil }

// ServeHTTP answers GET and HEAD with the JWKS. It forbids caching: a run may bring new keys.
func (s *KeySet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "want GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517 §8.5.2
	h.Set("Content-Length", strconv.Itoa(len(s.body)))
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.body) // the peer may have gone
	}
}

// WriteFile writes the JWKS, readable by all, so that a reader sees the old file or the new one and
// never half of it.
func (s *KeySet) WriteFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write key set: %w", err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if _, err = f.Write(slices.Concat(s.body, []byte{'\n'})); err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
