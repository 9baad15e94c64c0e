package wstest

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// Server hands each connection to a script, in a goroutine of its own.
type Server struct {
	ln     net.Listener
	scheme string
	script func(net.Conn)
	wg     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	total  int
	killed bool
}

// Serve listens on 127.0.0.1 and runs script for each connection, which is closed when script returns.
// The server ends with the test.
func Serve(t testing.TB, script func(net.Conn)) *Server {
	t.Helper()
	return ServeAt(t, "127.0.0.1:0", script)
}

// ServeAt is Serve on a given address, for a server that is to come back where it was.
func ServeAt(t testing.TB, addr string, script func(net.Conn)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return ServeOn(t, ln, script)
}

// ServeOn is Serve on a given listener.
func ServeOn(t testing.TB, ln net.Listener, script func(net.Conn)) *Server {
	return newServer(t, ln, script)
}

func newServer(t testing.TB, ln net.Listener, script func(net.Conn)) *Server {
	s := &Server{ln: ln, scheme: "ws", script: script, conns: make(map[net.Conn]bool)}
	s.wg.Add(1)
	go s.accept()
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) accept() {
	defer s.wg.Done()
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		killed := s.killed
		s.conns[c] = true
		s.total++
		s.mu.Unlock()
		if killed { // after Kill has reset all it knew of
			Reset(c)
		}
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			s.script(c)
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

// Addr gives host:port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// URL gives ws://host:port/, or wss:// where the server speaks TLS.
func (s *Server) URL() string { return s.scheme + "://" + s.Addr() + "/" }

// Port gives the port.
func (s *Server) Port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// Open gives the number of connections that are open now.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Total gives the number of connections accepted so far.
func (s *Server) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Kill stops listening, resets all connections and waits for the scripts to return.
func (s *Server) Kill() {
	_ = s.ln.Close()
	s.mu.Lock()
	s.killed = true
	for c := range s.conns {
		Reset(c)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Reset closes c so that the peer sees a reset.
func Reset(c net.Conn) {
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn() // a closing alert would be written first, and may block
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// Accept reads an opening handshake, answers 101 with the extra header lines, and gives the request.
func Accept(c net.Conn, extra ...string) (*http.Request, error) {
	return accept(c, nil, extra...)
}

// accept is Accept with bytes that come in one write with the answer.
func accept(c net.Conn, glued []byte, extra ...string) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return nil, err
	}
	return r, answerUpgrade(c, r, glued, extra...)
}

func answerUpgrade(c net.Conn, r *http.Request, glued []byte, extra ...string) error {
	_, err := c.Write(Accepted().With(extra...).Behind(glued...).Bytes(r.Header.Get("Sec-WebSocket-Key")))
	return err
}

// AcceptKey computes Sec-WebSocket-Accept.
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Echo accepts and then sends every message back, answers pings and closes, until the connection ends.
func Echo(c net.Conn) {
	if _, err := Accept(c); err == nil {
		_ = EchoFrames(c)
	}
}

// EchoFrames is what Echo does after the opening handshake.
func EchoFrames(c net.Conn) error {
	br := bufio.NewReader(c)
	for {
		f, err := ws.ReadFrame(br)
		if err != nil {
			return err
		}
		if !f.Header.Masked {
			return errors.New("a client's frame was not masked")
		}
		f = ws.UnmaskFrameInPlace(f)
		op := f.Header.OpCode
		switch op {
		case ws.OpPing:
			op = ws.OpPong
		case ws.OpPong:
			continue
		}
		out, err := ws.CompileFrame(ws.NewFrame(op, f.Header.Fin, f.Payload))
		if err != nil {
			return err
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		if op == ws.OpClose {
			return nil
		}
	}
}

// Forward is a script that hands a connection's bytes on to addr, and what comes from there back.
func Forward(addr string) func(net.Conn) {
	return func(c net.Conn) {
		to, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = io.Copy(to, c)
			endWriting(to)
		})
		_, _ = io.Copy(c, to)
		_ = c.Close()
		_ = to.Close() // the other way may be waiting for it
		wg.Wait()
	}
}
