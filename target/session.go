package target

import (
	"encoding/binary"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// phase is where a session is in its life; it only grows.
type phase uint8

const (
	opening   phase = iota // the request head is not whole yet
	open                   // messages are answered
	closing                // our close frame was made first; the peer's is awaited, nothing is answered
	lingering              // our last word was made; whatever the peer still sends is thrown away
	done                   // nothing is awaited: the engine flushes and closes TCP
)

// failure is what a peer did wrong: the close code it gets, and the reason in words.
type failure struct {
	code   messages.CloseCode
	reason string
}

var (
	failNotUTF8    = &failure{messages.CloseInvalidPayload, "not utf-8"}
	failCloseShort = &failure{messages.CloseProtocolError, "close frame with half a code"}
	failSlow       = &failure{messages.ClosePolicyViolation, "does not read"}
	failExpired    = &failure{CloseTokenExpired, "token expired"}
)

func protocolFailure(reason string) *failure {
	return &failure{messages.CloseProtocolError, reason}
}

// host is what the sessions of one loop have in common.
type host struct {
	// Static after construction.
	opts    *Options
	totals  *totals
	tally   *tally
	shared  shared
	talk    conversation        // nil: messages are echoed
	index   int                 // among the hosts of a hall
	spoiler *spoiler            // nil: it makes no faults
	holder  *holder             // nil: answers are sent at once
	post    func(delivery) bool // has deliver called with it; any goroutine may. Set by the engine, if anything is ever posted

	pool   buffers
	codecs sync.Pool // of *codec

	// Owned by the engine's loop, or guarded by mu where each session has a goroutine.
	mu      sync.Mutex
	entered []*guest // who get ticks
	beat    uint64   // the last tick that was made, or that nobody was there for
}

func newHost(o *Options, t *totals) *host {
	h := &host{
		opts: o, totals: t, tally: t.newTally(), shared: t.shared, talk: t.shared.conversation(),
		codecs: sync.Pool{New: func() any { return new(codec) }},
	}
	h.spoiler = newSpoiler(o)
	if h.shared.hall != nil {
		h.shared.hall.attach(h)
	}
	h.holder = newHolder(h.shared.delays, h)
	return h
}

// session is the server's side of one connection's protocol: bytes in, bytes out. It knows no socket
// and no clock. The engine calls one method at a time, writes what it appended to out, then acts on
// the phase: after lingering, half-close and discard; after done, close.
type session struct {
	// Static after construction.
	host  *host
	guest *guest // what the session is beyond an echo's; nil for that

	// Owned by the engine.
	phase   phase
	counted bool      // among totals.open
	window  uint8     // bits, of compressed messages; 0: there are none
	packed  bool      // the message whose fragments are being joined is compressed
	op      ws.OpCode // of the message whose fragments are being joined, else 0
	part    []byte    // pooled: a begun request head or frame
	msg     []byte    // pooled: the payload of the fragments so far
}

// feed takes what the socket read and appends what it should be answered with to out. It unmasks
// inside in, and keeps no reference to either slice.
func (s *session) feed(in, out []byte) []byte {
	if s.phase == opening {
		in, out = s.feedHead(in, out)
	}
	for len(in) > 0 && (s.phase == open || s.phase == closing) {
		if len(s.part) > 0 {
			in, out = s.resume(in, out)
			continue
		}
		h, n, bad := s.header(in)
		if bad != nil {
			return s.fail(bad, out)
		}
		if n == 0 || h.Length > int64(len(in)-n) {
			s.part = s.host.pool.append(s.part, in)
			return out
		}
		end := n + int(h.Length)
		out = s.frame(h, in[n:end], out)
		in = in[end:]
	}
	return out
}

// resume completes the frame that part begins, with no byte of in beyond it. It gives back the rest
// of in.
func (s *session) resume(in, out []byte) (rest, _ []byte) {
	for {
		h, n, bad := s.header(s.part)
		if bad != nil {
			return nil, s.fail(bad, out)
		}
		want := headerSize(s.part)
		if n > 0 {
			want += int(h.Length)
			if len(s.part) == want {
				out = s.frame(h, s.part[n:], out)
				s.dropPart()
				return in, out
			}
		}
		if len(in) == 0 {
			return nil, out
		}
		k := min(want-len(s.part), len(in))
		s.part = s.host.pool.append(s.part, in[:k])
		in = in[k:]
	}
}

// header parses and judges the frame header at the start of b, before any of its payload is kept. n is
// 0 while it is not whole.
func (s *session) header(b []byte) (h ws.Header, n int, bad *failure) {
	h, n, err := parseHeader(b)
	if err != nil {
		return h, n, protocolFailure(err.Error())
	}
	if n == 0 {
		return h, 0, nil
	}
	state := ws.StateServerSide
	if s.op != 0 {
		state |= ws.StateFragmented
	}
	checked := h
	if s.window > 0 && h.Rsv == rsv1 && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) {
		checked.Rsv = 0
	}
	if err := ws.CheckHeader(checked, state); err != nil {
		return h, n, protocolFailure(err.Error())
	}
	limit := s.host.opts.MaxMessage
	if h.OpCode.IsData() && h.Length > int64(limit-len(s.msg)) {
		return h, n, tooBig(limit)
	}
	return h, n, nil
}

// frame takes one whole frame whose header was judged; p is its payload, masked.
func (s *session) frame(h ws.Header, p, out []byte) []byte {
	ws.Cipher(p, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		s.host.tally.pings.Add(1)
		if s.phase == open {
			out = appendFrame(out, ws.OpPong, p)
		}
		return out
	case ws.OpPong: // unsolicited: allowed, and ignored (RFC 6455 §5.5.3)
		return out
	case ws.OpClose:
		return s.closeFrame(p, out)
	}
	if s.op == 0 && h.Fin {
		return s.message(h.OpCode, h.Rsv == rsv1, p, out)
	}
	if s.op == 0 {
		s.op, s.packed = h.OpCode, h.Rsv == rsv1
	}
	s.msg = s.host.pool.append(s.msg, p)
	if h.Fin {
		out = s.message(s.op, s.packed, s.msg, out)
		s.dropMessage()
	}
	return out
}

// message answers a whole message. An echo goes out as the message came, compressed or not; other answers are
// never compressed, so that what many get is made once.
func (s *session) message(op ws.OpCode, packed bool, p, out []byte) []byte {
	var z *codec
	if packed {
		z = s.host.codecs.Get().(*codec)
		defer s.host.codecs.Put(z)
		var bad *failure
		if p, bad = z.inflate(p, s.host.opts.MaxMessage); bad != nil {
			return s.fail(bad, out)
		}
	}
	if op == ws.OpText && !utf8.Valid(p) {
		return s.fail(failNotUTF8, out)
	}
	t := s.host.tally
	t.received.Add(1)
	t.receivedBytes.Add(uint64(len(p)))
	if s.phase != open {
		return out
	}
	if s.host.talk != nil {
		if answered, ok := s.host.talk.message(s, op, p, out); ok {
			return s.hold(answered, len(out))
		}
	}
	for range s.host.spoilEcho(op, p) {
		if s.phase != open { // the one before was too much to hold back
			break
		}
		t.sent.Add(1)
		t.sentBytes.Add(uint64(len(p)))
		at := len(out)
		if packed {
			out = z.deflate(out, op, p, int(s.window))
		} else {
			out = appendFrame(out, op, p)
		}
		out = s.hold(out, at)
	}
	return out
}

// hold has the answer at the end of out, from at on, held back if the server is to be slow.
func (s *session) hold(out []byte, at int) []byte {
	if s.host.holder == nil {
		return out
	}
	return s.host.holder.hold(s, out, at)
}

// closeFrame completes the closing handshake, whoever began it. The server closes TCP first
// (RFC 6455 §7.1.1), so that TIME_WAIT does not use up the client's ports.
func (s *session) closeFrame(p, out []byte) []byte {
	code := messages.CloseNoStatus
	if len(p) > 0 {
		if len(p) == 1 {
			return s.fail(failCloseShort, out)
		}
		code = messages.CloseCode(binary.BigEndian.Uint16(p))
		if !code.OnWire() {
			return s.fail(protocolFailure("close code "+strconv.Itoa(int(code))), out)
		}
		if !utf8.Valid(p[2:]) {
			return s.fail(failNotUTF8, out)
		}
	}
	s.host.totals.closed(code)
	if s.phase == open {
		out = appendClose(out, code, "")
	}
	s.end(done)
	return out
}

// fail ends the session with a close frame that says what the peer did wrong.
func (s *session) fail(bad *failure, out []byte) []byte {
	if s.phase == open {
		s.host.tally.failed.Add(1)
	}
	return s.shut(bad, out)
}

// shut ends the session with a close frame.
func (s *session) shut(bad *failure, out []byte) []byte {
	if s.phase == open {
		out = appendClose(out, bad.code, bad.reason)
	}
	s.end(lingering)
	return out
}

// tooSlow ends a session whose peer does not read what others have it sent.
func (s *session) tooSlow(out []byte) []byte {
	if s.phase == open {
		s.host.tally.slow.Add(1)
	}
	return s.shut(failSlow, out)
}

// goAway begins the closing handshake from this side.
func (s *session) goAway(out []byte) []byte {
	switch s.phase {
	case opening:
		s.end(done)
	case open:
		s.uncount()
		s.phase = closing
		out = appendClose(out, messages.CloseGoingAway, "")
	}
	return out
}

// life gives how long the session may stay in its phase, as far as the protocol says; 0: no end is set.
func (s *session) life() time.Duration {
	if s.phase != open || s.guest == nil || s.guest.pass == nil {
		return 0
	}
	return max(1, s.guest.pass.ends.Sub(messages.Now()))
}

// expire tells the session that its deadline has passed.
func (s *session) expire(out []byte) []byte {
	switch s.phase {
	case opening:
		s.host.tally.refused.Add(1)
	case open: // only a token ends by itself
		s.host.tally.expired.Add(1)
		return s.shut(failExpired, out)
	}
	s.end(done)
	return out
}

// end moves on to phase p, lingering or done, and lets go of everything else. It may be called again.
func (s *session) end(p phase) {
	s.phase = max(s.phase, p)
	s.uncount()
	s.dropPart()
	s.dropMessage()
}

func (s *session) uncount() {
	if s.counted {
		s.counted = false
		s.host.totals.open.Add(-1)
		if s.host.talk != nil {
			s.host.talk.leave(s)
		}
	}
}

func (s *session) dropPart() {
	s.host.pool.put(s.part)
	s.part = nil
}

func (s *session) dropMessage() {
	s.host.pool.put(s.msg)
	s.msg, s.op, s.packed = nil, 0, false
}
