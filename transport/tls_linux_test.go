package transport

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestSpareBuffers fails where this version of Go has its buffers elsewhere: memory of wss players has to
// be measured anew then.
func TestSpareBuffers(t *testing.T) {
	if n := len(spareBuffers()); n != 2 {
		t.Errorf("found %d of the 2 buffers of tls.Conn that are to be trimmed", n)
	}
}

// TestTLSLarge: large messages to a peer that reads late are neither lost, nor mixed up, nor counted before
// they were sent.
func TestTLSLarge(t *testing.T) {
	_, pool := wstest.Certificate()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			release := make(chan struct{})
			cert, _ := wstest.Certificate()
			srv := wstest.ServeTLSConfig(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version}, func(c net.Conn) {
				if _, err := wstest.Upgrade(c); err != nil {
					return
				}
				<-release // until then the client's socket fills
				_ = wstest.EchoFrames(c)
			})
			b := newLab(t, Options{Engine: EngineEpoll, TLS: &tls.Config{RootCAs: pool}, MaxBacklog: 64 << 20})
			p := b.open(srv.URL())
			b.do(func() { narrowFD(p.conn.st) })
			const n, size = 12, 1 << 20
			b.do(func() {
				for i := range n {
					if err := p.conn.Send(messages.OpBinary, message(i, size)); err != nil {
						t.Errorf("message %d: %v", i, err)
					}
				}
				if p.conn.Pending() == 0 {
					t.Error("nothing waits for a peer that does not read")
				}
			})
			close(release)
			for i := range n {
				if g := await(t, p.got, "an echo"); g.op != messages.OpBinary || g.payload != string(message(i, size)) {
					t.Fatalf("echo %d is another message, of %d bytes", i, len(g.payload))
				}
			}
			tr := b.traffic()
			if tr.Sent[messages.OpBinary] != n || tr.Pending != 0 {
				t.Errorf("got %d sent, %d pending, want %d and 0", tr.Sent[messages.OpBinary], tr.Pending, n)
			}
			// 17 to 22 bytes a record of at most 16 KiB, and the handshake.
			if wire, plain := tr.SentWire, uint64(n*(size+14)); wire < plain+plain/(16<<10)*17 || wire > plain+plain/100+4096 {
				t.Errorf("got %d bytes on the wire for %d of frames", wire, plain)
			}
			p.do(func() { p.conn.Close(1000, "") })
			checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: 1000, Clean: true, Opened: true})
		})
	}
}

// TestTLSSlow: a peer that reads a little now and then is not one that takes nothing, though none of what is
// encrypted at once counts as sent before all of it has gone.
func TestTLSSlow(t *testing.T) {
	_, pool := wstest.Certificate()
	read := make(chan struct{})
	srv := wstest.ServeTLS(t, func(c net.Conn) {
		_ = c.(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(4096)
		if _, err := wstest.Upgrade(c); err != nil {
			return
		}
		b := make([]byte, 1<<10)
		for range read {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	})
	b := newLab(t, Options{Engine: EngineEpoll, TLS: &tls.Config{RootCAs: pool}, MaxBacklog: 64 << 20})
	p := b.open(srv.URL())
	p.do(func() {
		narrowFD(p.conn.st)
		if err := p.conn.Send(messages.OpBinary, message(0, 4<<20)); err != nil {
			t.Error(err)
		}
	})
	b.eventually("piece that has gone in part", func() bool {
		select {
		case read <- struct{}{}:
		default: // the server has not yet come to the last one
		}
		return p.conn.tookLast() > p.conn.tx.since
	})
	close(read)
	p.do(func() { p.conn.Abort(messages.CauseLocal, nil) })
	p.awaitClosed()
}

func message(i, size int) []byte {
	b := make([]byte, size)
	for j := range b {
		b[j] = byte(i + j*7 + j>>9)
	}
	return b
}

// TestTLSGlued: frames that come in one TLS record with the answer, and many in one read, are all heard.
func TestTLSGlued(t *testing.T) {
	_, pool := wstest.Certificate()
	srv := wstest.ServeTLS(t, func(c net.Conn) {
		var frames []byte
		for range 1000 {
			frames = append(frames, wstest.Text("hello")...)
		}
		p, err := wstest.UpgradeAnd(c, frames)
		if err != nil {
			return
		}
		for range 1000 { // a record each
			_, _ = p.Write(wstest.Text("again"))
		}
		_, _, _ = p.AwaitClose()
		_, _ = p.Write(wstest.Frame(ws.OpClose, true, nil))
	})
	b := newLab(t, Options{Engine: EngineEpoll, TLS: &tls.Config{RootCAs: pool}})
	p := b.open(srv.URL())
	for i := range 2000 {
		want := "hello"
		if i >= 1000 {
			want = "again"
		}
		if g := await(t, p.got, "a message"); g.payload != want {
			t.Fatalf("message %d: got %v, want %s", i, g, want)
		}
	}
	p.do(func() { p.conn.Close(1000, "") })
	p.awaitClosed()
}

// TestTLSNotRead: what crypto/tls says by itself waits in bounds for a peer that does not read.
func TestTLSNotRead(t *testing.T) {
	b := newLab(t, Options{Engine: EngineEpoll})
	b.do(func() {
		c := &Conn{loop: b.loop}
		layer := &tlsLayer{s: &fdStream{conn: c}}
		layer.out = make([]byte, maxTLSOut-1)
		if _, err := layer.Write([]byte("x")); err != nil {
			t.Errorf("up to the bound: got %v", err)
		}
		if _, err := layer.Write([]byte("x")); err != errTLSOut {
			t.Errorf("beyond the bound: got %v, want %v", err, errTLSOut)
		}
	})
}
