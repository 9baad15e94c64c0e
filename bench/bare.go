//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// bareClient is the reference: an event loop in Go as good as we can write it, with nothing on it that
// could be left out. It has no actors, states, timers, deadlines, limits or checks beyond the frame
// header, and treats whatever is unusual as the end of the connection. It shares no code with loadrig but
// gobwas/ws' masking. It makes two time stamps and counts one latency a round trip, in a plain array.
type bareClient struct {
	// Static after construction.
	job     job
	poll    *barePoll
	to      unix.SockaddrInet4
	request []byte
	epoch   time.Time
	started chan error // the outcome of connect

	// Owned by the loop.
	conns    []bareConn // by descriptor
	fds      []int32    // in the order they opened
	dialed   int
	dialing  int
	now      int64 // ns since epoch, when the read being handled returned
	in       []byte
	out      []byte
	random   *rand.ChaCha8
	latency  histogram
	answered uint64
	schedule bareSchedule

	// Atomic.
	answers atomic.Uint64 // answered, as of the last turn
	opened  atomic.Int64
	pacing  atomic.Bool
	stop    atomic.Bool
	stopped chan struct{}
}

// bareConn is all that is kept of a connection: 16 bytes.
type bareConn struct {
	sent  int64  // ns since epoch
	left  uint32 // bytes of a frame that has arrived in part
	stage bareStage
}

type bareStage uint8

const (
	bareNone bareStage = iota
	bareConnecting
	bareUpgrading
	bareOpen
)

func newBareClient(j job) (client, error) {
	c := &bareClient{
		job: j, epoch: time.Now(), started: make(chan error, 1), stopped: make(chan struct{}),
		in: make([]byte, 64<<10), random: rand.NewChaCha8([32]byte{1}),
	}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	var err error
	c.poll, err = newBarePoll()
	return c, err
}

func (c *bareClient) clock() int64 { return int64(time.Since(c.epoch)) }

// run is the loop: whatever is ready, else wait.
func (c *bareClient) run() {
	defer close(c.stopped)
	for !c.stop.Load() {
		c.dialMore()
		n := c.poll.ready()
		if n == 0 {
			n = c.poll.wait(c.timeout())
		}
		for i := range n {
			ev := &c.poll.events[i]
			if err := c.handle(int(ev.Fd)); err != nil {
				c.lose(int(ev.Fd), err)
			}
		}
		if c.pacing.Load() {
			c.sendDue()
		}
		c.answers.Store(c.answered)
	}
	for _, fd := range c.fds {
		closeWithReset(int(fd))
	}
	c.poll.close()
}

// lose ends a connection. While connecting that is the end of it all; later the count of open ones tells.
func (c *bareClient) lose(fd int, err error) {
	switch c.conns[fd].stage {
	case bareNone:
		return
	case bareOpen:
		c.opened.Add(-1)
	default:
		select {
		case c.started <- err:
		default:
		}
	}
	c.conns[fd] = bareConn{}
	_ = c.poll.remove(fd) // the descriptor stays taken until the end, so that its number stays its own
}

func (c *bareClient) handle(fd int) error {
	if fd == c.poll.bell {
		c.poll.mute()
		return nil
	}
	conn := &c.conns[fd]
	switch conn.stage {
	case bareOpen:
		n, err := rawRead(fd, c.in)
		if err != nil {
			return err
		}
		c.now = c.clock()
		return c.frames(fd, conn, c.in[:n])
	case bareConnecting:
		return c.connected(fd, conn)
	case bareUpgrading:
		return c.upgraded(fd, conn)
	default:
		return nil
	}
}

var (
	errBareFrame = errors.New("not an echo frame")
	errBareShort = errors.New("the socket took part of a frame")
)

// frames parses in place what a server may send: final, unmasked text frames of the size we sent.
func (c *bareClient) frames(fd int, conn *bareConn, b []byte) error {
	if conn.left > 0 { // the rest of a frame whose header was read
		n := min(int(conn.left), len(b))
		conn.left -= uint32(n)
		if b = b[n:]; conn.left > 0 {
			return nil
		}
		if err := c.echo(fd, conn); err != nil {
			return err
		}
	}
	for len(b) > 0 {
		if len(b) < 2 || b[0] != 0x80|byte(ws.OpText) || b[1] != payloadSize {
			return errBareFrame // a header in two pieces does not happen with an echo at a time
		}
		if b = b[2:]; len(b) < payloadSize {
			conn.left = uint32(payloadSize - len(b))
			return nil
		}
		b = b[payloadSize:]
		if err := c.echo(fd, conn); err != nil {
			return err
		}
	}
	return nil
}

// echo takes a whole echo.
func (c *bareClient) echo(fd int, conn *bareConn) error {
	c.latency.record(time.Duration(c.now - conn.sent))
	c.answered++
	if c.job.Mode == modeClosed {
		return c.send(fd, conn)
	}
	return nil
}

// send builds a masked frame in the scratch and writes it at once.
func (c *bareClient) send(fd int, conn *bareConn) error {
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], uint32(c.random.Uint64()))
	b := append(c.out[:0], 0x80|byte(ws.OpText), 0x80|payloadSize, mask[0], mask[1], mask[2], mask[3])
	b = append(b, payload[:]...)
	ws.Cipher(b[6:], mask, 0)
	c.out = b
	conn.sent = c.clock()
	n, err := rawWrite(fd, b)
	if err == nil && n < len(b) {
		err = errBareShort
	}
	return err
}

func (c *bareClient) trips() uint64 { return c.answers.Load() }
func (c *bareClient) open() int     { return int(c.opened.Load()) }

func (c *bareClient) connect() error {
	go c.run()
	if err := <-c.started; err != nil {
		return fmt.Errorf("bare: %w", err)
	}
	return nil
}

func (c *bareClient) close() {
	c.stop.Store(true)
	c.poll.wake()
	<-c.stopped
}
