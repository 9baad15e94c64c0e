package target

import (
	"bufio"
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// The far side of these tests is the standard library's compress/flate, and wsflate's helper.

const extensionHeader = "Sec-WebSocket-Extensions"

// TestCompressionAnswer: what is answered to which offer, if compression is on.
func TestCompressionAnswer(t *testing.T) {
	const yes = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for _, c := range []struct {
		name   string
		offers []string // header fields
		want   string   // in the answer; empty: nothing
		status int
	}{
		{"none", nil, "", 101},
		{"plain", []string{"permessage-deflate"}, yes, 101},
		{"as browsers do", []string{"permessage-deflate; client_max_window_bits"}, yes, 101},
		{"all four", []string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10"}, yes + "; server_max_window_bits=9; client_max_window_bits=10", 101},
		{"the widest", []string{"permessage-deflate; server_max_window_bits=15; client_max_window_bits=15"}, yes + "; server_max_window_bits=15; client_max_window_bits=15", 101},
		{"in quotes", []string{`permessage-deflate; server_max_window_bits="8"`}, yes + "; server_max_window_bits=8", 101},
		{"the first that is known", []string{"mux, permessage-deflate; server_max_window_bits=9, permessage-deflate"}, yes + "; server_max_window_bits=9", 101},
		{"in a later field", []string{"mux", "permessage-deflate"}, yes, 101},
		{"unknown", []string{"x-webkit-deflate-frame, mux; a=b"}, "", 101},
		{"an offer that is wrong, then one that is not", []string{"permessage-deflate; server_max_window_bits=7, permessage-deflate; client_max_window_bits"}, yes, 101},
		{"only wrong ones", []string{"permessage-deflate; server_max_window_bits=16, permessage-deflate; x, permessage-deflate; server_no_context_takeover=1, permessage-deflate; server_max_window_bits"}, "", 101},
		{"malformed", []string{"permessage-deflate; ="}, "", 400},
		{"malformed behind a good one", []string{"permessage-deflate", "a; ="}, "", 400},
	} {
		var lines []string
		for _, o := range c.offers {
			lines = append(lines, extensionHeader+": "+o)
		}
		s := newSession(t, opening, Options{Compress: true})
		out := feedIn(s, goodHead("", lines...), 1000)
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
		if err != nil {
			t.Errorf("%s: %v in %q", c.name, err, out)
			continue
		}
		_ = res.Body.Close()
		if got := strings.Join(res.Header.Values(extensionHeader), "|"); got != c.want || res.StatusCode != c.status {
			t.Errorf("%s: got %q, status %d, want %q, %d", c.name, got, res.StatusCode, c.want, c.status)
		}
		if compresses := s.window > 0; compresses != (c.want != "") {
			t.Errorf("%s: a window of %d bits", c.name, s.window)
		}
	}
}

// pack compresses a client's message.
func pack(message string) string {
	var b bytes.Buffer
	w, _ := stdflate.NewWriter(&b, 9)
	_, _ = io.WriteString(w, message)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), syncTail)
}

// unpack decompresses a server's message.
func unpack(t testing.TB, packed []byte) string {
	t.Helper()
	in := io.MultiReader(bytes.NewReader(packed), strings.NewReader(syncTail+"\x01"+syncTail))
	b, err := io.ReadAll(stdflate.NewReader(in))
	if err != nil {
		t.Fatalf("%v in %.100x", err, packed)
	}
	return string(b)
}

// pcf is cf with RSV1 set.
func pcf(op ws.OpCode, fin bool, payload string) []byte {
	f := ws.NewFrame(op, fin, []byte(payload))
	f.Header.Rsv = rsv1
	return encode(ws.MaskFrameWith(f, testMask))
}

// answered is a frame of the server, inflated.
type answered struct {
	op      ws.OpCode
	packed  bool
	payload string
}

func (a answered) String() string {
	return fmt.Sprintf("%d %v %.40q", a.op, a.packed, a.payload)
}

// answers reads what the server has sent.
func answers(t testing.TB, out []byte) (all []answered) {
	t.Helper()
	for r := bytes.NewReader(out); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err != nil {
			t.Fatalf("bad answer: %v in %.200x", err, out)
		}
		a := answered{op: f.Header.OpCode, packed: f.Header.Rsv == rsv1, payload: string(f.Payload)}
		if a.packed {
			f.Header.Rsv = 0
			a.payload = unpack(t, f.Payload)
		}
		if err := ws.CheckHeader(f.Header, ws.StateClientSide); err != nil || !f.Header.Fin || a.packed && f.Header.OpCode.IsControl() {
			t.Fatalf("bad answer: %+v, %v", f.Header, err)
		}
		all = append(all, a)
	}
	return all
}

// packedCases say what a server that has agreed on compression answers. Fuzzing reads them too.
var packedCases = []struct {
	name string
	in   []byte
	want []answered
	ends bool
}{
	{"text", pcf(ws.OpText, true, pack("Grüße")), []answered{{ws.OpText, true, "Grüße"}}, false},
	{"binary", pcf(ws.OpBinary, true, pack("\xff\x00")), []answered{{ws.OpBinary, true, "\xff\x00"}}, false},
	{"empty", pcf(ws.OpText, true, "\x00"), []answered{{ws.OpText, true, ""}}, false},
	{"not compressed", cf(ws.OpText, true, "plain"), []answered{{ws.OpText, false, "plain"}}, false},
	{
		"by turns", join(cf(ws.OpText, true, "a"), pcf(ws.OpText, true, pack("b")), cf(ws.OpText, true, "c")),
		[]answered{{ws.OpText, false, "a"}, {ws.OpText, true, "b"}, {ws.OpText, false, "c"}}, false,
	},
	{
		"fragments and a ping", join(pcf(ws.OpText, false, pack("message")[:3]), cf(ws.OpPing, true, "p"), cf(ws.OpContinuation, true, pack("message")[3:])),
		[]answered{{ws.OpPong, false, "p"}, {ws.OpText, true, "message"}}, false,
	},
	{
		"fragments that are not, after one that is", join(pcf(ws.OpText, false, pack("x")), cf(ws.OpContinuation, true, ""), cf(ws.OpText, false, "a"), cf(ws.OpContinuation, true, "b")),
		[]answered{{ws.OpText, true, "x"}, {ws.OpText, false, "ab"}}, false,
	},
	{"at the limit", pcf(ws.OpBinary, true, pack(big(wireLimit))), []answered{{ws.OpBinary, true, big(wireLimit)}}, false},
	{"over the limit", pcf(ws.OpBinary, true, pack(big(wireLimit+1))), []answered{{ws.OpClose, false, "\x03\xf1more than 70000 bytes"}}, true},
	{"over the limit before", pcf(ws.OpBinary, true, chaff(wireLimit+1)), []answered{{ws.OpClose, false, "\x03\xf1more than 70000 bytes"}}, true},
	{"not deflate", pcf(ws.OpText, true, "Hello"), []answered{{ws.OpClose, false, "\x03\xeanot deflate"}}, true},
	{"it breaks off", pcf(ws.OpText, true, pack("message")[:4]), []answered{{ws.OpClose, false, "\x03\xeanot deflate"}}, true},
	{"not UTF-8", pcf(ws.OpText, true, pack("a\xff")), []answered{{ws.OpClose, false, "\x03\xefnot utf-8"}}, true},
	{"RSV1 on a continuation", join(pcf(ws.OpText, false, ""), pcf(ws.OpContinuation, true, "")), []answered{{ws.OpClose, false, "\x03\xea" + string(ws.ErrProtocolNonZeroRsv)}}, true},
	{"RSV1 on a ping", pcf(ws.OpPing, true, ""), []answered{{ws.OpClose, false, "\x03\xea" + string(ws.ErrProtocolNonZeroRsv)}}, true},
	{"RSV1 on a close frame", pcf(ws.OpClose, true, ""), []answered{{ws.OpClose, false, "\x03\xea" + string(ws.ErrProtocolNonZeroRsv)}}, true},
	{"RSV2", append([]byte{0xa1}, cf(ws.OpText, true, "")[1:]...), []answered{{ws.OpClose, false, "\x03\xea" + string(ws.ErrProtocolNonZeroRsv)}}, true},
}

// chaff gives n bytes that do not compress.
func chaff(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return string(b)
}

func TestSessionPacked(t *testing.T) {
	for _, c := range packedCases {
		for _, size := range []int{1, 3, 1000, 1 << 20} {
			s := newSession(t, open, Options{MaxMessage: wireLimit})
			s.window = fullWindow
			got := answers(t, feedIn(s, c.in, size))
			if !slices.Equal(got, c.want) || s.phase >= lingering != c.ends {
				t.Errorf("%s, in pieces of %d: got %v, phase %d, want %v", c.name, size, got, s.phase, c.want)
			}
			if s.part != nil || s.msg != nil || s.packed {
				t.Errorf("%s, in pieces of %d: it holds something between messages", c.name, size)
			}
		}
	}
}

// TestSessionWindow: the server's matches reach as far as its window and no further. What it echoes is
// chaff twice, which shrinks to about half if the second can refer to the first.
func TestSessionWindow(t *testing.T) {
	for bits := 8; bits <= fullWindow; bits++ {
		for _, c := range []struct {
			apart  int
			shrink bool
		}{{min(1<<bits*3/4, 20_000), true}, {1<<bits + 1, false}} {
			s := newSession(t, open, Options{})
			s.window = uint8(bits)
			message := chaff(c.apart) + chaff(c.apart)
			out := feedIn(s, pcf(ws.OpBinary, true, pack(message)), 1<<20)
			if got := answers(t, out); len(got) != 1 || got[0].payload != message || len(out) < c.apart*3/2 != c.shrink {
				t.Errorf("%d bits, %d bytes apart: echoed in %d bytes, shrink: want %v", bits, c.apart, len(out), c.shrink)
			}
		}
	}
}

// TestSessionBomb: 1 MiB that inflates to 1 GiB is stopped at the limit, and costs no more than that and
// the growth of its scratch.
func TestSessionBomb(t *testing.T) {
	const limit = 2 << 20 // what is on the wire passes it
	part := pack(string(make([]byte, 16<<20))) + syncTail
	bomb := []byte(strings.TrimSuffix(strings.Repeat(part, 64), syncTail))
	s := newSession(t, open, Options{MaxMessage: limit})
	s.window = fullWindow
	in := pcf(ws.OpBinary, true, string(bomb))
	if got := answers(t, feedIn(s, in, 64<<10)); len(got) != 1 || got[0].op != ws.OpClose || got[0].payload != "\x03\xf1more than 2097152 bytes" {
		t.Errorf("answered %v, want a close frame with 1009", got)
	}
	z := new(codec) // not the pool's, which forgets under the race detector
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, bad := z.inflate(bomb, limit)
	runtime.ReadMemStats(&after)
	// The scratch doubles from 4 KiB to 2 MiB, and then has a byte more: 6 MiB in all. The message with its
	// tail: 1.1 MiB; twice that under the race detector.
	if got := after.TotalAlloc - before.TotalAlloc; bad == nil || got > 9<<20 {
		t.Errorf("got %v, %d bytes allocated, want at most 9 MiB", bad, got)
	}
}

// TestPackedEcho has a client of gobwas/ws talk to both engines.
func TestPackedEcho(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		s := start(t, mk, Options{Compress: true})
		conn := dialRaw(t, s)
		u, err := url.Parse(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		d := ws.Dialer{Extensions: []httphead.Option{wsflate.DefaultParameters.Option()}}
		_, hs, err := d.Upgrade(conn, u)
		if err != nil || len(hs.Extensions) != 1 {
			t.Fatalf("agreed on %v, %v", hs.Extensions, err)
		}
		h := wsflate.Helper{
			Compressor:   func(w io.Writer) wsflate.Compressor { f, _ := stdflate.NewWriter(w, 9); return f },
			Decompressor: func(r io.Reader) wsflate.Decompressor { return stdflate.NewReader(r) },
		}
		var total uint64
		sizes := []int{0, 1, 64, 1000, 65536, 1 << 20, 64}
		for _, n := range sizes {
			f, err := h.CompressFrame(ws.NewTextFrame([]byte(big(n))))
			if err != nil {
				t.Fatal(err)
			}
			if err := ws.WriteFrame(conn, ws.MaskFrame(f)); err != nil {
				t.Fatal(err)
			}
			f, err = ws.ReadFrame(conn)
			if err == nil && f.Header.Rsv != rsv1 {
				t.Errorf("%d bytes came compressed and went as they are", n)
			}
			if err == nil {
				f, err = h.DecompressFrame(f)
			}
			if err != nil || string(f.Payload) != big(n) {
				t.Fatalf("%d bytes: got %d, %v", n, len(f.Payload), err)
			}
			total += uint64(n)
		}
		if st := s.Stats(); st.ReceivedBytes != total || st.SentBytes != total || st.Received != uint64(len(sizes)) {
			t.Errorf("%d bytes in %d messages: counted %+v", total, len(sizes), st)
		}
	})
}

// FuzzFeedPacked: however a client's frames are cut, the answer is the same; it is what was sent, and no
// more than the limit.
func FuzzFeedPacked(f *testing.F) {
	for _, c := range packedCases {
		if len(c.in) < 1000 {
			f.Add(c.in, uint8(3), uint8(15))
			f.Add(c.in, uint8(0), uint8(8))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, size, window uint8) {
		o := Options{MaxMessage: 1000}
		whole, cut := newSession(t, open, o), newSession(t, open, o)
		whole.window = 8 + window%8
		cut.window = whole.window
		want := answers(t, whole.feed(bytes.Clone(in), nil))
		got := answers(t, feedIn(cut, in, int(size)+1))
		if !slices.Equal(got, want) || cut.phase != whole.phase {
			t.Fatalf("cut by %d: got %v, phase %d; whole: %v, phase %d", int(size)+1, got, cut.phase, want, whole.phase)
		}
		st := whole.host.totals.snapshot()
		var messages, bytes uint64
		for _, a := range want {
			if a.op.IsData() {
				messages++
				bytes += uint64(len(a.payload))
				if len(a.payload) > 1000 || a.op == ws.OpText && !utf8.ValidString(a.payload) {
					t.Fatalf("echoed: %q", a.payload)
				}
			}
		}
		if messages != st.Sent || bytes != st.SentBytes || messages != st.Received || bytes != st.ReceivedBytes {
			t.Fatalf("got %d messages of %d bytes, counted %+v", messages, bytes, st)
		}
	})
}

func BenchmarkSessionFeedPacked(b *testing.B) {
	s := newSession(b, open, Options{})
	s.window = fullWindow
	frame := pcf(ws.OpText, true, pack(big(1<<10)))
	in, out := make([]byte, len(frame)), make([]byte, 0, 1<<17)
	b.SetBytes(1 << 10)
	b.ReportAllocs()
	for b.Loop() {
		copy(in, frame)
		out = s.feed(in, out[:0])
	}
}
