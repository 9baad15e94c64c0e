package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	if err := probe(addr, "/healthz"); err != nil {
		t.Error(err)
	}
	if err := probe(addr, "/other"); err == nil || !strings.Contains(err.Error(), `got "HTTP/1.0 404 Not Found", want status 200`) {
		t.Errorf("got %v, want what the server said", err)
	}
}

// TestProbeOfWhatIsNoServer: nobody listens, one hangs up, and one sends a line that has no end.
func TestProbeOfWhatIsNoServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, answer := range []string{"", "HTTP/1.1 500 no\r\n", "SSH-2.0 200 \r\n", strings.Repeat("x", 4*maxLine)} {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 100))
			_, _ = c.Write([]byte(answer))
			_ = c.Close()
		}
	}()
	for range 4 {
		if err := probe(ln.Addr().String(), "/healthz"); err == nil {
			t.Error("got no error")
		}
	}
	<-done
	_ = ln.Close()
	if err := probe(ln.Addr().String(), "/healthz"); err == nil {
		t.Error("got no error where nobody listens")
	}
}
