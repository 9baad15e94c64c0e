package authctx

import (
	"fmt"
	"testing"
)

// go test -run '^$' -bench . -benchmem ./authctx

func BenchmarkHandshakeHeaders(b *testing.B) {
	minter := newMinter(b, MintOptions{Key: testKey(b, EdDSA)})
	for name, tokens := range map[string]TokenSource{"scope": nil, "cached_token": minter} {
		b.Run(name, func(b *testing.B) {
			p, err := NewPolicy(PolicyOptions{Scope: ScopeWorld, Tokens: tokens})
			auth := must(b, p, err).For(full)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := auth.HandshakeHeaders(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMint(b *testing.B) {
	for alg := range Algorithm(NumAlgorithms) {
		b.Run(alg.String(), func(b *testing.B) {
			m := newMinter(b, MintOptions{Key: testKey(b, alg)})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Token(b.Context(), Request{Scope: ScopeWorld, Identity: full}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCacheFill gives the memory of one player's token: B/op.
func BenchmarkCacheFill(b *testing.B) {
	text := fmt.Sprintf("%0700d", 1)
	static, err := NewStatic(text)
	must(b, static, err)
	c := newCache(b, sourceFunc(static.Token), CacheOptions{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := c.Token(b.Context(), user(fmt.Sprint(i))); err != nil {
			b.Fatal(err)
		}
	}
}
