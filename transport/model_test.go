package transport

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/messages"
)

// model reads all that a peer has said on an open connection the simple way, frame by frame from RFC 6455,
// without a thought of how it arrived. What a Conn makes of the same bytes must be the same.
type model struct {
	limit int // of a message

	heard
	in   []byte
	text bool // of the message that has begun
	data []byte
	open bool // it has begun and not ended
}

func modelOf(in []byte, limit int) heard {
	m := model{limit: limit, in: in, heard: heard{phase: phaseOpen}}
	for m.phase == phaseOpen && m.frame() {
	}
	return m.heard
}

// frame takes the next frame; more is false where its header is not there in full, or its payload.
func (m *model) frame() (more bool) {
	b := m.in
	if len(b) < 2 {
		return false
	}
	first, masked, n := b[0], b[1]&0x80 != 0, uint64(b[1]&0x7f)
	size, least := 2, uint64(0) // of the header, and of what may be said in its form
	switch n {
	case 126:
		size, least = 4, 126
	case 127:
		size, least = 10, 1<<16
	}
	if len(b) < size {
		return false
	}
	switch size {
	case 4:
		n = uint64(binary.BigEndian.Uint16(b[2:]))
	case 10:
		n = binary.BigEndian.Uint64(b[2:])
	}
	if n < least || n >= 1<<63 {
		return m.fail(messages.CauseProtocolError, messages.CloseProtocolError)
	}
	if masked && len(b) < size+4 {
		return false
	}
	op, fin := first&0x0f, first&0x80 != 0
	control, known := op&0x8 != 0, op <= 2 || (op >= 8 && op <= 10)
	switch {
	case masked, first&0x70 != 0, !known, control && (n > 125 || !fin), !control && (op == 0) != m.open:
		return m.fail(messages.CauseProtocolError, messages.CloseProtocolError)
	case !control && n+uint64(len(m.data)) > uint64(m.limit):
		return m.fail(messages.CauseTooBig, messages.CloseTooBig)
	}
	payload := b[size:]
	whole := uint64(len(payload)) >= n
	if whole {
		payload = payload[:n]
	}
	m.in = b[size+len(payload):]
	if control {
		return whole && m.control(op, payload)
	}
	if op != 0 {
		m.text = op == 1
	}
	m.data = append(m.data, payload...)
	m.open = true
	end := whole && fin
	if m.text && !beginsUTF8(m.data, end) {
		return m.fail(messages.CauseBadUTF8, messages.CloseInvalidPayload)
	}
	if end {
		m.got = append(m.got, got{map[bool]messages.Op{true: messages.OpText, false: messages.OpBinary}[m.text], string(m.data)})
		m.open, m.data = false, nil
	}
	return whole
}

func (m *model) control(op byte, payload []byte) (more bool) {
	switch op {
	case 0x8:
		return m.closed(payload)
	case 0x9:
		m.say(ws.OpPong, payload)
		m.got = append(m.got, got{messages.OpPing, string(payload)})
	default:
		m.got = append(m.got, got{messages.OpPong, string(payload)})
	}
	return true
}

func (m *model) closed(payload []byte) (more bool) {
	code := messages.CloseNoStatus
	reason := ""
	switch {
	case len(payload) == 1:
		return m.fail(messages.CauseProtocolError, messages.CloseProtocolError)
	case len(payload) > 1:
		code, reason = messages.CloseCode(binary.BigEndian.Uint16(payload)), string(payload[2:])
		switch {
		case !code.OnWire():
			return m.fail(messages.CauseProtocolError, messages.CloseProtocolError)
		case !utf8.ValidString(reason):
			return m.fail(messages.CauseBadUTF8, messages.CloseInvalidPayload)
		}
	}
	m.say(ws.OpClose, payload[:min(2, len(payload))])
	m.phase = phaseDraining
	m.end = fmt.Sprintf("%v %v %v", messages.CauseRemote, code, reason)
	return false
}

func (m *model) fail(cause messages.Cause, code messages.CloseCode) (more bool) {
	m.say(ws.OpClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
	m.phase = phaseDraining
	m.end = fmt.Sprintf("%v %v %v", cause, messages.CloseCode(0), "")
	return false
}

func (m *model) say(op ws.OpCode, payload []byte) { m.sent += sentence(op, payload) }

// sentence is a frame as heard notes it.
func sentence(op ws.OpCode, payload []byte) string { return fmt.Sprintf("%v %q;", op, payload) }

// beginsUTF8 tells whether b is UTF-8 or, if more may come, whether something behind it would make it so.
// It tries every kind of byte that can follow.
func beginsUTF8(b []byte, all bool) bool {
	if utf8.Valid(b) {
		return true
	}
	if all || len(b) == 0 {
		return false
	}
	from := max(0, len(b)-3) // only the last character can be unfinished
	for from < len(b) && !utf8.RuneStart(b[from]) {
		from++
	}
	for ; from < len(b); from++ {
		if !utf8.Valid(b[:from]) {
			continue
		}
		for missing := 1; missing <= 3; missing++ {
			if canEnd(b[from:], missing) {
				return true
			}
		}
	}
	return false
}

func canEnd(b []byte, missing int) bool {
	if missing == 0 {
		return utf8.Valid(b) && utf8.RuneCount(b) == 1
	}
	for _, c := range []byte{0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf} {
		if canEnd(append(b[:len(b):len(b)], c), missing-1) {
			return true
		}
	}
	return false
}
