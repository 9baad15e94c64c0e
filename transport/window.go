package transport

import "math/bits"

// window is the end of what one side has sent compressed, to which its next message may refer back: the
// LZ77 window of context takeover (RFC 7692 §7.2). One of size 0 keeps nothing.
type window struct {
	buf  []byte // pooled; grows as bytes come, to size
	size int    // in bytes, a power of two
}

// add moves the window on past b, which is copied.
func (w *window) add(p *windowPool, b []byte) {
	if w.size == 0 {
		return
	}
	b = b[max(0, len(b)-w.size):]
	if over := len(w.buf) + len(b) - w.size; over > 0 {
		w.buf = w.buf[:copy(w.buf, w.buf[over:])]
	}
	if need := len(w.buf) + len(b); need > cap(w.buf) {
		bigger := append(p.get(need), w.buf...)
		p.put(w.buf)
		w.buf = bigger
	}
	w.buf = append(w.buf, b...)
}

// last gives the last n bytes, or as many as there are. They live until the next add.
func (w *window) last(n int) []byte {
	return w.buf[len(w.buf)-max(0, min(n, len(w.buf))):]
}

func (w *window) release(p *windowPool) {
	p.put(w.buf)
	w.buf = nil
}

const (
	minWindow      = 1 << minWindowBits
	windowSizes    = maxWindowBits - minWindowBits + 1
	maxKeptWindows = 8 << 20 // bytes that a pool keeps; the rest of many that ended is left to the garbage collector
)

// windowPool holds the buffers of windows, of each power of two from 256 bytes to 32 KiB. It belongs to a
// loop.
type windowPool struct {
	free  [windowSizes][][]byte
	kept  int // bytes in free
	inUse int // bytes given out
}

// get gives an empty buffer for n bytes or more, at most 32 KiB.
func (p *windowPool) get(n int) []byte {
	i := bits.Len(uint(max(n, minWindow)-1)) - minWindowBits
	size := minWindow << i
	p.inUse += size
	last := len(p.free[i]) - 1
	if last < 0 {
		return make([]byte, 0, size)
	}
	b := p.free[i][last]
	p.free[i][last] = nil
	p.free[i] = p.free[i][:last]
	p.kept -= size
	return b
}

// put takes a buffer back; nil is allowed.
func (p *windowPool) put(b []byte) {
	if b == nil {
		return
	}
	p.inUse -= cap(b)
	if p.kept+cap(b) <= maxKeptWindows {
		i := bits.Len(uint(cap(b))-1) - minWindowBits
		p.kept += cap(b)
		p.free[i] = append(p.free[i], b[:0])
	}
}
