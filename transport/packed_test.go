package transport

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// packedCases are what a server says to a client that has agreed on compression, with context takeover or
// without.
var packedCases = []struct {
	name  string
	sends string
	want  []got // of data messages
	cause messages.Cause
	code  messages.CloseCode
}{
	{"text", frame(0xc1, hello), []got{{messages.OpText, "Hello"}}, messages.CauseNone, 0},
	{"binary", frame(0xc2, serverPackOnce("\xff\x00")), []got{{messages.OpBinary, "\xff\x00"}}, messages.CauseNone, 0},
	{"empty", frame(0xc1, "\x00"), []got{{messages.OpText, ""}}, messages.CauseNone, 0},
	{"not compressed", frame(0x81, "Hello"), []got{{messages.OpText, "Hello"}}, messages.CauseNone, 0},
	{
		"some are, some are not", frame(0x81, "a") + frame(0xc1, hello) + frame(0x82, "\xff") + frame(0xc1, hello),
		[]got{{messages.OpText, "a"}, {messages.OpText, "Hello"}, {messages.OpBinary, "\xff"}, {messages.OpText, "Hello"}}, messages.CauseNone, 0,
	},
	{"fragments", frame(0x41, hello[:3]) + frame(0x00, hello[3:4]) + frame(0x80, hello[4:]), []got{{messages.OpText, "Hello"}}, messages.CauseNone, 0},
	{
		"empty fragments", frame(0x41, "") + frame(0x00, hello) + frame(0x00, "") + frame(0x80, ""),
		[]got{{messages.OpText, "Hello"}}, messages.CauseNone, 0,
	},
	{
		"fragments that are not, after one that is", frame(0xc1, hello) + frame(0x01, "He") + frame(0x80, "llo"),
		[]got{{messages.OpText, "Hello"}, {messages.OpText, "Hello"}}, messages.CauseNone, 0,
	},
	{
		"control frames between fragments", frame(0x41, hello[:3]) + frame(0x89, "1") + frame(0x00, hello[3:5]) + frame(0x8a, "2") + frame(0x89, "3") + frame(0x80, hello[5:]) + frame(0x89, "4"),
		[]got{{messages.OpText, "Hello"}}, messages.CauseNone, 0,
	},
	{"a close frame between fragments", frame(0x41, hello[:3]) + frame(0x88, "\x03\xe9"), nil, messages.CauseRemote, messages.CloseGoingAway},
	{
		"compressed bytes need not be UTF-8", frame(0x41, "\xf2\x48") + frame(0x80, hello[2:]),
		[]got{{messages.OpText, "Hello"}}, messages.CauseNone, 0,
	},
	{"a character of three bytes", frame(0xc1, serverPackOnce("€")), []got{{messages.OpText, "€"}}, messages.CauseNone, 0},

	{"text that is not UTF-8", frame(0xc1, serverPackOnce("a\xff")), nil, messages.CauseBadUTF8, messages.CloseInvalidPayload},
	{"text that ends within a character", frame(0x41, "") + frame(0x80, serverPackOnce("a\xe2\x82")), nil, messages.CauseBadUTF8, messages.CloseInvalidPayload},
	{"not deflate", frame(0xc1, "Hello"), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"no payload at all", frame(0xc1, ""), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"it breaks off", frame(0xc2, hello[:4]), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"good before bad", frame(0xc1, hello) + frame(0xc1, "Hello") + frame(0xc1, hello), []got{{messages.OpText, "Hello"}}, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a continuation", frame(0x41, hello[:3]) + frame(0xc0, hello[3:]), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a continuation alone", frame(0x01, "He") + frame(0xc0, "llo"), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a ping", frame(0xc9, ""), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a pong", frame(0xca, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a close frame", frame(0xc8, "\x03\xe8"), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 on a reserved opcode", frame(0xc3, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV2", frame(0xa1, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV3", frame(0x91, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"RSV1 and RSV2", frame(0xe1, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"masked", "\xc1\x87\x00\x00\x00\x00" + hello, nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"a message within a message", frame(0x41, hello[:3]) + frame(0xc1, hello), nil, messages.CauseProtocolError, messages.CloseProtocolError},
	{"at the limit", frame(0xc2, serverPackOnce(strings.Repeat("x", 1000))), []got{{messages.OpBinary, strings.Repeat("x", 1000)}}, messages.CauseNone, 0},
	{"over the limit once inflated", frame(0xc1, serverPackOnce(strings.Repeat("x", 1001))), nil, messages.CauseTooBig, messages.CloseTooBig},
	{"over the limit before", frame(0xc1, serverPackOnce(noise(1001))), nil, messages.CauseTooBig, messages.CloseTooBig},
	{"over the limit before, in fragments", frame(0x41, noise(600)) + frame(0x80, noise(401)), nil, messages.CauseTooBig, messages.CloseTooBig},
	{"over the limit by its header", "\xc2\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", nil, messages.CauseTooBig, messages.CloseTooBig},
}

// closeCodeOf gives the code of the close frame in what a client has sent.
func closeCodeOf(t testing.TB, sent []byte) messages.CloseCode {
	t.Helper()
	for r := bytes.NewReader(sent); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err != nil {
			t.Fatal(err)
		}
		if f = ws.UnmaskFrame(f); f.Header.OpCode == ws.OpClose {
			return messages.CloseCode(wstest.CloseCode(f))
		}
	}
	return 0
}

// TestPackedReceive: whole, and in pieces of each size.
func TestPackedReceive(t *testing.T) {
	for _, g := range []agreement{plainDeflate, takeover(15, 15)} {
		for _, c := range packedCases {
			for _, pieces := range [][]byte{nil, {0}, {1}, {2}, {6}, {40}} {
				h := feedAgreed(t, g, []byte(c.sends), pieces)
				data := slices.DeleteFunc(slices.Clone(h.got), func(m got) bool { return !m.op.IsData() })
				if !equalGot(data, c.want) || h.cause != c.cause || closeCodeOf(t, h.wrote) != c.code {
					t.Errorf("%s, takeover %v, in pieces of %v: got %v, %v, close code %v (%s), want %v, %v, %v",
						c.name, g.serverTakeover, pieces, data, h.cause, closeCodeOf(t, h.wrote), h.end, c.want, c.cause, c.code)
				}
			}
		}
	}
}

// Where nothing was agreed on, compressed messages are what reserved bits always are.
func TestPackedUnasked(t *testing.T) {
	for _, first := range []byte{0xc1, 0xc2, 0x41} {
		h := feedAll(t, []byte(frame(first, hello)), nil)
		if len(h.got) != 0 || h.cause != messages.CauseProtocolError || closeCodeOf(t, h.wrote) != messages.CloseProtocolError {
			t.Errorf("first byte %#x: got %v, %v", first, h.got, h.cause)
		}
	}
}

// FuzzPackedFeed: however the bytes of a server that compresses are cut, they have the same outcome.
func FuzzPackedFeed(f *testing.F) {
	for i, c := range packedCases {
		f.Add([]byte(c.sends), []byte{byte(i)}, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, stream, pieces []byte, takes bool) {
		g := plainDeflate
		g.serverTakeover = takes
		whole, cut := feedAgreed(t, g, stream, nil), feedAgreed(t, g, stream, pieces)
		if !slices.Equal(whole.got, cut.got) || whole.sent != cut.sent || whole.phase != cut.phase || whole.end != cut.end {
			t.Errorf("% x\nwhole: %+v\ncut by %v: %+v", stream, whole, pieces, cut)
		}
		for _, m := range whole.got {
			if len(m.payload) > 1000 {
				t.Errorf("received %v, more than the limit", m)
			}
		}
	})
}

// readPacked reads a client's frame as the far side that has agreed on g.
func readPacked(t fatal, r *bytes.Reader, said string) (m got, packed bool) {
	t.Helper()
	f, err := ws.ReadFrame(r)
	if err != nil {
		t.Fatalf("what was sent is no frame: %v", err)
	}
	h := f.Header
	packed = h.Rsv == rsv1
	if packed {
		h.Rsv = 0
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil || !h.Fin {
		t.Fatalf("what was sent: %+v, %v", h, err)
	}
	payload := ws.UnmaskFrame(f).Payload
	if packed {
		payload = []byte(serverUnpack(t, payload, said))
	}
	return got{opOf(h.OpCode), string(payload)}, packed
}

// TestPackedSend: data messages from the threshold on are compressed, others and control frames never;
// payload is counted as it was before, the wire as what the socket took.
func TestPackedSend(t *testing.T) {
	for _, c := range []struct {
		threshold int
		op        messages.Op
		size      int
		packed    bool
	}{
		{0, messages.OpText, 0, true},
		{0, messages.OpText, 1, true},
		{0, messages.OpBinary, 5000, true},
		{0, messages.OpPing, 100, false},
		{0, messages.OpPong, 125, false},
		{100, messages.OpText, 0, false},
		{100, messages.OpText, 99, false},
		{100, messages.OpText, 100, true},
		{100, messages.OpPing, 125, false},
	} {
		l := still(t, Options{Compress: &Compression{Threshold: c.threshold}})
		s := &sink{limit: -1}
		conn := openOn(l, new(recorder), s)
		conn.deflate = l.codec.open(plainDeflate)
		want := got{c.op, speech(c.size, 1)}
		if err := conn.Send(c.op, []byte(want.payload)); err != nil {
			t.Fatal(err)
		}
		wire := uint64(s.wrote.Len())
		m, packed := readPacked(t, bytes.NewReader(s.wrote.Bytes()), "")
		if m != want || packed != c.packed {
			t.Errorf("%+v: the server has %v, compressed %v", c, m, packed)
		}
		tr := l.traffic
		if c.op.IsData() && tr.SentBytes != uint64(c.size) || tr.SentWire != wire || tr.Sent[c.op] != 1 || !tr.Balanced() {
			t.Errorf("%+v: %d bytes on the wire: got %+v", c, wire, tr)
		}
		if c.size == 5000 && wire > 2500 {
			t.Errorf("%+v: 5000 bytes of JSON are %d on the wire", c, wire)
		}
		conn.Close(messages.CloseNormal, "bye")
		if f := s.wrote.Bytes()[wire]; f != 0x88 {
			t.Errorf("the close frame begins with %#x, want 0x88", f)
		}
		conn.Abort(messages.CauseLocal, nil)
		l.drain()
	}
}

// TestPackedBacklog: with a socket that takes what it likes, at any time: the law of the counts holds; what
// was accepted arrives whole and in order; and with takeover a message that was dropped is nothing that a
// later one refers to.
func TestPackedBacklog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := still(t, Options{MaxBacklog: 300, Compress: &Compression{Takeover: true, Threshold: 10}})
		s := &sink{limit: 0}
		c := openOn(l, new(recorder), s)
		g := takeover(15, uint8(rapid.IntRange(minWindowBits, maxWindowBits).Draw(rt, "bits")))
		g.clientTakeover = rapid.Bool().Draw(rt, "takeover")
		c.deflate = l.codec.open(g)
		var accepted []got
		var payload uint64
		for i := range rapid.IntRange(1, 40).Draw(rt, "messages") {
			m := got{messages.OpText, speech(rapid.IntRange(0, 600).Draw(rt, "size"), i)}
			switch err := c.Send(m.op, []byte(m.payload)); {
			case err == nil:
				accepted = append(accepted, m)
				payload += uint64(len(m.payload))
			case !errors.Is(err, messages.ErrBacklog):
				rt.Fatal(err)
			}
			if s.limit = rapid.SampledFrom([]int{0, 1, 50, 400}).Draw(rt, "room"); s.limit > 0 {
				c.writable()
			}
			if !l.traffic.Balanced() || l.traffic.Pending != uint64(c.Pending()) {
				rt.Fatalf("%d pending: got %+v", c.Pending(), l.traffic)
			}
		}
		s.limit = -1
		c.writable()
		var said string
		r := bytes.NewReader(s.wrote.Bytes())
		for i, want := range accepted {
			m, packed := readPacked(rt, r, said)
			if m != want || packed != (len(want.payload) >= 10) {
				rt.Fatalf("message %d: got %v, compressed %v, want %v", i, m, packed, want)
			}
			if packed && g.clientTakeover {
				said += m.payload
				said = said[max(0, len(said)-1<<g.clientBits):]
			}
		}
		tr := l.traffic
		if r.Len() != 0 || tr.SentBytes != payload || tr.SentWire != uint64(s.wrote.Len()) || tr.Sent[messages.OpText] != uint64(len(accepted)) {
			rt.Fatalf("%d messages of %d bytes, %d on the wire: got %+v and %d bytes more", len(accepted), payload, s.wrote.Len(), tr, r.Len())
		}
		c.Abort(messages.CauseLocal, nil)
		l.drain()
		if n := l.codec.pool.inUse; n != 0 {
			rt.Fatalf("%d bytes of windows are in use at the end", n)
		}
	})
}

// The backlog's bound is of frames, as compressed: messages of 5000 bytes that are 50 on the wire fit it by
// the dozen.
func TestPackedBacklogBound(t *testing.T) {
	const bound = 1000
	l := still(t, Options{MaxBacklog: bound, Compress: &Compression{}})
	c := openOn(l, new(recorder), &sink{limit: 0})
	c.deflate = l.codec.open(plainDeflate)
	message := bytes.Repeat([]byte("x"), 5000)
	accepted := 0
	for c.Send(messages.OpText, message) == nil {
		accepted++
	}
	frame := len(c.tx.buf) / accepted
	if want := (bound + frame - 1) / frame; accepted != want || // the last is the one that reaches the bound
		want < 10 || !l.traffic.Balanced() {
		t.Errorf("%d messages of 5000 bytes, %d each in frames, wait in %d bytes; want %d", accepted, frame, bound, want)
	}
}

// TestPackedAllocs: sending and receiving allocates nothing in the steady state, and a connection without
// takeover holds nothing between messages, whatever has passed.
func TestPackedAllocs(t *testing.T) {
	for _, g := range []agreement{plainDeflate, takeover(15, 15), {deflate: true, serverBits: 15, clientBits: 8}} {
		l := still(t, Options{Compress: &Compression{}})
		s := &sink{limit: -1}
		c := openOn(l, quiet{}, s)
		c.deflate = l.codec.open(g)
		before := *c.deflate
		payload := []byte(speech(600, 1))
		in := frame(0xc1, serverPackOnce(speech(64, 1))) + frame(0xc2, serverPackOnce(speech(1000, 2))) +
			frame(0x41, serverPackOnce(speech(500, 3))) + frame(0x80, "")
		first, second := []byte(in[:len(in)-20]), []byte(in[len(in)-20:])
		n := testing.AllocsPerRun(200, func() {
			s.wrote.Reset()
			if err := c.Send(messages.OpText, payload); err != nil {
				t.Fatal(err)
			}
			c.received(first)
			c.received(second)
		})
		if n != 0 && !poolForgets(g, len(payload)) || l.traffic.Received[messages.OpText] < 200 {
			t.Errorf("%v: got %v allocations for %d messages, want 0", g, n, l.traffic.Received[messages.OpText])
		}
		if c.rx != nil || c.tx != nil {
			t.Errorf("%v: an assembly or a backlog is held between messages", g)
		}
		if !g.clientTakeover && (fmt.Sprint(*c.deflate) != fmt.Sprint(before) || l.codec.pool.inUse != 0) {
			t.Errorf("%v: got %+v and %d bytes of windows between messages, want nothing", g, *c.deflate, l.codec.pool.inUse)
		}
	}
}

// TestPackedBomb: a bomb ends its connection with 1009 and nothing else.
func TestPackedBomb(t *testing.T) {
	l := still(t, Options{Compress: &Compression{}})
	r, s := new(recorder), &sink{limit: -1}
	c, other := openOn(l, r, s), openOn(l, r, &sink{limit: -1})
	c.deflate, other.deflate = l.codec.open(plainDeflate), l.codec.open(plainDeflate)
	c.received(wstest.RawFrame(0xc2, []byte(bomb(t))))
	if len(r.got) != 0 || c.ending == nil || c.ending.cause != messages.CauseTooBig || closeCodeOf(t, s.wrote.Bytes()) != messages.CloseTooBig {
		t.Errorf("got %v, ending %+v", r.got, c.ending)
	}
	other.received([]byte(frame(0xc1, hello)))
	if want := []got{{messages.OpText, "Hello"}}; !equalGot(r.got, want) {
		t.Errorf("on another connection: got %v, want %v", r.got, want)
	}
}

// What the handler does while it reads a message that was inflated does not change the message.
func TestPackedReentry(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Conn)
	}{
		{"send", func(c *Conn) { _ = c.Send(messages.OpText, []byte(noise(9000))) }},
		{"close", func(c *Conn) { c.Close(messages.CloseNormal, "") }},
		{"abort", func(c *Conn) { c.Abort(messages.CauseLocal, nil) }},
		{"panic", func(c *Conn) { panic("the player's") }},
	} {
		for _, g := range []agreement{plainDeflate, takeover(15, 15)} {
			l := still(t, Options{Compress: &Compression{Takeover: true}})
			h := &reader{do: c.do}
			h.conn = openOn(l, h, &sink{limit: -1})
			h.conn.deflate = l.codec.open(g)
			want := speech(900, 1)
			in := frame(0x42, serverPackOnce(want)) + frame(0x80, "") + frame(0xc2, serverPackOnce(want))
			func() {
				defer l.recoverTurn()
				l.blame = h.conn
				h.conn.received([]byte(in))
			}()
			if len(h.got) == 0 || h.got[0] != want {
				t.Errorf("%s, takeover %v: the handler has read %.40q, want %.40q", c.name, g.serverTakeover, h.got, want)
			}
			h.conn.Abort(messages.CauseLocal, nil)
			l.drain()
			if n := l.codec.pool.inUse; n != 0 {
				t.Errorf("%s, takeover %v: %d bytes of windows are in use at the end", c.name, g.serverTakeover, n)
			}
		}
	}
}

// reader is a Handler that does something before it reads.
type reader struct {
	quiet
	conn *Conn
	do   func(*Conn)
	got  []string
}

func (r *reader) Message(m *messages.Message) {
	defer func() { r.got = append(r.got, string(m.Payload)) }()
	r.do(r.conn)
}

// BenchmarkMessage is one message out and one in, without a socket: what compression costs in CPU, against
// the same without.
func BenchmarkMessage(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 16 << 10} {
		for _, c := range []struct {
			name string
			g    agreement
		}{{"plain", agreement{}}, {"compressed", plainDeflate}, {"takeover", takeover(15, 15)}} {
			b.Run(fmt.Sprintf("%dB/%s", size, c.name), func(b *testing.B) {
				l := still(b, Options{Compress: &Compression{}})
				s := &sink{limit: -1}
				conn := openOn(l, quiet{}, s)
				conn.deflate = l.codec.open(c.g)
				// 64 messages that are alike and not the same, as a player's are, and a server's of the same
				// kind; what it says to each refers to what it said before where it may.
				const kinds = 64
				var out, in [kinds][]byte
				var said string
				for i := range kinds {
					m := speech(size, i)
					out[i] = []byte(m)
					in[i] = wstest.RawFrame(0x81, out[i])
					if c.g.deflate {
						in[i] = wstest.RawFrame(0xc1, []byte(serverPack(b, m, said, 6)))
					}
					if c.g.serverTakeover {
						said += m
						said = said[max(0, len(said)-32<<10):]
					}
				}
				round := func(i int) {
					s.wrote.Reset()
					_ = conn.Send(messages.OpText, out[i%kinds])
					if i%kinds == 0 && conn.deflate != nil { // the server begins anew
						conn.deflate.received.buf = conn.deflate.received.buf[:0]
					}
					conn.received(in[i%kinds])
				}
				for i := range kinds {
					round(i)
				}
				wire := l.traffic.SentWire
				n := 0
				b.ReportAllocs()
				for b.Loop() {
					round(n)
					n++
				}
				b.ReportMetric(float64(l.traffic.SentWire-wire)/float64(n), "wire-B/msg")
				if conn.ending != nil {
					b.Fatal(conn.ending.err)
				}
			})
		}
	}
}
