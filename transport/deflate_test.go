package transport

import (
	"bytes"
	stdflate "compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// The far side of these tests is the standard library's compress/flate, of which the client's has forked.

// withTail gives what codec.inflate wants of a message.
func withTail(packed string) []byte { return append([]byte(packed), inflateTail...) }

// serverPack compresses as a server does that refers back to dict.
func serverPack(t testing.TB, message, dict string, level int) string {
	t.Helper()
	var b bytes.Buffer
	w, err := stdflate.NewWriterDict(&b, level, []byte(dict))
	if err == nil {
		_, err = w.Write([]byte(message))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	s, ok := strings.CutSuffix(b.String(), syncTail)
	if !ok {
		t.Fatalf("flushed to %x", b.Bytes())
	}
	return s
}

// fatal is what testing.T and rapid.T have in common.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// serverUnpack decompresses as a server does that remembers dict.
func serverUnpack(t fatal, packed []byte, dict string) string {
	t.Helper()
	b, err := io.ReadAll(stdflate.NewReaderDict(bytes.NewReader(withTail(string(packed))), []byte(dict)))
	if err != nil {
		t.Fatalf("the server could not inflate %.100x: %v", packed, err)
	}
	return string(b)
}

// speech gives n bytes of JSON as players send it, different for each i.
func speech(n, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"seq":%d,"type":"move","player":"player-%d"`, i, i%97)
	for k := 0; b.Len() < n; k++ {
		fmt.Fprintf(&b, `,"k%d":{"x":%d.%d,"y":%d}`, k, (i*7919+k*31)%1000, (i*k*13)%97, (i*104729+k)%1000)
	}
	return b.String()[:n]
}

// noise gives n bytes that do not compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return string(b)
}

// takeover is an agreement with context takeover in both directions.
func takeover(serverBits, clientBits uint8) agreement {
	return agreement{deflate: true, serverTakeover: true, clientTakeover: true, serverBits: serverBits, clientBits: clientBits}
}

// plainDeflate is an agreement without.
var plainDeflate = agreement{deflate: true, serverBits: maxWindowBits, clientBits: maxWindowBits}

// TestDeflate: what the client sends is what a server reads, for each window, with and without takeover.
func TestDeflate(t *testing.T) {
	for bits := uint8(minWindowBits); bits <= maxWindowBits; bits++ {
		sizes := []int{0, 1, 12, 13, 33, 64, 127, 128, 200, 255, 256, 257, 1000, 4 << 10, 5000, 64, 300}
		if bits%4 == 3 {
			sizes = append(sizes, 32<<10, 33_000, 70_000, 64, 300)
		}
		for _, takes := range []bool{false, true} {
			var z codec
			d := z.open(agreement{deflate: true, clientTakeover: takes, clientBits: bits, serverBits: maxWindowBits})
			var before string // the server's window
			for i, n := range sizes {
				for _, message := range []string{speech(n, i), noise(n), strings.Repeat("x", n)} {
					packed := z.deflate(d, []byte(message))
					if bytes.HasSuffix(packed, []byte(syncTail)) {
						t.Fatalf("%d bits, takeover %v, %d bytes: the tail was left in", bits, takes, n)
					}
					if got := serverUnpack(t, packed, before); got != message {
						t.Fatalf("%d bits, takeover %v, %d bytes: the server has %d others", bits, takes, n, len(got))
					}
					if takes {
						d.sent.add(&z.pool, []byte(message))
						before += message
						before = before[max(0, len(before)-1<<bits):] // all that the server has to remember
					}
				}
			}
			if takes != (len(d.sent.buf) > 0) || len(d.sent.buf) > min(1<<bits, reach) {
				t.Errorf("%d bits, takeover %v: %d bytes are kept of what was sent", bits, takes, len(d.sent.buf))
			}
		}
	}
}

// TestDeflateKeepsToWindow: matches reach as far back as the window and no further. What is sent is noise
// twice, so that it shrinks to about half if the second can refer to the first, and else not at all.
func TestDeflateKeepsToWindow(t *testing.T) {
	for bits := uint8(minWindowBits); bits <= maxWindowBits; bits++ {
		for _, takes := range []bool{false, true} {
			size := 1 << bits
			for _, c := range []struct {
				apart  int
				shrink bool
			}{{min(size*3/4, 12<<10), true}, {size + 1, false}, {size * 3 / 2, false}} {
				once := noise(c.apart)
				var z codec
				d := z.open(agreement{deflate: true, clientTakeover: takes, clientBits: bits, serverBits: maxWindowBits})
				if takes {
					d.sent.add(&z.pool, []byte(once))
					if c.apart > maxLinked {
						continue // sent on its own
					}
					// once, remembered, and now once more
					packed := z.deflate(d, []byte(once))
					// The dictionary and the message have to fit the window together.
					if fits := 2*c.apart <= size; (len(packed) < c.apart/2) != fits {
						t.Errorf("%d bits, takeover, %d bytes apart: got %d bytes, shrink: want %v", bits, c.apart, len(packed), fits)
					}
					continue
				}
				packed := z.deflate(d, []byte(once+once))
				// Half of it, and a tenth more for the windows' ends, or all of it.
				if shrunk := len(packed) < c.apart*3/2; shrunk != c.shrink {
					t.Errorf("%d bits, %d bytes apart: got %d bytes, shrink: want %v", bits, c.apart, len(packed), c.shrink)
				}
			}
		}
	}
}

// TestTakeoverShrinks: with takeover, small messages that are much alike become much smaller. That is what
// it is for.
func TestTakeoverShrinks(t *testing.T) {
	var z codec
	alone, linked := z.open(plainDeflate), z.open(takeover(15, 15))
	var sizes [2]int
	for i := range 50 {
		m := []byte(speech(64, i))
		sizes[0] += len(z.deflate(alone, m))
		sizes[1] += len(z.deflate(linked, m))
		linked.sent.add(&z.pool, m)
	}
	if sizes[1]*2 > sizes[0] {
		t.Errorf("50 messages of 64 bytes: got %d bytes with takeover and %d without, want at most half", sizes[1], sizes[0])
	}
}

// deflateCases are messages as servers send them. hello is "Hello" of RFC 7692 §7.2.3.
const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"

var deflateCases = []struct {
	name   string
	packed string
	want   string
	err    error
}{
	{"RFC 7692 §7.2.3.1: a block", hello, "Hello", nil},
	{"§7.2.3.3: a block without compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello", nil},
	{"§7.2.3.4: a final block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello", nil},
	{"§7.2.3.5: two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello", nil},
	{"§7.2.3.6: empty", "\x00", "", nil},
	{"empty, compressed", "\x02\x00", "", nil},
	{"a final block and nothing behind it", "\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello", nil},
	{"two final blocks", "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "HelloHello", nil},
	{"a final block and another one", "\xf3\x48\xcd\xc9\xc9\x07\x00" + hello, "HelloHello", nil},
	{"final and empty, 1000 times", strings.Repeat("\x03\x00", 1000) + hello, "Hello", nil},
	{"a final block that the tail completes", hello[:6] + "\x04\x00\x00\xff\xff\x01", "Hello", nil},
	{"flushed 1000 times", strings.Repeat("\x00\x00\x00\xff\xff", 1000) + hello, "Hello", nil},

	{"nothing", "", "", errNotDeflate},
	{"a reserved block", "\x06", "", errNotDeflate},
	{"it breaks off", hello[:4], "", errNotDeflate},
	{"it breaks off within a stored block", "\x00\x50\x00\xaf\xff\x48", "", errNotDeflate},
	{"a stored block that swallows the tail", "\x00\x09\x00\xf6\xff", "", errNotDeflate},
	{"a stored block whose lengths differ", "\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00", "", errNotDeflate},
	{"a match before the beginning", "\x62\x04\x21\x00", "", errNotDeflate},
	{"a second stream that refers to the first", "\xf3\x48\xcd\xc9\xc9\x07\x00" + "\xf2\x00\x11\x00\x00", "", errNotDeflate},
	{"garbage behind a final block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x06\x00", "", errNotDeflate},
	{"text", "Hello", "", errNotDeflate},
	{"over the limit", serverPackOnce(strings.Repeat("x", 1001)), "", errMessageTooBig},
	{"at the limit", serverPackOnce(strings.Repeat("x", 1000)), strings.Repeat("x", 1000), nil},
}

func serverPackOnce(message string) string {
	var b bytes.Buffer
	w, _ := stdflate.NewWriter(&b, 9)
	_, _ = io.WriteString(w, message)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), syncTail)
}

func TestInflate(t *testing.T) {
	var z codec // one for all: no case is the worse for another
	for _, g := range []agreement{plainDeflate, takeover(15, 15)} {
		for _, c := range deflateCases {
			d := z.open(g)
			got, err := z.inflate(d, withTail(c.packed), 1000)
			if !errors.Is(err, c.err) || string(got) != c.want {
				t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
			}
			if err == nil && g.serverTakeover && !strings.HasSuffix(c.want, string(d.received.buf)) {
				t.Errorf("%s: remembers %q", c.name, d.received.buf)
			}
			z.close(d)
		}
	}
	if z.pool.inUse != 0 {
		t.Errorf("%d bytes of windows are in use, want 0", z.pool.inUse)
	}
}

// TestInflateTakeover: a server's messages refer to earlier ones, as far as its window reaches; and not to
// what came before a final block, as then its compressor began anew.
func TestInflateTakeover(t *testing.T) {
	var z codec
	d := z.open(takeover(15, 15))
	say := func(packed, want string) {
		t.Helper()
		if got, err := z.inflate(d, withTail(packed), 1<<20); err != nil || string(got) != want {
			t.Fatalf("got %.40q, %v, want %.40q", got, err, want)
		}
	}
	say(hello, "Hello")
	say("\xf2\x00\x11\x00\x00", "Hello") // RFC 7692 §7.2.3.2
	var said string
	said = "HelloHello"
	for i, n := range []int{64, 100, 5000, 40_000, 64, 0, 64} {
		m := speech(n, i)
		say(serverPack(t, m, said, 9), m)
		said += m
	}
	say("\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello")
	if len(d.received.buf) != 0 {
		t.Errorf("%d bytes are remembered behind a final block, want 0", len(d.received.buf))
	}
	say("\xf3\x48\xcd\xc9\xc9\x07\x00"+hello, "HelloHello")
	say("\xf2\x00\x11\x00\x00", "Hello") // refers to the second
	if _, err := z.inflate(z.open(plainDeflate), withTail("\xf2\x00\x11\x00\x00"), 1000); !errors.Is(err, errNotDeflate) {
		t.Errorf("without takeover, a message that refers back: got %v", err)
	}

	// Of a small window no more is kept, so a server that refers further back than agreed is found out.
	small := z.open(takeover(8, 15))
	first, second := noise(300), noise(300)[:30]
	if _, err := z.inflate(small, withTail(serverPack(t, first, "", 9)), 1000); err != nil || len(small.received.buf) != 256 {
		t.Fatalf("got %v, %d bytes remembered", err, len(small.received.buf))
	}
	if _, err := z.inflate(small, withTail(serverPack(t, second, first, 9)), 1000); !errors.Is(err, errNotDeflate) {
		t.Errorf("a match 300 bytes back in a window of 256: got %v, want an error", err)
	}
}

// bomb gives a message of about 1 MiB that inflates to 1 GiB: 64 times 16 MiB of zeros.
func bomb(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w, err := stdflate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 16<<20))
	_ = w.Flush()
	part := b.String() // ends at a byte, and refers to nothing before it
	all := strings.Repeat(part, 64)
	if len(all) > 2<<20 {
		t.Fatalf("the bomb has %d bytes", len(all))
	}
	return strings.TrimSuffix(all, syncTail)
}

// allocated gives the bytes that f allocates, whether or not they are freed again.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBomb: 1 MiB that inflates to 1 GiB is stopped at the limit, and costs no memory but the scratch; a
// message of the limit's size costs that size once.
func TestBomb(t *testing.T) {
	var z codec
	d := z.open(plainDeflate)
	packed := withTail(bomb(t))
	// The scratch grows by doubling from 4 KiB to 1 MiB: 2 MiB in all. Inflater and tables: 64 KiB.
	const scratch = 2<<20 + 256<<10
	got := allocated(func() {
		if m, err := z.inflate(d, packed, DefaultMaxMessage); !errors.Is(err, errMessageTooBig) {
			t.Errorf("got %d bytes, %v, want that it is too big", len(m), err)
		}
	})
	if got > scratch {
		t.Errorf("a bomb had %d bytes allocated, want at most %d", got, scratch)
	}
	whole := withTail(serverPackOnce(string(make([]byte, DefaultMaxMessage))))
	got = allocated(func() {
		m, err := z.inflate(d, whole, DefaultMaxMessage)
		if err != nil || len(m) != DefaultMaxMessage {
			t.Errorf("got %d bytes, %v, want all", len(m), err)
		}
	})
	if got > DefaultMaxMessage+64<<10 {
		t.Errorf("a message at the limit had %d bytes allocated, want its size", got)
	}
	if cap(z.text) > maxScratch || cap(z.deflated) > maxScratch {
		t.Errorf("a scratch of %d and %d bytes is kept", cap(z.text), cap(z.deflated))
	}
}

// TestBigMessages with sizes about those at which the scratch grows and is passed.
func TestInflateSizes(t *testing.T) {
	var z codec
	d := z.open(takeover(15, 15))
	var said string
	for i, n := range []int{4095, 4096, 4097, 8192, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, 10} {
		m := speech(n, i)
		got, err := z.inflate(d, withTail(serverPack(t, m, said, 1)), 4<<20)
		if err != nil || string(got) != m {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
		said = (said + m)[max(0, len(said)+len(m)-32<<10):]
	}
}

// poolForgets tells whether allocations cannot be pinned, as messages that do not refer back are compressed
// with scratch from a sync.Pool, which on purpose forgets some of what it is given under the race detector.
func poolForgets(g agreement, size int) bool {
	return raceDetector && (!g.clientTakeover || size > maxLinked) && (size <= 1<<g.clientBits || g.clientBits == maxWindowBits)
}

// TestCodecAllocs: in the steady state nothing is allocated, either way, whatever was agreed on.
func TestCodecAllocs(t *testing.T) {
	for _, c := range []struct {
		name string
		g    agreement
		size int
	}{
		{"64 bytes", plainDeflate, 64},
		{"16 KiB", plainDeflate, 16 << 10},
		{"200 KiB", plainDeflate, 200 << 10},
		{"64 bytes with takeover", takeover(15, 15), 64},
		{"4 KiB with takeover", takeover(15, 15), 4 << 10},
		{"16 KiB with takeover", takeover(15, 15), 16 << 10},
		{"64 bytes in windows of 256", takeover(8, 8), 64},
		{"4 KiB in windows of 256", takeover(8, 8), 4 << 10},
	} {
		var z codec
		d := z.open(c.g)
		message := []byte(speech(c.size, 1))
		packed := withTail(serverPack(t, string(message), "", 1))
		n := testing.AllocsPerRun(50, func() {
			if got := z.deflate(d, message); len(got) == 0 {
				t.Fatal("nothing was sent")
			}
			d.sent.add(&z.pool, message)
			if got, err := z.inflate(d, packed, 1<<20); err != nil || len(got) != c.size {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		})
		switch {
		case poolForgets(c.g, c.size):
			t.Logf("SKIPPED under the race detector: %s", c.name)
		case n != 0:
			t.Errorf("%s: got %v allocations a message, want 0", c.name, n)
		}
	}
}

// TestCompressedSizes pins what a connection that compresses costs: without takeover nothing, as all of a
// loop share one deflation; with takeover its own, and windows that grow to what was agreed on.
func TestCompressedSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("SKIPPED: sizes are of 64-bit systems")
	}
	// agreement 5, padding 3, text 16, two windows of 24 and 8
	if got := unsafe.Sizeof(deflation{}); got != 88 {
		t.Errorf("a deflation has %d bytes, want 88", got)
	}
	var z codec
	if one, other := z.open(plainDeflate), z.open(plainDeflate); one != other {
		t.Error("two connections without takeover have a deflation each, want one for both")
	}
	if z.open(agreement{}) != nil {
		t.Error("a connection that does not compress has a deflation")
	}
	d := z.open(takeover(15, 15))
	if z.pool.inUse != 0 {
		t.Errorf("before the first message: %d bytes of windows, want 0", z.pool.inUse)
	}
	message := []byte(speech(100, 1))
	packed := withTail(serverPack(t, string(message), "", 9))
	for i, want := range map[int]int{1: 256 + 256, 3: 512 + 512, 50: 8<<10 + 8<<10, 90: 8<<10 + 16<<10, 1000: 8<<10 + 32<<10} {
		d.sent.release(&z.pool)
		d.received.release(&z.pool)
		for range i {
			d.sent.add(&z.pool, message)
			if _, err := z.inflate(d, packed, 1000); err != nil {
				t.Fatal(err)
			}
		}
		if z.pool.inUse != want {
			t.Errorf("after %d messages of 100 bytes each way: %d bytes of windows, want %d", i, z.pool.inUse, want)
		}
	}
	z.close(d)
	if z.pool.inUse != 0 || z.pool.kept > maxKeptWindows {
		t.Errorf("in the end %d bytes of windows are in use, and %d kept", z.pool.inUse, z.pool.kept)
	}
}

// Windows of many connections that end do not stay for ever.
func TestWindowPoolIsBounded(t *testing.T) {
	var p windowPool
	var given [][]byte
	for range 1000 {
		given = append(given, p.get(32<<10))
	}
	if want := 1000 * 32 << 10; p.inUse != want {
		t.Errorf("got %d bytes in use, want %d", p.inUse, want)
	}
	for _, b := range given {
		p.put(b)
	}
	if p.inUse != 0 || p.kept != maxKeptWindows {
		t.Errorf("got %d bytes in use and %d kept, want 0 and %d", p.inUse, p.kept, maxKeptWindows)
	}
	for _, n := range []int{1, 256, 257, 32<<10 - 1, 32 << 10} {
		if b := p.get(n); cap(b) < n || cap(b) >= max(2*n, 512) || len(b) != 0 {
			t.Errorf("for %d bytes: got %d", n, cap(b))
		}
	}
}

// FuzzInflate: what a server sends inflates to what compress/flate makes of it, or is refused; never to
// more than the limit; and one message does not change what becomes of the next.
func FuzzInflate(f *testing.F) {
	for _, c := range deflateCases {
		if len(c.packed) < 3000 {
			f.Add([]byte(c.packed), []byte{})
			f.Add([]byte(hello), []byte(c.packed))
		}
	}
	f.Add([]byte(serverPackOnce(speech(900, 1))), []byte("\xf2\x00\x11\x00\x00"))
	f.Add([]byte(serverPackOnce(noise(500))), []byte(serverPackOnce(strings.Repeat("ab", 400))))
	var z codec
	f.Fuzz(func(t *testing.T, first, second []byte) {
		const limit = 1000
		d := z.open(takeover(15, 15))
		defer z.close(d)
		var said []byte
		for _, packed := range [][]byte{first, second} {
			got, err := z.inflate(d, withTail(string(packed)), limit)
			if len(got) > limit {
				t.Fatalf("%x: got %d bytes, want at most %d", packed, len(got), limit)
			}
			in := bytes.NewReader(withTail(string(packed)))
			want, theirs := io.ReadAll(io.LimitReader(stdflate.NewReaderDict(in, said), limit+1))
			// The standard library stops at the first final block, which may be the peer's; what is said behind
			// one is checked by the cases above.
			toEnd := in.Len() == 0
			switch {
			case theirs != nil && err == nil,
				errors.Is(err, errNotDeflate) && theirs == nil && toEnd && len(want) <= limit,
				errors.Is(err, errMessageTooBig) && theirs == nil && toEnd && len(want) <= limit,
				err == nil && !bytes.HasPrefix(got, want), err == nil && toEnd && len(got) != len(want):
				t.Fatalf("%x: got %q, %v, compress/flate has %q, %v", packed, got, err, want, theirs)
			}
			if err != nil || !toEnd {
				return
			}
			said = append(said, got...)
			if !bytes.HasSuffix(said, d.received.buf) {
				t.Fatalf("%x: remembers %q, said was %q", packed, d.received.buf, said)
			}
			said = bytes.Clone(d.received.buf)
		}
	})
}

// FuzzDeflate: whatever is sent, in whatever window, is what the server reads.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("hello"), []byte("hello again"), uint8(0), true)
	f.Add([]byte(speech(600, 1)), []byte(speech(600, 2)), uint8(1), true)
	f.Add([]byte(noise(300)), []byte(noise(300)), uint8(0), false)
	f.Add([]byte{}, bytes.Repeat([]byte("a"), 600), uint8(7), true)
	var z codec
	f.Fuzz(func(t *testing.T, first, second []byte, bits uint8, takes bool) {
		g := agreement{deflate: true, clientTakeover: takes, clientBits: minWindowBits + bits%windowSizes, serverBits: maxWindowBits}
		d := z.open(g)
		defer z.close(d)
		var said string
		for _, m := range [][]byte{first, second, first} {
			if got := serverUnpack(t, z.deflate(d, m), said); got != string(m) {
				t.Fatalf("sent %q, the server has %q", m, got)
			}
			if takes {
				d.sent.add(&z.pool, m)
				said = (said + string(m))[max(0, len(said)+len(m)-1<<g.clientBits):]
			}
		}
	})
}
