package wstest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMoody: each path upgrades or does not.
func TestMoody(t *testing.T) {
	srv := Serve(t, Moody)
	ask := func(path string) (status int, err error) {
		c, err := net.Dial("tcp", srv.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if path == "/mute" {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}
		req, _ := http.NewRequest(http.MethodGet, "http://"+srv.Addr()+path, nil)
		req.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		if err := req.Write(c); err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 12)
		if _, err := io.ReadFull(c, head); err != nil {
			return 0, err
		}
		if !strings.HasPrefix(string(head), "HTTP/1.1 ") {
			return 0, nil
		}
		return map[string]int{"101": 101, "403": 403}[string(head[9:])], nil
	}
	for path := range Moods {
		if status, err := ask(path); status != 101 || err != nil {
			t.Errorf("%s: got status %d, %v, want 101", path, status, err)
		}
	}
	for path, want := range map[string]int{"/reject": 403, "/babble": 0, "/unkey": 101} {
		if status, err := ask(path); status != want || err != nil {
			t.Errorf("%s: got status %d, %v, want %d", path, status, err, want)
		}
	}
	for _, path := range []string{"/mute", "/elsewhere"} {
		if status, err := ask(path); status != 0 || err == nil {
			t.Errorf("%s: got status %d, %v, want no answer", path, status, err)
		}
	}
}
