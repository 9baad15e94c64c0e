package target

import (
	"math/bits"
	"sync"
)

const (
	minBuffer   = 512
	bufferSizes = 17       // 512 B to 32 MiB, in powers of two
	maxKept     = 32 << 20 // bytes a pool keeps; a burst of big messages leaves no more behind
	keptScratch = 2 << 20  // a bigger scratch is left to the garbage collector after its message
)

// buffers is a pool of byte slices for what does not end with a read: begun frames, fragments, and
// output that a socket did not take. sync.Pool would do, but for the allocation of a slice header at
// each Put and for mixing sizes that are far apart.
type buffers struct {
	// Guarded by mu.
	mu   sync.Mutex
	free [bufferSizes][][]byte
	kept int
}

// append appends data to b, which is nil or from this pool. It moves b to a bigger buffer where it
// must, so b is not to be used after it.
func (p *buffers) append(b, data []byte) []byte {
	if need := len(b) + len(data); need > cap(b) {
		bigger := p.get(need)[:len(b)]
		copy(bigger, b)
		p.put(b)
		b = bigger
	}
	return append(b, data...)
}

// get gives an empty buffer for n bytes or more.
func (p *buffers) get(n int) []byte {
	i := sizeIndex(n)
	if i < bufferSizes {
		p.mu.Lock()
		if last := len(p.free[i]) - 1; last >= 0 {
			b := p.free[i][last]
			p.free[i][last] = nil
			p.free[i] = p.free[i][:last]
			p.kept -= cap(b)
			p.mu.Unlock()
			return b
		}
		p.mu.Unlock()
	}
	return make([]byte, 0, minBuffer<<i)
}

// put gives a buffer back; nil is allowed.
func (p *buffers) put(b []byte) {
	if cap(b) == 0 {
		return
	}
	i := sizeIndex(cap(b))
	if i >= bufferSizes || cap(b) != minBuffer<<i {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept+cap(b) <= maxKept {
		p.kept += cap(b)
		p.free[i] = append(p.free[i], b[:0])
	}
}

// sizeIndex gives the smallest i with minBuffer<<i >= n.
func sizeIndex(n int) int {
	return bits.Len(uint(max(n, minBuffer)-1) / minBuffer)
}
