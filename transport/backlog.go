package transport

import "github.com/loadrig/loadrig/messages"

// backlog holds what a socket did not take: frames, and before them what is left of the request for the
// upgrade. It is pooled; a connection that keeps up has none.
type backlog struct {
	buf    []byte
	head   int // buf[:head] was taken
	frames []queued
	first  int            // frames[:first] were taken
	since  messages.Stamp // when the socket last took something
}

type queued struct {
	end     int // of the frame, in buf
	payload int // its size
	op      messages.Op
	request bool // it is no frame but the request, and no message to be counted
}

// queue keeps what is left of a frame.
func (c *Conn) queue(op messages.Op, rest []byte, payload int) {
	c.keep(rest, queued{payload: payload, op: op})
	c.loop.traffic.Pending++
}

func (c *Conn) keep(rest []byte, q queued) {
	began := c.tx == nil
	if began {
		c.tx = c.loop.free.backlog()
		c.tx.since = messages.Now()
	}
	c.tx.buf = append(c.tx.buf, rest...)
	q.end = len(c.tx.buf)
	c.tx.frames = append(c.tx.frames, q)
	if began && c.phase == phaseOpen {
		c.watchStalls()
	}
}

// writable offers the backlog to the socket.
func (c *Conn) writable() {
	tx := c.tx
	for tx != nil && tx.head < len(tx.buf) {
		n, err := c.st.write(tx.buf[tx.head:])
		if err != nil {
			c.writeFailed(err)
			return
		}
		if n == 0 {
			return
		}
		c.took(tx, n)
	}
	if tx != nil {
		c.tx = nil
		c.loop.free.putBacklog(tx)
	}
}

// took counts the frames of which the socket now has the last byte.
func (c *Conn) took(tx *backlog, n int) {
	l := c.loop
	tx.head += n
	tx.since = l.now
	for tx.first < len(tx.frames) && tx.frames[tx.first].end <= tx.head {
		if f := &tx.frames[tx.first]; !f.request {
			c.sent(f.op, f.payload)
			l.traffic.Pending--
		}
		tx.first++
	}
	// Move what is left to the front now and then, so that a peer that never quite catches up does not
	// make the buffer grow.
	if tx.head > 4096 && tx.head > len(tx.buf)/2 {
		tx.buf = append(tx.buf[:0], tx.buf[tx.head:]...)
		tx.frames = append(tx.frames[:0], tx.frames[tx.first:]...)
		tx.first = 0
		for i := range tx.frames {
			tx.frames[i].end -= tx.head
		}
		tx.head = 0
	}
}

// dropBacklog gives up what was not sent, and tells how many messages that were.
func (c *Conn) dropBacklog() int {
	tx := c.tx
	if tx == nil {
		return 0
	}
	n := c.Pending()
	c.loop.traffic.Pending -= uint64(n)
	c.loop.traffic.Dropped[messages.DropClosed] += uint64(n)
	c.tx = nil
	c.loop.free.putBacklog(tx)
	return n
}

// pools are a loop's free lists. They need no lock, and keep at most as much as was in use at once, up
// to maxFree of each.
type pools struct {
	assemblies []*assembly
	backlogs   []*backlog
	handshakes []*handshake
}

const (
	maxFree         = 256
	maxPooledFrames = 1 << 10 // a backlog of tiny frames has many; larger lists are left to the garbage collector
)

func (p *pools) assembly() *assembly { return pop(&p.assemblies) }
func (p *pools) backlog() *backlog   { return pop(&p.backlogs) }

func (p *pools) handshake() *handshake { return pop(&p.handshakes) }

func (p *pools) putHandshake(h *handshake) {
	*h = handshake{head: h.head[:0]}
	push(&p.handshakes, h)
}

func (p *pools) putAssembly(a *assembly) {
	if cap(a.data) > maxPooledData {
		a.data = nil
	}
	*a = assembly{data: a.data[:0]}
	push(&p.assemblies, a)
}

func (p *pools) putBacklog(b *backlog) {
	if cap(b.buf) > maxPooledData {
		b.buf = nil
	}
	if cap(b.frames) > maxPooledFrames {
		b.frames = nil
	}
	*b = backlog{buf: b.buf[:0], frames: b.frames[:0]}
	push(&p.backlogs, b)
}

func pop[T any](free *[]*T) *T {
	n := len(*free) - 1
	if n < 0 {
		return new(T)
	}
	x := (*free)[n]
	(*free)[n] = nil
	*free = (*free)[:n]
	return x
}

func push[T any](free *[]*T, x *T) {
	if len(*free) < maxFree {
		*free = append(*free, x)
	}
}
