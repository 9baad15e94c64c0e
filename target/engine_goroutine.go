package target

import (
	"errors"
	"net"
	"sync"
	"time"
)

const acceptPause = 100 * time.Millisecond

// goroutineEngine runs each session on a goroutine of its own. It is for systems without epoll, and
// is built everywhere so that its tests run everywhere.
type goroutineEngine struct {
	// Static after construction.
	host *host
	mail *mailroom // nil where nothing is pushed
	ln   net.Listener
	quit chan struct{} // closed when accepting is to end
	wg   sync.WaitGroup

	// Guarded by mu.
	mu    sync.Mutex
	conns map[*goConn]struct{}
	away  bool // accepting has ended
}

func newGoroutineEngine(ln net.Listener, o *Options, t *totals) (engine, error) {
	e := &goroutineEngine{
		host: newHost(o, t), ln: ln,
		quit: make(chan struct{}), conns: make(map[*goConn]struct{}),
	}
	if e.host.shared.pushes() {
		e.mail = newMailroom(e.host)
	}
	return e, nil
}

func (e *goroutineEngine) serve() {
	if e.mail != nil {
		// It outlives the connections.
		quit, gone := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			e.mail.run(quit)
		}()
		defer func() {
			close(quit)
			<-gone
		}()
	}
	for {
		nc, err := e.ln.Accept()
		switch {
		case err == nil:
			e.start(nc.(*net.TCPConn))
			continue
		case errors.Is(err, net.ErrClosed):
			e.wg.Wait()
			return
		}
		// Out of descriptors, most likely: wait for some instead of asking again at once.
		e.host.tally.pauses.Add(1)
		select {
		case <-e.quit:
		case <-time.After(acceptPause):
		}
	}
}

func (e *goroutineEngine) start(nc *net.TCPConn) {
	e.host.tally.accepted.Add(1)
	c := newGoConn(nc, e.host)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away {
		_ = nc.Close()
		return
	}
	e.conns[c] = struct{}{}
	e.wg.Go(func() {
		c.run()
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.conns, c)
	})
}

// endAccept stops accepting and gives the connections there are.
func (e *goroutineEngine) endAccept() []*goConn {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.away {
		e.away = true
		close(e.quit)
		e.host.holder.rush()
		_ = e.ln.Close()
	}
	cs := make([]*goConn, 0, len(e.conns))
	for c := range e.conns {
		cs = append(cs, c)
	}
	return cs
}

func (e *goroutineEngine) goAway() {
	for _, c := range e.endAccept() {
		c.away.Store(true)
		// Ends a read at once, and a write to a peer that does not read in time.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		_ = c.nc.SetWriteDeadline(time.Now().Add(e.host.opts.CloseTimeout))
	}
}

func (e *goroutineEngine) stop() {
	for _, c := range e.endAccept() {
		_ = c.nc.Close()
	}
}

func (e *goroutineEngine) release() { e.endAccept() }
