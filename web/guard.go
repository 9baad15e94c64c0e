package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"
)

// slowest is how long a body may take that is not a stream.
const slowest = time.Minute

// guard has a handler answer who means this page, in a way that no other page can use.
func guard(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		switch {
		case !meant(r):
			http.Error(w, "got a Host that is not this machine's, want localhost or an address; a proxy can set it", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			head.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowest))
			h(w, r)
		}
	})
}

// meant tells whether a request that came by loopback names this machine. One that does not may be of a page elsewhere,
// whose name was made to lead here. What came another way was let in by who chose the address to listen on, and
// names there are many.
func meant(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	if at, err := netip.ParseAddrPort(local.String()); err == nil && !at.Addr().Unmap().IsLoopback() {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback() || a.Unmap().IsUnspecified() // which leads to this machine too
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	own, err := os.Hostname()
	return err == nil && own != "" && host == strings.ToLower(own)
}
