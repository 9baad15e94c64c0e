package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/loadrig/loadrig/metrics"
)

// web is the HTTP server of a run.
type web struct {
	server http.Server
	done   chan struct{}
}

// serve listens on Config.HTTP; an address without a host means loopback.
func (r *run) serve() (*web, error) {
	host, port, err := net.SplitHostPort(r.cfg.HTTP)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w; want a port that is free, or port 0 for any that is", err)
		}
		return nil, err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		metrics.NewCollector(r.gather, metrics.BuildInfo{Version: r.cfg.Version, Revision: r.cfg.Revision, GoVersion: r.cfg.GoVersion}),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	reg.MustRegister(metrics.NewRigCollector(r.shown.visit))
	if r.story != nil {
		reg.MustRegister(r.story.names.NewCollector(r.story.gather))
	}
	mux := http.NewServeMux()
	mux.Handle("/", metrics.Handler(reg))
	for path, h := range r.cfg.Extra {
		mux.Handle(path, h)
	}
	w := &web{done: make(chan struct{})}
	w.server = http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	bound(&w.server, maxVisitors)
	go func() {
		defer close(w.done)
		_ = w.server.Serve(ln)
	}()
	if r.cfg.Serving != nil {
		r.cfg.Serving(ln.Addr().String())
	}
	return w, nil
}

// maxVisitors is how many connections the server has at a time: each is an open file, of which players need theirs.
const maxVisitors = 2048

// bound has a server close what is more than so many connections.
func bound(s *http.Server, most int64) {
	var open atomic.Int64
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > most {
				_ = c.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

func (w *web) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		_ = w.server.Close()
	}
	<-w.done
}
