package transport

import (
	"errors"
	"net"
	"testing"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	server "github.com/loadrig/loadrig/target"
)

// echo runs the embedded target until the test ends. It has nothing of the code under test.
func echo(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	s, err := server.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := await(t, served, "the target's end"); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestCompressedEcho: messages of all sizes go to the target and back, on both engines, by what is set on
// this side; and what was agreed on is told.
func TestCompressedEcho(t *testing.T) {
	const base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for _, c := range []struct {
		name     string
		compress *Compression
		deaf     bool // the target ignores offers
		agreed   string
		small    bool // the wire has much less than the payload
	}{
		{"default", &Compression{}, false, base, true},
		{"takeover, which the target declines", &Compression{Takeover: true}, false, base, true},
		{"small windows", &Compression{ServerWindow: 9, ClientWindow: 8}, false, base + "; server_max_window_bits=9; client_max_window_bits=8", true},
		{"windows of 8 and 15", &Compression{ServerWindow: 8, ClientWindow: 15}, false, base + "; server_max_window_bits=8", true},
		{"threshold above all", &Compression{Threshold: 1 << 20}, false, base, false},
		{"ignored", &Compression{}, true, "", false},
		{"not offered", nil, false, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv := echo(t, server.Options{Compress: !c.deaf})
				b := newLab(t, Options{Engine: e, Compress: c.compress})
				p := b.connect(srv.URL())
				if m := p.awaitOpened(); m.Extensions != c.agreed {
					t.Errorf("agreed on %q, want %q", m.Extensions, c.agreed)
				}
				start := b.traffic()
				var payload uint64
				var sent int
				for i, n := range []int{0, 1, 64, 125, 126, 300, 5000, 70_000, 64} {
					for _, m := range []got{{messages.OpText, speech(n, i)}, {messages.OpBinary, speech(n/2, i) + "\xff" + speech(n-n/2, i)}} {
						p.do(func() {
							if err := p.conn.Send(m.op, []byte(m.payload)); err != nil {
								t.Error(err)
							}
						})
						p.awaitGot(m)
						payload += uint64(len(m.payload))
						sent++
					}
				}
				p.do(func() { p.conn.Close(messages.CloseNormal, "") })
				checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
				tr := b.traffic()
				if tr.SentBytes != payload || tr.ReceivedBytes != payload {
					t.Errorf("%d bytes of payload: counted %d and %d", payload, tr.SentBytes, tr.ReceivedBytes)
				}
				for _, wire := range []uint64{tr.SentWire - start.SentWire, tr.ReceivedWire - start.ReceivedWire} {
					if small := wire < payload/2; small != c.small {
						t.Errorf("%d bytes of payload were %d on the wire", payload, wire)
					}
				}
				if st := srv.Stats(); st.Received != uint64(sent) || st.ReceivedBytes != payload || st.SentBytes != payload || st.Failed != 0 {
					t.Errorf("%d messages of %d bytes: the target has %+v", sent, payload, st)
				}
			})
		})
	}
}

// serveCompressed is serve with an answer to the offer of compression.
func serveCompressed(t *testing.T, answer string, script func(*wstest.Peer) error) (*wstest.Server, <-chan error) {
	t.Helper()
	done := make(chan error, 100)
	return wstest.Serve(t, func(c net.Conn) {
		p, err := wstest.Upgrade(c, "Sec-WebSocket-Extensions: "+answer)
		if err == nil {
			err = script(p)
		}
		done <- err
	}), done
}

// TestCompressionRefused: an answer that RFC 7692 does not allow, or that is not what was asked for, ends
// the attempt and says why.
func TestCompressionRefused(t *testing.T) {
	for _, c := range []struct {
		compress *Compression
		answer   string
		err      string
	}{
		{nil, "permessage-deflate", `Sec-WebSocket-Extensions: got "permessage-deflate", none was offered`},
		{&Compression{}, "permessage-deflate", "Sec-WebSocket-Extensions: permessage-deflate: got no server_no_context_takeover, which was asked for; offer takeover, or no compression"},
		{&Compression{Takeover: true}, "permessage-deflate; server_max_window_bits=16", `Sec-WebSocket-Extensions: permessage-deflate: server_max_window_bits: got "16", want a value of 8 to 15`},
	} {
		eachEngine(t, func(t *testing.T, e Engine) {
			srv, _ := serveCompressed(t, c.answer, (*wstest.Peer).AwaitEnd)
			b := newLab(t, Options{Engine: e, Compress: c.compress})
			m := b.connect(srv.URL()).awaitClosed()
			checkOutcome(t, m, outcome{Cause: messages.CauseUpgradeInvalid, Code: messages.CloseAbnormal})
			if m.Err == nil || m.Err.Error() != c.err {
				t.Errorf("got %v, want %s", m.Err, c.err)
			}
		})
	}
}

// TestTakeover: a server's messages refer to its earlier ones, also over a control frame and over messages
// that are not compressed; and two connections of a loop do not mix.
func TestTakeover(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv, done := serveCompressed(t, "permessage-deflate", func(p *wstest.Peer) error {
			name := p.Request.URL.Query().Get("name")
			var said string
			for i := range 30 {
				m := name + speech(100+50*i, i)
				packed := []byte(serverPack(t, m, said, 9))
				said += m
				out := append(wstest.RawFrame(0x41, packed[:len(packed)/2]), wstest.Frame(ws.OpPing, true, []byte("between"))...)
				out = append(append(out, wstest.Frame(ws.OpContinuation, true, packed[len(packed)/2:])...), wstest.Text("plain")...)
				if _, err := p.Write(out); err != nil {
					return err
				}
			}
			return answerClose(p, 1000)
		})
		b := newLab(t, Options{Engine: e, Compress: &Compression{Takeover: true, Threshold: 1000}})
		players := []*player{b.connect(srv.URL() + "?name=a"), b.connect(srv.URL() + "?name=b")}
		for k, p := range players {
			for i := range 30 {
				p.awaitGot(got{messages.OpPing, "between"}, got{messages.OpText, string(rune('a'+k)) + speech(100+50*i, i)}, got{messages.OpText, "plain"})
			}
		}
		b.do(func() {
			if n, most := b.loop.codec.pool.inUse, 2*32<<10; n == 0 || n > most {
				t.Errorf("two connections have %d bytes of windows, want at most %d", n, most)
			}
			for _, p := range players {
				p.conn.Close(messages.CloseNormal, "")
			}
		})
		for _, p := range players {
			checkOutcome(t, p.awaitClosed(), outcome{Cause: messages.CauseLocal, Code: messages.CloseNormal, Clean: true, Opened: true})
			checkServer(t, done)
		}
	})
}

// TestBadCompression: each way to break the rules of compressed messages has its close code, which reaches
// the server.
func TestBadCompression(t *testing.T) {
	for _, c := range []struct {
		name  string
		sends []byte
		code  messages.CloseCode
		cause messages.Cause
		err   error
	}{
		{"not deflate", wstest.RawFrame(0xc1, []byte("Hello")), messages.CloseProtocolError, messages.CauseProtocolError, errNotDeflate},
		{"not UTF-8", wstest.RawFrame(0xc1, []byte(serverPackOnce("\xff"))), messages.CloseInvalidPayload, messages.CauseBadUTF8, errTextNotUTF8},
		{"a bomb", wstest.RawFrame(0xc2, []byte(bomb(t))), messages.CloseTooBig, messages.CauseTooBig, errMessageTooBig},
		{"a bomb in fragments", append(wstest.RawFrame(0x42, []byte(bomb(t))), wstest.RawFrame(0x80, nil)...), messages.CloseTooBig, messages.CauseTooBig, errMessageTooBig},
		{"RSV1 on a ping", wstest.RawFrame(0xc9, nil), messages.CloseProtocolError, messages.CauseProtocolError, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e Engine) {
				srv, done := serveCompressed(t, "permessage-deflate; server_no_context_takeover", func(p *wstest.Peer) error {
					if _, err := p.Write(c.sends); err != nil {
						return err
					}
					return answerClose(p, int(c.code))
				})
				b := newLab(t, Options{Engine: e, Compress: &Compression{}})
				m := b.connect(srv.URL()).awaitClosed()
				checkOutcome(t, m, outcome{Cause: c.cause, Code: c.code, Opened: true})
				if c.err != nil && !errors.Is(m.Err, c.err) {
					t.Errorf("got %v, want %v", m.Err, c.err)
				}
				checkServer(t, done)
			})
		})
	}
}
