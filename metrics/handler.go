package metrics

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxScrapes bounds the scrapes that wait for their turn.
const maxScrapes = 8

// Handler serves /metrics, what g gathers, and /healthz, which says ok as long as the process
// answers. Scrapers that accept the protobuf format, as Prometheus does with native histograms
// enabled, get that; others get text. Any other path is 404; a method other than GET and HEAD is 405.
// A gathering error is 500 with the error as text; more than 8 scrapes at a time get 503. It is safe
// for concurrent use.
func Handler(g prometheus.Gatherer) http.Handler {
	scrape := promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
	health := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	})
	// Not a ServeMux: that redirects //metrics and /x/../metrics instead of refusing them.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		var h http.Handler
		switch r.URL.Path {
		case "/metrics":
			h = scrape
		case "/healthz":
			h = health
		default:
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	})
}
