package realservers

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// TestDeflate has players talk to servers that compress, with and without context takeover and in small
// windows. Their zlib refuses what refers further back than was agreed on.
func TestDeflate(t *testing.T) {
	const noTakeover = "; server_no_context_takeover; client_no_context_takeover"
	for _, c := range []struct {
		name     string
		start    func(*testing.T, ...string) *server
		deflate  string // the server's options
		compress transport.Compression
		agreed   string // behind permessage-deflate
		engine   transport.Engine
	}{
		{"node", node, `{"threshold":0}`, transport.Compression{}, noTakeover, transport.EngineAuto},
		{"node, goroutines", node, `{"threshold":0}`, transport.Compression{Threshold: 100}, noTakeover, transport.EngineGoroutine},
		{"node, its threshold", node, `{"threshold":1024}`, transport.Compression{}, noTakeover, transport.EngineAuto},
		{"node, takeover", node, `{"threshold":0}`, transport.Compression{Takeover: true}, "", transport.EngineAuto},
		{"node, takeover by the client only", node, `{"threshold":0,"serverNoContextTakeover":true}`, transport.Compression{Takeover: true}, "; server_no_context_takeover", transport.EngineAuto},
		{"node, takeover by the server only", node, `{"threshold":0,"clientNoContextTakeover":true}`, transport.Compression{Takeover: true}, "; client_no_context_takeover", transport.EngineAuto},
		{"node, small windows", node, `{"threshold":0}`, transport.Compression{ServerWindow: 9, ClientWindow: 8}, noTakeover + "; server_max_window_bits=9; client_max_window_bits=8", transport.EngineAuto},
		{"node, small windows that it asks for, takeover", node, `{"threshold":0,"serverMaxWindowBits":10,"clientMaxWindowBits":9}`, transport.Compression{Takeover: true}, "; server_max_window_bits=10; client_max_window_bits=9", transport.EngineGoroutine},
		{"python", python, `{}`, transport.Compression{}, noTakeover, transport.EngineAuto},
		{"python, takeover", python, `{}`, transport.Compression{Takeover: true}, "", transport.EngineAuto},
		{"python, small windows, takeover", python, `{}`, transport.Compression{Takeover: true, ServerWindow: 9, ClientWindow: 9}, "; server_max_window_bits=9; client_max_window_bits=9", transport.EngineAuto},
		{"python, a window that it asks for", python, `{"client_max_window_bits":11}`, transport.Compression{}, noTakeover + "; client_max_window_bits=11", transport.EngineGoroutine},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 10
			srv := c.start(t, "DEFLATE="+c.deflate)
			m, err := actors.NewManager(actors.Options{Transport: transport.Options{Compress: &c.compress, Engine: c.engine}})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Stop(context.Background())
			done := make(chan string, n)
			var bytes atomic.Uint64
			if _, err := m.OpenMany(n, func(id messages.ConnID) actors.Behavior {
				return &parrot{done: done, agreed: "permessage-deflate" + c.agreed, bytes: &bytes, random: rand.NewChaCha8([32]byte{byte(id.Slot())})}
			}); err != nil {
				t.Fatal(err)
			}
			if err := m.TellAll(&messages.Connect{URL: srv.url()}); err != nil {
				t.Fatal(err)
			}
			for range n {
				select {
				case complaint := <-done:
					if complaint != "" {
						t.Error(complaint)
					}
				case <-time.After(60 * time.Second):
					t.Fatal("waited in vain for the players")
				}
			}
			snap, err := m.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tr, want := snap.Traffic, bytes.Load()
			if !tr.Balanced() || tr.SentBytes != want || tr.ReceivedBytes != want {
				t.Errorf("%d bytes of payload: counted %+v", want, tr)
			}
			t.Logf("%d bytes of payload: %d out and %d in on the wire", want, tr.SentWire, tr.ReceivedWire)
			if tr.SentWire > want*4/5 || tr.ReceivedWire > want*4/5 { // half of it is noise
				t.Errorf("%d bytes of payload: %d out and %d in on the wire, want less", want, tr.SentWire, tr.ReceivedWire)
			}
			saw := srv.stop()
			sent := tr.Sent[messages.OpText] + tr.Sent[messages.OpBinary]
			if saw.Connections != n || saw.Deflated != n || saw.Received != sent || saw.Sent != sent || saw.Closes["1000"] != n {
				t.Errorf("%d players that sent %d messages: the server saw %+v", n, sent, saw)
			}
		})
	}
}

// parrot sends messages of many sizes, one after the other, and checks that each comes back.
type parrot struct {
	// Static after construction.
	done   chan<- string // told a complaint, or nothing, at the end
	agreed string
	bytes  *atomic.Uint64

	// Owned by the shard.
	random    *rand.ChaCha8
	sent      []byte
	count     int
	complaint string
}

const parrotMessages = 60

// On implements actors.Behavior.
func (p *parrot) On(c *actors.Connection, ev messages.Event) {
	switch e := ev.(type) {
	case *messages.Opened:
		if e.Extensions != p.agreed {
			p.complaint = fmt.Sprintf("agreed on %q, want %q", e.Extensions, p.agreed)
		}
		p.say(c)
	case *messages.Message:
		if !e.Op.IsData() {
			return
		}
		if !bytes.Equal(e.Payload, p.sent) {
			p.complaint = fmt.Sprintf("message %d: got %d bytes that are not the %d that were sent", p.count, len(e.Payload), len(p.sent))
		}
		if p.count == parrotMessages || p.complaint != "" {
			_ = c.Disconnect(messages.CloseNormal, "")
			return
		}
		p.say(c)
	case *messages.Closed:
		if p.complaint == "" && (!e.Clean || p.count < parrotMessages) {
			p.complaint = fmt.Sprintf("ended after %d messages: %v, %v", p.count, e.Cause, e.Err)
		}
		p.done <- p.complaint
	}
}

// say sends the next message: by turns JSON that is much like the last, and noise with some of it repeated
// at odd distances.
func (p *parrot) say(c *actors.Connection) {
	sizes := []int{0, 1, 20, 64, 100, 127, 128, 250, 256, 300, 500, 513, 1000, 3000, 5000, 20_000, 40_000}
	n := sizes[p.count%len(sizes)]
	var err error
	if p.count%2 == 0 {
		p.sent = fmt.Appendf(p.sent[:0], `{"seq":%d,"type":"move"`, p.count)
		for k := 0; len(p.sent) < n; k++ {
			p.sent = fmt.Appendf(p.sent, `,"k%d":{"x":%d,"y":%d}`, k, (p.count*7919+k*31)%1000, (p.count*104729+k)%1000)
		}
		p.sent = p.sent[:n]
		err = c.SendText(p.sent)
	} else {
		p.sent = append(p.sent[:0], make([]byte, n)...)
		_, _ = p.random.Read(p.sent)
		if back := 1 + p.count*17%max(1, n/2); n > 2*back {
			copy(p.sent[n-back/2:], p.sent[n-back/2-back:])
		}
		err = c.SendBinary(p.sent)
	}
	if err != nil {
		p.complaint = fmt.Sprintf("message %d: %v", p.count, err)
	}
	p.count++
	p.bytes.Add(uint64(n))
}
