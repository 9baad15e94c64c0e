package wstest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// Rogue is the server's end of one connection, for scripts that do what no server should. It writes what
// it is told to, and once it listens, a goroutine of its own reads and keeps what the client says, so that
// a script may write without end, stall, or vanish, and still tell afterwards what the client made of it.
//
// Writes do not report errors: a client that has gone shows in what it said. Nothing waits for longer than
// Patience.
type Rogue struct {
	Request *http.Request
	conn    net.Conn
	r       *bufio.Reader
	wg      sync.WaitGroup

	// Guarded by mu.
	mu       sync.Mutex
	changed  *sync.Cond
	said     Said
	deaf     bool // does not listen
	finished bool // by the script, one way or another
}

// Patience bounds how long a Rogue waits for its client. It is no time that anything should take.
const Patience = 10 * time.Second

// Said is what a client has said.
type Said struct {
	Frames []ws.Frame // before its close frame, unmasked
	Closed bool       // it sent a close frame
	Code   int        // of that; 1005 without one
	Reason string
	After  int64 // bytes behind its close frame: there may be none
	Fault  error // what no client may send
	End    End
}

// End is how a client has ended TCP.
type End uint8

// The ends.
const (
	EndNone  End = iota // not at all, as far as was looked
	EndFIN              // in order
	EndReset            // by a reset
)

// String gives none, fin or reset.
func (e End) String() string { return [...]string{"none", "fin", "reset"}[e] }

// Face makes a Rogue of a connection from which nothing was read.
func Face(c net.Conn) *Rogue {
	_ = c.SetDeadline(time.Now().Add(Patience))
	r := &Rogue{conn: c, r: bufio.NewReader(c), deaf: true}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// Meet reads the request of the opening handshake, and checks that a client may send it.
func (r *Rogue) Meet() error {
	req, err := http.ReadRequest(r.r)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	r.Request = req
	if err := checkRequest(req); err != nil {
		r.hear(func(s *Said) { s.Fault = fmt.Errorf("request: %w", err) })
	}
	return nil
}

// checkRequest applies RFC 6455 §4.1 to a request.
func checkRequest(r *http.Request) error {
	one := func(name string) string {
		if len(r.Header[name]) != 1 {
			return ""
		}
		return r.Header[name][0]
	}
	key, err := base64.StdEncoding.DecodeString(one("Sec-Websocket-Key"))
	switch {
	case r.Method != http.MethodGet || r.Proto != "HTTP/1.1":
		return fmt.Errorf("got %s by %s, want GET by HTTP/1.1", r.Method, r.Proto)
	case r.Host == "":
		return errors.New("got no Host")
	case !strings.EqualFold(one("Upgrade"), "websocket") || !strings.EqualFold(one("Connection"), "upgrade"):
		return fmt.Errorf("got Upgrade %q and Connection %q", r.Header["Upgrade"], r.Header["Connection"])
	case one("Sec-Websocket-Version") != "13":
		return fmt.Errorf("Sec-WebSocket-Version: got %q, want 13", r.Header["Sec-Websocket-Version"])
	case err != nil || len(key) != 16:
		return fmt.Errorf("Sec-WebSocket-Key: got %q, want 16 bytes in base64", r.Header["Sec-Websocket-Key"])
	case r.ContentLength > 0 || len(r.TransferEncoding) > 0:
		return errors.New("got a body")
	}
	return nil
}

// Key gives the Sec-WebSocket-Key of the request.
func (r *Rogue) Key() string { return r.Request.Header.Get("Sec-Websocket-Key") }

// Answer sends a in one write.
func (r *Rogue) Answer(a Answer) { r.Say(a.Bytes(r.Key())) }

// Say sends each piece in a write of its own.
func (r *Rogue) Say(pieces ...[]byte) {
	for _, b := range pieces {
		if _, err := r.conn.Write(b); err != nil {
			return
		}
	}
}

// Chop sends b in writes of n bytes.
func (r *Rogue) Chop(n int, b []byte) {
	for len(b) > 0 {
		n = min(n, len(b))
		if _, err := r.conn.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

// Trickle sends b a byte at a time, with a pause behind each, and tells whether the client was there to the
// end.
func (r *Rogue) Trickle(b []byte, pause time.Duration) bool {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range b {
		if _, err := r.conn.Write(b[i : i+1]); err != nil {
			return false
		}
		<-tick.C
	}
	return true
}

// Drip is Trickle over and over until the client has gone.
func (r *Rogue) Drip(b []byte, pause time.Duration) {
	for r.Trickle(b, pause) {
	}
}

// Flood sends b over and over until the client has gone.
func (r *Rogue) Flood(b []byte) {
	for {
		if _, err := r.conn.Write(b); err != nil {
			return
		}
	}
}

// Listen begins to read what the client says.
func (r *Rogue) Listen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf && !r.finished {
		r.deaf = false
		r.wg.Go(r.listen)
	}
}

func (r *Rogue) listen() {
	p := &Peer{Conn: r.conn, Request: r.Request, r: r.r}
	for {
		f, err := p.Next()
		if err != nil {
			r.hear(func(s *Said) { s.ended(err) })
			return
		}
		if f.Header.OpCode == ws.OpClose {
			r.hear(func(s *Said) {
				s.Closed, s.Code = true, CloseCode(f)
				if len(f.Payload) > 2 {
					s.Reason = string(f.Payload[2:])
				}
			})
			n, err := io.Copy(io.Discard, r.r)
			if err == nil {
				err = io.EOF
			}
			r.hear(func(s *Said) {
				s.After = n
				s.ended(err)
			})
			return
		}
		r.hear(func(s *Said) { s.Frames = append(s.Frames, f) })
	}
}

func (r *Rogue) hear(f func(*Said)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.said)
	r.changed.Broadcast()
}

// ended notes why nothing more can be read.
func (s *Said) ended(err error) {
	var broken *net.OpError
	switch {
	case errors.Is(err, net.ErrClosed): // by the script
	case errors.Is(err, io.EOF):
		s.End = EndFIN
	case errors.As(err, &broken) && !broken.Timeout():
		s.End = EndReset
	case s.Fault == nil:
		s.Fault = err
	}
}

// over tells that nothing more will be said.
func (s *Said) over() bool { return s.End != EndNone || s.Fault != nil }

// await waits until ok, or until nothing more will be said.
func (r *Rogue) await(ok func(*Said) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !ok(&r.said) && !r.said.over() && !r.deaf && !r.finished {
		r.changed.Wait()
	}
	return ok(&r.said)
}

// Await waits until the client has sent n frames other than its close frame.
func (r *Rogue) Await(n int) bool {
	return r.await(func(s *Said) bool { return len(s.Frames) >= n || s.Closed }) && len(r.Said().Frames) >= n
}

// AwaitClose waits for the client's close frame.
func (r *Rogue) AwaitClose() bool { return r.await(func(s *Said) bool { return s.Closed }) }

// AwaitEnd waits for the client's end of TCP.
func (r *Rogue) AwaitEnd() bool { return r.await(func(s *Said) bool { return s.End != EndNone }) }

// Said gives what the client has said so far.
func (r *Rogue) Said() Said {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said
}

// HalfClose says that nothing more will be said, and goes on to listen. Over TLS it is said there first.
func (r *Rogue) HalfClose() {
	if c, ok := r.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	if c, ok := r.conn.(*tls.Conn); ok {
		_ = c.NetConn().(*net.TCPConn).CloseWrite()
	}
}

// Cut ends TCP as HalfClose does, but without a word of TLS.
func (r *Rogue) Cut() {
	c := r.conn
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn()
	}
	_ = c.(*net.TCPConn).CloseWrite()
}

// Reset ends the connection so that the client sees a reset, and listens no longer.
func (r *Rogue) Reset() {
	r.finish()
	Reset(r.conn)
}

// Finished tells whether the script has ended the connection.
func (r *Rogue) Finished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finished
}

func (r *Rogue) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = true
	r.changed.Broadcast()
}

// Close ends the connection and waits until nobody listens.
func (r *Rogue) Close() {
	r.finish()
	_ = r.conn.Close()
	r.wg.Wait()
}
