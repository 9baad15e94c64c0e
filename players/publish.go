package players

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// stamp marks a publication: who sent it, which of the sender's it is, and when.
type stamp struct {
	sender uint64
	seq    uint32
	sent   messages.Stamp
}

// appendStamp writes a stamp as text that stands in JSON as it is: lr, three numbers, and a proof that it is
// of this run.
func (c *Cast) appendStamp(b []byte, s stamp) []byte {
	b = append(b, "lr-"...)
	for _, v := range []uint64{s.sender, uint64(s.seq), uint64(s.sent), c.proof(s)} {
		b = append(strconv.AppendUint(b, v, 36), '-')
	}
	return b[:len(b)-1]
}

func (c *Cast) proof(s stamp) uint64 {
	return mix(mix(mix(c.secret^s.sender)^uint64(s.seq)) ^ uint64(s.sent))
}

// newSecret makes the secret of a run: half of it is chance, and the other half says that it is a secret.
func newSecret() uint64 {
	half := rand.Uint32()
	return uint64(half)<<32 | mix(uint64(half))&math.MaxUint32
}

// secretOf gives the secret that a stamp was made with; whatever, if it was changed.
func secretOf(s stamp, proof uint64) uint64 {
	return unmix(unmix(unmix(proof)^uint64(s.sent))^uint64(s.seq)) ^ s.sender
}

// readStamp reads a stamp: a whole one of this run, a garbled one, or one that is foreign: another run's, or
// none at all.
func (c *Cast) readStamp(text string) (s stamp, o origin) {
	v, ok := numbers(text)
	if !ok || v[1] > math.MaxUint32 {
		return s, begun(text)
	}
	s = stamp{sender: v[0], seq: uint32(v[1]), sent: messages.Stamp(v[2])}
	switch secret := secretOf(s, v[3]); {
	case secret == c.secret:
		return s, whole
	case secret&math.MaxUint32 == mix(secret>>32)&math.MaxUint32:
		return s, foreign
	}
	return s, garbled
}

// begun tells from what text begins with whether it was a stamp once: one byte of that may be another.
func begun(text string) origin {
	differ := 0
	for i, b := range []byte("lr-") {
		if i >= len(text) || text[i] != b {
			differ++
		}
	}
	if differ > 1 {
		return foreign
	}
	return garbled
}

// numbers reads the four numbers of a stamp. There is one way to write each: another is a change.
func numbers(text string) (v [4]uint64, ok bool) {
	rest, ok := strings.CutPrefix(text, "lr-")
	if !ok {
		return v, false
	}
	for i := range v {
		var one string
		one, rest, ok = strings.Cut(rest, "-")
		if ok == (i == len(v)-1) || len(one) > 1 && one[0] == '0' {
			return v, false
		}
		for _, b := range []byte(one) {
			if b >= 'A' && b <= 'Z' {
				return v, false
			}
		}
		var err error
		if v[i], err = strconv.ParseUint(one, 36, 64); err != nil {
			return v, false
		}
	}
	return v, true
}

// publish sends a message that all members of an audience are to get.
func (p *Player) publish(c *actors.Connection, x *scenario.Publication) {
	s := p.stage
	members := s.cast.audience(string(s.render(p, x.Audience))).Load()
	own := p.extra()
	own.published++
	s.stamp = s.cast.appendStamp(s.stamp[:0], stamp{uint64(p.n), own.published, messages.Now()})
	b := s.render(p, x.Body)
	var err error
	if x.Binary {
		err = c.SendBinary(b)
	} else {
		err = c.SendText(b)
	}
	if err == nil {
		s.series.Published(x.Series, int(members))
	}
}

func (p *Player) join(name string) {
	x := p.extra()
	for _, m := range x.member {
		if m == name {
			return
		}
	}
	if len(x.member) < maxMemberships {
		x.member = append(x.member, name)
		p.stage.cast.audience(name).Add(1)
	}
}

// maxMemberships bounds the audiences that one player is of.
const maxMemberships = 64

func (p *Player) leave(name string) {
	if p.own == nil {
		return
	}
	for i, m := range p.own.member {
		if m == name {
			p.own.member = append(p.own.member[:i], p.own.member[i+1:]...)
			p.stage.cast.audience(name).Add(-1)
			return
		}
	}
}

// leaveAll leaves all audiences, as one who is not connected gets nothing.
func (p *Player) leaveAll() {
	if p.own == nil {
		return
	}
	for _, m := range p.own.member {
		p.stage.cast.audience(m).Add(-1)
	}
	p.own.member = p.own.member[:0]
}
