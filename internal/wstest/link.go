package wstest

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	linkBuffer = 4 << 10
	maxSlices  = 16
	sliceGap   = 200 * time.Microsecond // so that pieces arrive as such
)

// link is one connection through a FaultProxy.
type link struct {
	// Static after construction.
	proxy   *FaultProxy
	n       uint64
	client  net.Conn
	deaf    bool          // should it become half-open, it does not even read
	dropped chan struct{} // closed when both ends have been reset
	over    chan struct{} // closed when nothing is passed on any more
	wg      sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	server net.Conn // nil until connected
	pumps  int      // directions that have not ended
	gone   bool     // dropped is closed
	fate   Fault    // what it is to meet with; NumFaults if with nothing
	left   int      // bytes until then
	struck bool     // it has
	cut    bool
}

func newLink(p *FaultProxy, n uint64, client net.Conn) *link {
	l := &link{proxy: p, n: n, client: client, dropped: make(chan struct{}), over: make(chan struct{})}
	random := l.random(0)
	l.fate, l.left = p.faults.Load().fate(random.Float64(), random.IntN)
	l.deaf = random.IntN(2) == 0
	return l
}

func (l *link) random(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(l.proxy.seed, l.n<<2|stream))
}

// run carries the connection from its beginning to its end.
func (l *link) run() {
	defer l.proxy.forget(l)
	defer l.client.Close()
	if l.fate == FaultRefuse {
		l.proxy.injected[FaultRefuse].Add(1)
		l.drop()
		return
	}
	server, err := l.proxy.reach()
	if err != nil {
		l.drop()
		return
	}
	defer server.Close()
	l.mu.Lock()
	l.server, l.pumps = server, 2
	if l.gone { // meanwhile
		l.mu.Unlock()
		Reset(server)
		return
	}
	// With the lock held, so that whoever strikes finds both running.
	l.wg.Go(func() { l.pump(l.client, server, l.random(1)) })
	l.wg.Go(func() { l.pump(server, l.client, l.random(2)) })
	l.mu.Unlock()
	l.wg.Wait()
}

// drop resets both ends.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return
	}
	l.gone = true
	close(l.dropped)
	Reset(l.client)
	if l.server != nil {
		Reset(l.server)
	}
}

// strike has the link meet with what, now, unless something else has come before.
func (l *link) strike(what Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gone && l.pumps > 0 {
		l.hit(what)
	}
}

// hit is strike with the lock held.
func (l *link) hit(what Fault) {
	if l.struck {
		return
	}
	l.struck = true
	l.proxy.injected[what].Add(1)
	hold := l.proxy.faults.Load().hold()
	switch what {
	case FaultReset:
		hold = 0
	case FaultCut:
		l.cut = true
	}
	// The pumps may be waiting to read, and are to see it at once.
	_ = l.client.SetReadDeadline(time.Now())
	_ = l.server.SetReadDeadline(time.Now())
	l.wg.Go(func() { // before a pump has ended, so run waits for it
		t := time.NewTimer(hold)
		defer t.Stop()
		select {
		case <-t.C:
			l.drop()
		case <-l.dropped:
		case <-l.over:
		}
	})
}

// spend takes n bytes off what is left until the link meets with its fate, and gives how many of them are
// still to be passed on, and whether more are.
func (l *link) spend(n int) (pass int, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.struck {
		return 0, false
	}
	if l.fate == NumFaults || n < l.left {
		l.left -= n
		return n, true
	}
	pass = l.left
	l.hit(l.fate)
	return pass, false
}

// pump passes on what src says until it ends, or the link does.
func (l *link) pump(src, dst net.Conn, random *rand.Rand) {
	defer l.pumped()
	b := make([]byte, linkBuffer)
	for {
		n, err := src.Read(b)
		pass, more := l.spend(n)
		if pass > 0 && l.pass(dst, b[:pass], random) != nil {
			l.drop()
			return
		}
		switch {
		case !more:
			l.linger(src, dst, b)
			return
		case err == io.EOF:
			l.end(dst)
			return
		case err != nil:
			l.drop()
			return
		}
	}
}

func (l *link) pumped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pumps--; l.pumps == 0 {
		close(l.over)
	}
}

// pass writes b to dst with the faults that are in force.
func (l *link) pass(dst net.Conn, b []byte, random *rand.Rand) error {
	f := l.proxy.faults.Load()
	late := f.Latency
	if f.Jitter > 0 {
		late += time.Duration(random.Int64N(int64(f.Jitter)))
	}
	if late > 0 {
		l.proxy.injected[FaultLatency].Add(1)
		l.wait(late)
	}
	piece := len(b)
	if f.Slices > 0 && len(b) > 1 {
		l.proxy.injected[FaultSlices].Add(1)
		piece = max(1+random.IntN(f.Slices), (len(b)+maxSlices-1)/maxSlices)
	}
	if f.Bandwidth > 0 {
		l.proxy.injected[FaultBandwidth].Add(1)
	}
	for {
		n := min(piece, len(b))
		if f.Bandwidth > 0 {
			l.wait(time.Duration(n) * time.Second / time.Duration(f.Bandwidth))
		}
		if _, err := dst.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if len(b) == 0 {
			return nil
		}
		l.wait(sliceGap)
	}
}

// end tells dst that the other side has ended.
func (l *link) end(dst net.Conn) {
	if d := l.proxy.faults.Load().SlowClose; d > 0 {
		l.proxy.injected[FaultSlowClose].Add(1)
		l.wait(d)
	}
	endWriting(dst)
}

// linger is what one direction of a link does between what it has met with and its drop.
func (l *link) linger(src, dst net.Conn, b []byte) {
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	switch {
	case cut:
		endWriting(dst)
	case l.deaf:
		<-l.dropped
		return
	}
	// What comes is lost; reading it keeps the kernel from saying so.
	_ = src.SetReadDeadline(time.Time{})
	for {
		if _, err := src.Read(b); err != nil {
			return
		}
	}
}

func endWriting(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// wait waits for d, or until the link is dropped.
func (l *link) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.dropped:
	}
}
