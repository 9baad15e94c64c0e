package target

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/messages"
)

// newSession gives a session of its own host, past its opening handshake if ph is open.
func newSession(t testing.TB, ph phase, o Options) *session {
	t.Helper()
	o, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	return &session{host: newHost(&o, newTotals()), phase: ph}
}

// feedIn feeds copies of in, cut into pieces of size bytes.
func feedIn(s *session, in []byte, size int) (out []byte) {
	for len(in) > 0 {
		k := min(size, len(in))
		out = s.feed(bytes.Clone(in[:k]), out)
		in = in[k:]
	}
	return out
}

func TestSessionWire(t *testing.T) {
	for _, c := range wireCases {
		for _, size := range []int{1, 2, 3, 7, 1000, 1 << 20} {
			s := newSession(t, open, Options{MaxMessage: wireLimit})
			got := feedIn(s, c.in, size)
			if !bytes.Equal(got, c.want) {
				t.Errorf("%s, in pieces of %d: got %.80x, want %.80x", c.name, size, got, c.want)
			}
			if ended := s.phase >= lingering; ended != c.ends {
				t.Errorf("%s, in pieces of %d: ended: got %v, want %v", c.name, size, ended, c.ends)
			}
			if s.phase != open && (s.part != nil || s.msg != nil) {
				t.Errorf("%s, in pieces of %d: an ended session holds buffers", c.name, size)
			}
		}
	}
}

// An idle session holds no buffer, whatever has passed through it.
func TestSessionHoldsNothing(t *testing.T) {
	s := newSession(t, open, Options{})
	feedIn(s, join(cf(ws.OpText, false, big(100)), cf(ws.OpContinuation, true, big(100_000))), 999)
	if s.part != nil || s.msg != nil || s.op != 0 {
		t.Errorf("got part %d, msg %d bytes, op %d, want none", cap(s.part), cap(s.msg), s.op)
	}
}

func TestSessionGoAway(t *testing.T) {
	s := newSession(t, open, Options{})
	if got, want := s.goAway(nil), sclose(1001, ""); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	// What crosses our close frame is counted and not answered; a fault is not answered either.
	if got := feedIn(s, join(cf(ws.OpText, true, "late"), cf(ws.OpPing, true, "")), 100); len(got) > 0 {
		t.Errorf("answered after the close frame: %x", got)
	}
	if got := feedIn(s, cclose(1001, ""), 100); len(got) > 0 || s.phase != done {
		t.Errorf("got %x and phase %d, want nothing and %d", got, s.phase, done)
	}
	st := s.host.totals.snapshot()
	want := Stats{
		Received: 1, ReceivedBytes: 4, Pings: 1,
		Closes: map[messages.CloseCode]uint64{1001: 1},
	}
	if d := cmp.Diff(want, st); d != "" {
		t.Errorf("stats (-want +got):\n%s", d)
	}
}

func TestSessionAllocs(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		size int
	}{
		{"text", cf(ws.OpText, true, big(64)), 1 << 20},
		{"in two reads", cf(ws.OpText, true, big(1000)), 600},
		{"fragments", join(cf(ws.OpText, false, big(64)), cf(ws.OpContinuation, true, big(64))), 1 << 20},
		{"64 KiB in four reads", cf(ws.OpBinary, true, big(1<<16)), 20_000},
		{"ping", cf(ws.OpPing, true, "p"), 1 << 20},
	} {
		s := newSession(t, open, Options{})
		in, out := make([]byte, len(c.in)), make([]byte, 0, 1<<20)
		n := testing.AllocsPerRun(100, func() {
			out = out[:0]
			copy(in, c.in)
			for rest := in; len(rest) > 0; {
				k := min(c.size, len(rest))
				out = s.feed(rest[:k], out)
				rest = rest[k:]
			}
		})
		if n != 0 || len(out) == 0 {
			t.Errorf("%s: got %v allocations for %d bytes, want 0", c.name, n, len(out))
		}
	}
}

// parseHeader agrees with gobwas/ws on every header that is in its shortest form.
func TestParseHeader(t *testing.T) {
	for _, n := range []int64{0, 125, 126, 65535, 65536, 1 << 40} {
		for _, masked := range []bool{false, true} {
			want := ws.Header{Fin: n%2 == 0, Rsv: 5, OpCode: ws.OpBinary, Masked: masked, Length: n}
			if masked {
				want.Mask = testMask
			}
			var b bytes.Buffer
			if err := ws.WriteHeader(&b, want); err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				if _, size, err := parseHeader(b.Bytes()[:i]); size != 0 || err != nil {
					t.Errorf("length %d, %d bytes: got size %d and %v, want 0", n, i, size, err)
				}
			}
			got, size, err := parseHeader(b.Bytes())
			if got != want || size != b.Len() || err != nil {
				t.Errorf("got %+v, %d, %v; want %+v, %d", got, size, err, want, b.Len())
			}
		}
	}
}

func TestBuffers(t *testing.T) {
	var p buffers
	for _, c := range []struct{ n, want int }{
		{0, 512}, {1, 512}, {512, 512}, {513, 1024}, {1 << 25, 1 << 25}, {1<<25 + 1, 1 << 26},
	} {
		b := p.get(c.n)
		if cap(b) != c.want {
			t.Errorf("for %d bytes: got %d, want %d", c.n, cap(b), c.want)
		}
		p.put(b)
		if p.kept > maxKept {
			t.Errorf("kept %d bytes, want %d at most", p.kept, maxKept)
		}
	}
	b := p.append(nil, []byte("ab"))
	b = p.append(b, bytes.Repeat([]byte("c"), 1000))
	if len(b) != 1002 || string(b[:3]) != "abc" {
		t.Errorf("append lost bytes: %d, %q", len(b), b[:3])
	}
}

func BenchmarkSessionFeed(b *testing.B) {
	for _, n := range []int{64, 1 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			s := newSession(b, open, Options{})
			frame := cf(ws.OpText, true, big(n))
			in, out := make([]byte, len(frame)), make([]byte, 0, 1<<17)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				copy(in, frame)
				out = s.feed(in, out[:0])
			}
		})
	}
}
