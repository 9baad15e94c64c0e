package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/authctx"
)

// TestChildJSONAuth: the players of a run are let in by a target that was given the JWKS of the key that their
// tokens are minted with; those of a run without tokens are not.
func TestChildJSONAuth(t *testing.T) {
	t.Setenv("LOADRIG_TEST_AS_PROGRAM", "1")
	keyFile := filepath.Join(t.TempDir(), "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := authctx.LoadKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := authctx.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := keys.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}

	p := ThisProcess()
	var talk bytes.Buffer
	p.Stderr = &talk
	server, err := startChild(&p, "json-auth", "--jwks", string(jwks), "--issuer", authctx.DefaultIssuer)
	if err != nil {
		t.Fatal(err, talk.String())
	}
	run := func(more ...string) (summary string, code int) {
		var out bytes.Buffer
		p := Process{
			Args: append([]string{
				"run", "-q", "--json", "--url", server.url, "-c", "20", "-d", "1s", "--max-lag", "1m",
				"--scope", "world", "--organization", "o", "--project", "p", "--world", "w",
			}, more...),
			Stdin: new(bytes.Buffer), Stdout: &out, Stderr: &talk,
			Getenv: func(string) string { return "" }, Executable: os.Executable,
			Interrupted: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
		}
		code = Main(p)
		return out.String(), code
	}
	if s, code := run("--token-key", keyFile); code != ExitPass || gjson.Get(s, "connections.opened").Int() != 20 {
		t.Errorf("with tokens: exit %d: %s%s", code, s, talk.String())
	}
	if s, code := run(); code == ExitPass || gjson.Get(s, "connections.opened").Int() != 0 {
		t.Errorf("without tokens: exit %d: %s", code, s)
	}
	stats, err := server.stop()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Opened != 20 || stats.TokensRefused != 20 || stats.ScopesRefused != 0 || stats.Closes["1000"] != 20 {
		t.Errorf("got %+v", stats)
	}
}
