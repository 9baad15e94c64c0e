package scenario

import (
	"strings"
	"testing"
)

const withSecrets = `
# the staging server; ask for wss://admin:hunter22@staging.example/
target:
  url: ws://joe:sesame@127.0.0.1:1/path?ticket=abc123
  headers: {X-Plain: swordfish1, Authorization: Bearer opensesame}
auth:
  scope: organization
  organization: acme
  token: {value: topsecretvalue, issuer: me}
vars: {room: lobby, api_key: k3, note: eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2ln}
players:
  one:
    steps:
      - connect
      - send: {json: {op: login, pw: pw0, password: pw1, deep: {secrets: [s1, {a: s2}]}, room: attic}}
  two:
    steps:
      - connect: {url: 'ws://{{ n }}:sesame2@127.0.0.1:1/x{{ n > 1 ? "a" : "b" }}?ticket=abc234&n={{ n }}&key=abc345'}
load: {players: 1, iterations: 1}
`

// TestTextHasNoSecrets: what is kept of a scenario shows none, and all else.
func TestTextHasNoSecrets(t *testing.T) {
	s, err := Read(strings.NewReader(withSecrets), "x.yaml", ".", Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := s.Text()
	for _, secret := range []string{"hunter22", "sesame", "abc123", "sesame2", "abc234", "abc345", "pw0", "swordfish1", "opensesame", "topsecretvalue", "k3", "eyJhbGci", "pw1", "s1", "s2"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, plain := range []string{"127.0.0.1:1/path?", "organization: acme", "issuer: me", "room: lobby", "op: login", "room: attic", "# the staging server", "X-Plain"} {
		if !strings.Contains(text, plain) {
			t.Errorf("%s is missing in\n%s", plain, text)
		}
	}
	if len(s.SHA256) != 64 {
		t.Errorf("got %q, want 64 digits", s.SHA256)
	}
	if again := s.Text(); again != text {
		t.Error("a second time it is another")
	}
}
