package transport

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/loadrig/loadrig/messages"
)

// handshake is what a connection needs only while it is being opened. It is pooled.
type handshake struct {
	target    *target
	jar       *Jar // nil if the player keeps nothing
	auth      http.Header
	key       [24]byte     // Sec-WebSocket-Key
	head      []byte       // of the response, so far
	interim   int          // responses that came before it
	addrs     []netip.Addr // of the next hop, not yet tried
	server    []netip.Addr // of the server, where a proxy is given those
	sources   tried        // towards the first of addrs
	connected bool         // TCP is up
	phase     messages.Phase
	began     messages.Stamp // of the phase
	times     messages.Handshake
	cancel    context.CancelFunc // of the job under way; nil if there is none
}

// runFunc lets a closure be posted. It must hold nothing that has to be released: a loop that has ended
// drops it.
type runFunc func()

// RunOnLoop implements Runner.
func (f runFunc) RunOnLoop(any) { f() }

// Dial opens a connection as connect says. It returns at once; h is told the outcome in a later turn, in
// Closed also where connect is not valid. jar holds what the player has kept from earlier connections, and
// takes what it is to keep; nil if it keeps nothing.
func (l *Loop) Dial(connect *messages.Connect, jar *Jar, h Handler) *Conn {
	c := &Conn{loop: l, handler: h, hs: l.free.handshake(), index: int32(len(l.conns))}
	l.conns = append(l.conns, c)
	hs := c.hs
	hs.jar = jar
	hs.times.Start = messages.Now()
	if l.stopping.Load() { // nothing may be begun that Run would not wait for
		c.end(messages.CauseShutdown, nil)
		return c
	}
	c.deadline(l.net.opts.DialTimeout)
	t, err := l.compile(connect)
	if err != nil {
		c.end(messages.CauseInternal, err)
		return c
	}
	hs.target = t
	if t.way.err != nil {
		hs.phase = messages.PhaseConnect
		c.end(messages.CauseProxy, fmt.Errorf("proxy: %w", t.way.err))
		return c
	}
	if connect.Auth == nil {
		c.resolve()
	} else {
		c.authorize(connect.Auth)
	}
	return c
}

func (l *Loop) compile(connect *messages.Connect) (*target, error) {
	if l.last.connect != connect {
		t, err := l.net.compile(connect)
		if err != nil {
			return nil, err
		}
		l.last.connect, l.last.target = connect, t
	}
	return l.last.target, nil
}

// job runs f off the loop, and then the function that f gives on it, unless the handshake has ended
// meanwhile; then, if lost is not nil, it is called to release what f made.
func (c *Conn) job(f func(context.Context) (then func(), lost func())) {
	hs, l := c.hs, c.loop
	ctx, cancel := context.WithCancel(context.Background())
	hs.cancel = cancel
	l.net.jobs.do(func() {
		r := &result{conn: c, hs: hs, cancel: cancel}
		r.then, r.lost = f(ctx)
		if !l.post(&l.queue, r, nil) {
			r.RunOnLoop(nil) // the loop has ended, and c with it
		}
	})
}

// result is what a job has made for a connection, which may have ended meanwhile.
type result struct {
	conn       *Conn
	hs         *handshake
	cancel     context.CancelFunc
	then, lost func()
}

// RunOnLoop implements Runner.
func (r *result) RunOnLoop(any) {
	r.cancel()
	switch c := r.conn; {
	case c.hs == r.hs:
		c.hs.cancel = nil
		c.loop.blame = c
		r.then()
	case r.lost != nil:
		r.lost()
	}
}

func (c *Conn) authorize(auth messages.Authorizer) {
	c.job(func(ctx context.Context) (func(), func()) {
		h, err := auth.HandshakeHeaders(ctx)
		return func() {
			if err != nil {
				c.end(messages.CauseAuth, err)
				return
			}
			c.hs.auth = h
			c.resolve()
		}, nil
	})
}

func (c *Conn) enter(p messages.Phase) {
	c.hs.phase, c.hs.began = p, messages.Now()
}

// leave notes how long the phase took.
func (c *Conn) leave() {
	c.hs.times.Phases[c.hs.phase] += max(1, messages.Now().Sub(c.hs.began))
}

// begin sends the upgrade request, as TCP, and TLS if asked for, are up.
func (c *Conn) begin() {
	hs, l := c.hs, c.loop
	hs.connected = true
	c.enter(messages.PhaseUpgrade)
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	base64.StdEncoding.Encode(hs.key[:], nonce[:])
	b := append(l.scratch[:0], hs.target.request...)
	b = append(b, hs.key[:]...)
	b = append(b, "\r\n"...)
	b = append(b, l.net.offer...)
	var extra strings.Builder
	more, err := writeHeaders(&extra, hs.auth)
	if err != nil {
		c.end(messages.CauseAuth, err)
		return
	}
	b = append(b, extra.String()...)
	if cookies := hs.cookies(more); cookies != "" {
		b = append(append(append(b, "Cookie: "...), cookies...), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	l.scratch = b
	n, err := c.st.write(b)
	switch {
	case err != nil:
		c.end(causeOf(err), err)
	case n < len(b):
		c.keep(b[n:], queued{request: true})
	}
}

// upgradeAnswer takes bytes of the answer to the upgrade, and gives those behind its head, which are
// frames already.
func (c *Conn) upgradeAnswer(b []byte) (frames []byte) {
	hs := c.hs
	had := len(hs.head)
	hs.head = append(hs.head, b[:min(len(b), maxHead-had)]...)
	head, found := cutHead(hs.head, had)
	if !found {
		if len(hs.head) >= maxHead {
			c.end(messages.CauseUpgradeInvalid, errHeadTooBig)
		} else if err := checkStart(hs.head); err != nil {
			c.end(messages.CauseUpgradeInvalid, err)
		}
		return nil
	}
	a, err := parseAnswer(head)
	if err == nil && c.loop.net.opts.Cookies && hs.jar != nil {
		hs.jar.keepCookies(hs.target.origin, a.cookies)
	}
	if err == nil && a.interim() {
		if hs.interim++; hs.interim > maxInterim {
			c.end(messages.CauseUpgradeInvalid, errInterim)
			return nil
		}
		rest := b[len(head)-had:]
		hs.head = hs.head[:0]
		return c.upgradeAnswer(rest)
	}
	if err == nil && a.status != http.StatusSwitchingProtocols {
		cause, err := a.refusal()
		c.because(cause, err)
		c.ending.status = a.status
		c.end(cause, nil)
		return nil
	}
	if err == nil {
		err = a.check(hs.key[:], hs.target.subprotocols)
	}
	var agreed agreement
	if err == nil {
		agreed, err = c.loop.net.opts.Compress.agree(a.extensions)
	}
	if err != nil {
		c.end(messages.CauseUpgradeInvalid, err)
		return nil
	}
	c.deflate = c.loop.codec.open(agreed)
	c.open(a.subprotocol)
	return b[len(head)-had:]
}

// open makes the connection one that messages may pass.
func (c *Conn) open(subprotocol string) {
	l := c.loop
	c.leave()
	c.since = messages.Now()
	c.hs.times.Total = c.since.Sub(c.hs.times.Start)
	l.opened = messages.Opened{Subprotocol: subprotocol, Handshake: c.hs.times}
	if c.deflate != nil {
		l.opened.Extensions = c.deflate.text
	}
	c.releaseHandshake()
	c.phase = phaseOpen
	c.lastRead = l.now
	l.timers.unset(&c.timer)
	c.startPings()
	c.watchStalls()
	l.blame = c
	c.handler.Opened(&l.opened)
}

func (c *Conn) releaseHandshake() {
	if c.hs.cancel != nil {
		c.hs.cancel()
	}
	c.loop.free.putHandshake(c.hs)
	c.hs = nil
}
