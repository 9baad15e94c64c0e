package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// Server is one target. All methods may be called from any goroutine.
type Server struct {
	// Static after construction.
	opts   Options
	addr   net.Addr
	engine engine
	totals *totals
	done   chan struct{} // closed once nothing of the server runs and all its descriptors are closed

	// Guarded by mu.
	mu    sync.Mutex
	stage stage
}

type stage uint8

const (
	bound   stage = iota // listening: peers can connect, but are not answered yet
	serving              // Serve runs
	ended                // Close or Shutdown was called
)

// engine owns the sockets. There is one per platform family, and both run the same sessions.
type engine interface {
	serve()   // runs until stop, or until goAway has emptied it; then all is released
	goAway()  // stops accepting and starts a closing handshake with every peer
	stop()    // makes serve drop everything and return; may follow goAway
	release() // instead of serve
}

// makeEngine builds an engine around ln, which becomes its own.
type makeEngine func(ln net.Listener, o *Options, t *totals) (engine, error)

// Listen binds the address and returns a server that answers once Serve runs. Its errors are mistakes
// in the options, all at once, or that of the system.
func Listen(o Options) (*Server, error) { return listen(o, defaultEngine) }

func listen(o Options, mk makeEngine) (*Server, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, fmt.Errorf("target: options: %w", err)
	}
	t := newTotals()
	if t.shared, err = newShared(&o); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	// Package net gives the socket the backlog of net.core.somaxconn, so that a ramp of thousands of
	// peers does not meet dropped SYNs.
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	s := &Server{opts: o, addr: ln.Addr(), totals: t, done: make(chan struct{})}
	if s.engine, err = mk(ln, &s.opts, s.totals); err != nil {
		return nil, fmt.Errorf("target: listen %s: %w", o.Addr, err)
	}
	return s, nil
}

// Addr gives the address that the server listens on, with the port that was picked.
func (s *Server) Addr() net.Addr { return s.addr }

// URL gives what to dial from this machine, such as ws://127.0.0.1:40123/. Where the server listens on
// every interface it names the loopback one.
func (s *Server) URL() string {
	host, port := "127.0.0.1", 0
	if a, ok := s.addr.(*net.TCPAddr); ok {
		port = a.Port
		if !a.IP.IsUnspecified() {
			host = a.IP.String()
		}
	}
	path := s.opts.Path
	if path == "" {
		path = "/"
	}
	return "ws://" + net.JoinHostPort(host, strconv.Itoa(port)) + path
}

// Stats gives the counts so far. It stays usable after Close.
func (s *Server) Stats() Stats { return s.totals.snapshot() }

// Serve answers peers until Close or Shutdown; after them it returns nil, at once if they came first. Its error
// is a second call, which does nothing, or that DelayLog could not be written.
func (s *Server) Serve() error {
	s.mu.Lock()
	st := s.stage
	if st == bound {
		s.stage = serving
	}
	s.mu.Unlock()
	switch st {
	case serving:
		return errors.New("target: serve: called twice")
	case ended:
		return nil
	}
	s.engine.serve()
	close(s.done)
	return s.totals.shared.delays.end()
}

// Close drops all connections without a close frame, stops Serve, and returns when every descriptor
// is closed. Further calls do nothing. The error is always nil; it is there for io.Closer.
func (s *Server) Close() error {
	if s.end() {
		s.engine.stop()
	}
	<-s.done
	return nil
}

// Shutdown stops accepting, sends every peer a close frame with 1001 (RFC 6455 §7.4.1: "going away")
// and waits until all have answered it and are gone, for at most CloseTimeout each. When ctx ends
// first, Shutdown drops the rest as Close does and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.end() {
		s.engine.goAway()
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.engine.stop()
		<-s.done
		return fmt.Errorf("target: shutdown: %w", ctx.Err())
	}
}

// end moves to the last stage and tells whether there is a running engine to be told of it.
func (s *Server) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stage
	s.stage = ended
	if st == bound {
		s.engine.release()
		close(s.done)
	}
	return st != bound
}
