package rig

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestBound: visitors that stay take no more than their share of the open files, and make room when they go.
func TestBound(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	bound(s.Config, 3)
	s.Start()
	defer s.Close()
	visit := func() (c net.Conn, served bool) {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return c, false
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		return c, err == nil && resp.StatusCode == http.StatusOK
	}
	var first net.Conn
	for i := range 3 {
		c, served := visit()
		if !served {
			t.Fatalf("visitor %d was not served", i)
		}
		if first == nil {
			first = c
		}
	}
	for range 20 {
		if _, served := visit(); served {
			t.Fatal("a visitor too many was served")
		}
	}
	_ = first.Close()
	until := time.Now().Add(10 * time.Second)
	for served := false; !served; _, served = visit() { // once the server has seen it
		if time.Now().After(until) {
			t.Fatal("nobody was served after one had gone")
		}
	}
}
