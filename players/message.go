package players

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"

	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// mail is a message that came before the step that expects it.
type mail struct {
	binary bool
	at     messages.Stamp
	body   []byte
}

// Bounds of the mail of one player. What exceeds them is dropped, the oldest first, as nobody may ever ask
// for it.
const (
	maxMail      = 16
	maxMailBytes = 64 << 10
)

// message takes a message from the server: whatever is measured of it, the rules, and the step that waits.
func (p *Player) message(c *actors.Connection, m *messages.Message) {
	if !m.Op.IsData() || p.waiting == notBegun || p.waiting == ended {
		return
	}
	p.stage.arrived = m.Arrived
	isBinary := m.Op == messages.OpBinary
	if p.prog.Split == "" {
		p.part(c, isBinary, m.Payload, m.At)
		return
	}
	rest := m.Payload
	for len(rest) > 0 && p.waiting != ended {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte(p.prog.Split))
		if len(one) > 0 {
			p.part(c, isBinary, one, m.At)
		}
	}
}

// part takes one logical message.
func (p *Player) part(c *actors.Connection, isBinary bool, b []byte, at messages.Stamp) {
	s := p.stage
	answered := p.own != nil && len(p.own.requests) > 0 && !isBinary && p.answer(c, b, at)
	p.rules(c, isBinary, b, at)
	if answered || p.waiting == ended {
		return
	}
	if p.waiting == forMessage {
		x := p.prog.Code[p.pc].Arg.(*scenario.Expect)
		switch {
		case s.matches(p, x.Matcher, isBinary, b):
			s.series.Check(x.Check, true)
			s.save(p, x.Save, b)
			p.proceed(c, at)
			return
		case x.Matcher.NeedsJSON() && !isBinary && !gjson.Valid(view(b)):
			s.series.Check(x.Check, false)
			p.otherwise(c, at)
			return
		}
	}
	for _, m := range p.prog.Mail {
		if s.matches(p, m, isBinary, b) {
			p.keep(isBinary, b, at)
			return
		}
	}
}

// keep keeps a message for a step that may come to expect it.
func (p *Player) keep(isBinary bool, b []byte, at messages.Stamp) {
	if len(b) > maxMailBytes {
		return
	}
	x := p.extra()
	size := len(b)
	for i := len(x.mail) - 1; i >= 0; i-- {
		if size += len(x.mail[i].body); size > maxMailBytes || len(x.mail)-i >= maxMail {
			x.mail = append(x.mail[:0], x.mail[i+1:]...)
			break
		}
	}
	x.mail = append(x.mail, mail{isBinary, at, bytes.Clone(b)})
}

// expect waits for a message, unless it has come already.
func (p *Player) expect(c *actors.Connection, in *scenario.Instr) bool {
	x, s := in.Arg.(*scenario.Expect), p.stage
	if p.own != nil {
		for i, m := range p.own.mail {
			if s.matches(p, x.Matcher, m.binary, m.body) {
				p.own.mail = append(p.own.mail[:i], p.own.mail[i+1:]...)
				s.series.Check(x.Check, true)
				s.save(p, x.Save, m.body)
				p.intended = max(p.intended, m.at)
				p.pc++
				return true
			}
		}
	}
	if !s.connected {
		return p.disconnected(c)
	}
	return p.wait(forMessage, p.intended.Add(x.Timeout))
}

// matches tells whether a message is meant. The message is at hand for expressions meanwhile.
func (s *stage) matches(p *Player, m *scenario.Matcher, isBinary bool, b []byte) bool {
	if m.Bytes != nil && !(len(b) >= m.Offset+len(m.Bytes) && bytes.Equal(b[m.Offset:m.Offset+len(m.Bytes)], m.Bytes)) {
		return false
	}
	if m.Bytes == nil && isBinary && (len(m.JSON) > 0 || m.Text != nil || m.Contains != nil || m.Regex != nil) {
		return false
	}
	if m.Text != nil && !bytes.Equal(b, s.render(p, m.Text)) {
		return false
	}
	if m.Contains != nil && !bytes.Contains(b, s.render(p, m.Contains)) {
		return false
	}
	if m.Regex != nil && !m.Regex.Match(b) {
		return false
	}
	if len(m.JSON) > 0 {
		if !gjson.Valid(view(b)) {
			return false
		}
		for i := range m.JSON {
			if !s.equals(p, gjson.Get(view(b), m.JSON[i].Path), m.JSON[i].Value) {
				return false
			}
		}
	}
	if m.Where != nil {
		s.msg = b
		ok := s.holds(p, m.Where)
		s.msg = nil
		return ok
	}
	return true
}

// equals compares what is at a path with what is wanted, by type and value.
func (s *stage) equals(p *Player, r gjson.Result, t *scenario.Template) bool {
	want := s.render(p, t)
	if !t.JSON {
		return r.Type == gjson.String && r.Str == view(want)
	}
	switch w := gjson.Parse(view(want)); w.Type {
	case gjson.String:
		return r.Type == gjson.String && r.Str == w.Str
	case gjson.Number:
		return r.Type == gjson.Number && (r.Raw == w.Raw || r.Num == w.Num)
	case gjson.JSON:
		return r.Type == gjson.JSON && r.Raw == w.Raw
	default:
		return r.Type == w.Type && (r.Exists() || w.Type != gjson.Null)
	}
}

// save fills variables from a message.
func (s *stage) save(p *Player, saves []scenario.Save, b []byte) {
	for i := range saves {
		x := &saves[i]
		to := &p.vars[x.Slot]
		if x.As == "" {
			setResult(to, gjson.Get(view(b), x.Path))
			continue
		}
		setBytes(to, x, b)
	}
}

// setBytes reads bytes of a binary message; null where it has not so many.
func setBytes(to *scenario.Value, x *scenario.Save, b []byte) {
	to.Kind = scenario.Null
	if x.Offset > len(b) {
		return
	}
	b = b[x.Offset:]
	n := x.Length
	switch x.As {
	case "u8":
		n = 1
	case "u16be", "u16le":
		n = 2
	case "u32be", "u32le":
		n = 4
	}
	if n == 0 {
		n = len(b)
	}
	if n > len(b) {
		return
	}
	b = b[:n]
	number := func(v uint32) {
		to.Kind, to.Num, to.Str = scenario.Number, float64(v), to.Str[:0]
	}
	switch x.As {
	case "u8":
		number(uint32(b[0]))
	case "u16be":
		number(uint32(binary.BigEndian.Uint16(b)))
	case "u16le":
		number(uint32(binary.LittleEndian.Uint16(b)))
	case "u32be":
		number(binary.BigEndian.Uint32(b))
	case "u32le":
		number(binary.LittleEndian.Uint32(b))
	case "hex":
		to.Kind, to.Str = scenario.String, hex.AppendEncode(to.Str[:0], b)
	default:
		to.Kind, to.Str = scenario.String, append(to.Str[:0], b...)
	}
}
