package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// What appendFrame builds is what gobwas/ws reads, in the shortest form, appended to what was there.
func TestAppendFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		payload := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		kept := slices.Clone(payload)
		b := appendFrame([]byte("before"), ws.OpBinary, 0xdeadbeef, payload)
		if !bytes.Equal(payload, kept) {
			t.Errorf("%d bytes: the payload was changed", size)
		}
		rest, ok := bytes.CutPrefix(b, []byte("before"))
		if !ok {
			t.Fatalf("%d bytes: what was there before was changed", size)
		}
		r := bytes.NewReader(rest)
		f, err := ws.ReadFrame(r)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if r.Len() != 0 || !f.Header.Fin || f.Header.Rsv != 0 || f.Header.OpCode != ws.OpBinary || !f.Header.Masked {
			t.Errorf("%d bytes: got %+v and %d bytes behind it", size, f.Header, r.Len())
		}
		if got := ws.UnmaskFrame(f).Payload; !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: got another payload", size)
		}
		if h, n, err := parseHeader(rest); err != nil || h != f.Header || n+size != len(rest) {
			t.Errorf("%d bytes: parseHeader gives %+v, %d, %v", size, h, n, err)
		}
	}
}

// Masks come from a generator, not from a constant (RFC 6455 §5.3, §10.3).
func TestMasksDiffer(t *testing.T) {
	l := still(t, Options{})
	seen := make(map[string]bool)
	for range 64 {
		seen[string(l.frame(messages.OpText, nil)[2:6])] = true
	}
	if len(seen) < 63 {
		t.Errorf("64 frames have %d masks", len(seen))
	}
}

func TestParseHeader(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     string
		length int64
		n      int
		err    error
	}{
		{"nothing", "", 0, 0, errShortHeader},
		{"1 byte", "\x81", 0, 0, errShortHeader},
		{"7 bits", "\x81\x05", 5, 2, nil},
		{"7 bits, most", "\x81\x7d", 125, 2, nil},
		{"16 bits, short", "\x81\x7e\x01", 0, 0, errShortHeader},
		{"16 bits, least", "\x81\x7e\x00\x7e", 126, 4, nil},
		{"16 bits, most", "\x81\x7e\xff\xff", 65535, 4, nil},
		{"16 bits that 7 hold", "\x81\x7e\x00\x7d", 0, 0, errLengthForm},
		{"64 bits, short", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00", 0, 0, errShortHeader},
		{"64 bits, least", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 65536, 10, nil},
		{"64 bits, most", "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1<<63 - 1, 10, nil},
		{"64 bits that 16 hold", "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 0, 0, errLengthForm},
		{"64 bits, MSB", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 0, 0, errLengthTooBig},
		{"masked", "\x81\x81abcdx", 1, 6, nil},
		{"masked, short", "\x81\x81abc", 0, 0, errShortHeader},
	} {
		h, n, err := parseHeader([]byte(c.in))
		if err != c.err || (err == nil && (h.Length != c.length || n != c.n)) {
			t.Errorf("%s: got %d in %d bytes, %v; want %d in %d, %v", c.name, h.Length, n, err, c.length, c.n, c.err)
		}
	}
}

// FuzzHeader: parseHeader agrees with gobwas/ws on every header that both take, refuses only forms that
// are not the shortest, and says of no whole header that it is short, nor the other way round.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"", "\x81", "\x81\x05hello", "\x82\x7e\x00\x7e", "\x82\x7e\x00\x01", "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00mask", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "\xf9\x80abcd"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := parseHeader(b)
		theirs, theirErr := ws.ReadHeader(bytes.NewReader(b))
		switch {
		case err == nil:
			if theirErr != nil || theirs != h || n > len(b) {
				t.Fatalf("got %+v of %d bytes, gobwas/ws %+v, %v", h, n, theirs, theirErr)
			}
			for i := range n {
				if _, _, err := parseHeader(b[:i]); err != errShortHeader {
					t.Fatalf("%d of %d bytes of the header: got %v, want that it is short", i, n, err)
				}
			}
		case err == errShortHeader && theirErr == nil:
			t.Fatalf("short, but gobwas/ws has %+v", theirs)
		case errors.Is(err, errLengthForm) && (b[1]&0x7f < 126 || minimal(b)):
			t.Fatalf("% x: refused, but it is the shortest form", b)
		}
	})
}

func minimal(b []byte) bool {
	if b[1]&0x7f == 126 {
		return binary.BigEndian.Uint16(b[2:]) > 125
	}
	return binary.BigEndian.Uint64(b[2:]) > 0xffff
}

// FuzzClosePayload: a close frame's payload is taken exactly if it is empty, or a code that may cross the
// wire and UTF-8.
func FuzzClosePayload(f *testing.F) {
	for _, seed := range []string{"", "\x03", "\x03\xe8", "\x03\xe8bye", "\x03\xed", "\x03\xee", "\x03\xf7", "\x03\xf4", "\x0b\xb7", "\x0b\xb8", "\x13\x87", "\x13\x88", "\x03\xe8\xff", "\x00\x00", "\xff\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		code, reason, err := parseClose(p)
		switch {
		case len(p) == 0:
			if err != nil || code != messages.CloseNoStatus {
				t.Fatalf("empty: got %d, %v", code, err)
			}
			return
		case len(p) == 1:
			if err == nil {
				t.Fatal("1 byte was taken")
			}
			return
		}
		if len(p) <= 125 { // as a frame, it has the outcome that the model has
			stream := wstest.Frame(ws.OpClose, true, p)
			if h, want := feedAll(t, stream, nil), modelOf(stream, modelLimit); !h.equal(want) {
				t.Fatalf("got %+v, want %+v", h, want)
			}
		}
		wire := messages.CloseCode(binary.BigEndian.Uint16(p))
		if ok := wire.OnWire() && utf8.Valid(p[2:]); ok != (err == nil) {
			t.Fatalf("code %d, reason %q: got %v", wire, p[2:], err)
		}
		if err == nil && (code != wire || !bytes.Equal(reason, p[2:])) {
			t.Fatalf("got %d %q, want %d %q", code, reason, wire, p[2:])
		}
	})
}

// heard is all that came of feeding a connection.
type heard struct {
	got   []got
	sent  string // frames, unmasked
	wrote []byte // the same as they are
	phase phase
	cause messages.Cause
	end   string
}

func (h heard) equal(o heard) bool {
	return slices.Equal(h.got, o.got) && h.sent == o.sent && h.phase == o.phase && h.end == o.end
}

// feedAll feeds stream to an open connection in pieces of the given sizes; the last is repeated, and none
// means one piece.
//
// On the way it checks what must hold at any time: the counters, the number of buffers in use, and that no
// more memory is held than bytes have come; and at the end, that all is given back and Closed told once.
func feedAll(t testing.TB, stream []byte, pieces []byte) heard {
	return feedAgreed(t, agreement{}, stream, pieces)
}

// feedAgreed is feedAll to a connection that has agreed on g.
func feedAgreed(t testing.TB, g agreement, stream []byte, pieces []byte) heard {
	l := still(t, Options{MaxMessage: modelLimit, Compress: &Compression{Takeover: g.clientTakeover}})
	r, s := new(recorder), &sink{limit: -1}
	c := openOn(l, r, s)
	c.deflate = l.codec.open(g)
	fed := 0
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(pieces) > 0 {
			n = min(n, 1+int(pieces[min(i, len(pieces)-1)]))
		}
		piece := slices.Clone(stream[:n]) // so that whoever keeps a part of it is found out
		c.received(piece)
		for i := range piece {
			piece[i] = 0xee
		}
		l.drain()
		stream = stream[n:]
		fed += n
		if !l.traffic.Balanced() {
			t.Fatalf("counters out of balance after %d bytes: %+v", fed, l.traffic)
		}
		inUse := 0
		if c.rx != nil {
			inUse++
			if have := cap(c.rx.data); have > 2*fed+64 {
				t.Fatalf("%d bytes are set aside, and only %d have come", have, fed)
			}
		}
		if l.BuffersInUse() != inUse {
			t.Fatalf("got %d buffers in use, want %d", l.BuffersInUse(), inUse)
		}
	}
	h := heard{got: r.got, phase: c.phase, sent: unmask(t, s.wrote.Bytes()), wrote: s.wrote.Bytes()}
	if c.ending != nil {
		h.cause = c.ending.cause
		h.end = fmt.Sprintf("%v %v %v", c.ending.cause, c.ending.peerCode, c.ending.reason)
	}
	if c.phase == phaseDraining && (c.rx != nil || !c.timer.IsSet()) {
		t.Fatal("a draining connection keeps what it received, or waits for ever")
	}
	c.readFailed(io.EOF)
	l.drain()
	if len(r.closed) != 1 || !r.closed[0].Opened || l.BuffersInUse() != 0 || l.timers.count != 0 || s.closed != 1 || !l.traffic.Balanced() || l.traffic.Pending != 0 {
		t.Fatalf("left behind: closed told %+v, %d buffers, %d timers, %+v", r.closed, l.BuffersInUse(), l.timers.count, l.traffic)
	}
	return h
}

// modelLimit is the largest message of those tests.
const modelLimit = 1000

func unmask(t testing.TB, b []byte) (s string) {
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err != nil {
			t.Fatalf("what was sent is no frame: %v", err)
		}
		if err := ws.CheckHeader(f.Header, ws.StateServerSide); err != nil {
			t.Fatalf("what was sent: %v", err)
		}
		f = ws.UnmaskFrame(f)
		s += sentence(f.Header.OpCode, f.Payload)
	}
	return s
}

// FuzzFeed: however the bytes of a peer are cut, they have the outcome that the model has.
func FuzzFeed(f *testing.F) {
	for _, stream := range []string{
		frame(0x81, "hello") + frame(0x82, "\x00\xff"),
		frame(0x01, "he") + frame(0x89, "ping") + frame(0x00, "") + frame(0x80, "llo"),
		frame(0x01, "\xe2\x82") + frame(0x80, "\xac") + frame(0x88, "\x03\xe8bye"),
		frame(0x01, "\xe2\x82") + frame(0x80, "a"),
		frame(0x81, string(make([]byte, 300))),
		frame(0x02, string(make([]byte, 900))) + frame(0x80, string(make([]byte, 101))),
		frame(0x8a, "") + frame(0x88, "") + frame(0x81, "ghost"),
		frame(0x88, "\x03"), frame(0xc1, "x"), frame(0x83, "x"), frame(0x80, "x"), "\x81\x81abcdx",
		"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "\x81\x7e\x00\x01x", "\x89\x7e\x00\x7e", frame(0x09, ""),
		frame(0x81, "a\xf4\x90\x80\x80"), frame(0x01, "") + frame(0x01, ""),
		"\x81\x14good \xf4\x8f", "\x81\x14good \xf4\x90", frame(0x01, "\xed") + frame(0x89, "") + frame(0x00, "\xa0"), frame(0x01, "\xf0\x9f\x98"),
		frame(0x02, "\xff") + frame(0x01, "x"), frame(0x88, "\x03\xe8\xff"), frame(0x88, "\x03\xed"), frame(0x88, "\x03\xf4restart"),
		frame(0x01, "a") + frame(0x80, "\xc3"), frame(0x01, "\xc3") + frame(0x80, ""),
		frame(0x0f, ""), "\x88\x7e\x00\x02\x03\xe8", "\x8a\x7f", frame(0x81, string(make([]byte, 1000))) + frame(0x82, string(make([]byte, 1001))),
	} {
		f.Add([]byte(stream), []byte{0})
		f.Add([]byte(stream), []byte{2, 0, 7})
	}
	f.Fuzz(func(t *testing.T, stream, pieces []byte) {
		want := modelOf(stream, modelLimit)
		for _, cut := range [][]byte{nil, pieces, {0}} {
			if h := feedAll(t, stream, cut); !h.equal(want) {
				t.Errorf("% x\ncut by %v: %+v\nwant: %+v", stream, cut, h, want)
			}
		}
	})
}

// A frame that claims to be as long as can be costs nothing until its bytes arrive.
func TestLyingLengthAllocatesNothing(t *testing.T) {
	l := still(t, Options{MaxMessage: 1 << 30})
	c := openOn(l, new(recorder), &sink{limit: -1})
	c.received([]byte("\x82\x7f\x00\x00\x00\x00\x3f\xff\xff\xff" + "only this"))
	if n := cap(c.rx.data); n > 64 {
		t.Errorf("got %d bytes set aside for 9 bytes of a frame that claims 1 GiB", n)
	}
	c.Abort(messages.CauseLocal, nil)
	l.drain()

	l = still(t, Options{})
	r := new(recorder)
	c = openOn(l, r, &sink{limit: -1})
	c.received([]byte("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"))
	if c.rx != nil || c.ending == nil || c.ending.cause != messages.CauseTooBig {
		t.Errorf("a length of 2⁶³-1: got %+v", c.ending)
	}
}

// The payload of a control frame that came in pieces stays what it was while the handler reads it, even if
// answering, or the handler itself, ends the connection.
func TestControlPayloadOutlivesConn(t *testing.T) {
	l := still(t, Options{CloseOnBacklog: true, MaxBacklog: 1})
	r := new(recorder)
	c := openOn(l, r, &sink{limit: 0})
	_ = c.Send(messages.OpText, []byte("stuck"))
	for _, b := range wstest.Frame(ws.OpPing, true, []byte("payload")) {
		c.received([]byte{b})
	}
	if want := []got{{messages.OpPing, "payload"}}; !slices.Equal(r.got, want) || c.ending == nil || c.ending.cause != messages.CauseBacklog {
		t.Errorf("got %v, ending %+v", r.got, c.ending)
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			payload := make([]byte, size)
			var out []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				out = appendFrame(out[:0], ws.OpText, 0x12345678, payload)
			}
		})
	}
}

func BenchmarkParseHeader(b *testing.B) {
	in := wstest.Frame(ws.OpBinary, true, make([]byte, 300))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parseHeader(in); err != nil {
			b.Fatal(err)
		}
	}
}

// quiet is a Handler that does nothing.
type quiet struct{}

func (quiet) Opened(*messages.Opened)   {}
func (quiet) Message(*messages.Message) {}
func (quiet) Closed(*messages.Closed)   {}

// BenchmarkFeed feeds a read's worth of small messages, as a busy connection has them.
func BenchmarkFeed(b *testing.B) {
	l := still(b, Options{})
	c := openOn(l, quiet{}, &sink{limit: -1})
	const n = 16
	in := bytes.Repeat(wstest.Frame(ws.OpText, true, bytes.Repeat([]byte("x"), 64)), n)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		c.received(in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/msg")
}
