package chaos

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
)

// temper is what kind of player one is.
type temper uint8

const (
	passive temper = iota // does nothing itself
	chatty                // sends now and then; comes back later
	flighty               // leaves by itself; comes back at once
	heavy                 // sends much at once, more than some lines carry; comes back later
	rash                  // gives commands at every change of state, where others wait for what comes with it
	nagging               // gives commands that cannot be carried out; comes back later
	fragile               // panics sooner or later, at anything but somebody else's command
)

func temperOf(r *rand.Rand) temper {
	return one(r, []temper{passive, passive, chatty, chatty, chatty, chatty, flighty, flighty, heavy, rash, rash, nagging, fragile})
}

// player is a behaviour that gives commands of its own, and keeps count of what became of them. It belongs
// to its shard.
type player struct {
	temper temper
	stage  *stage
	pace   time.Duration // about how long from one thing it does to the next
	over   *atomic.Bool  // no more commands
	random *rand.Rand
	opened messages.Stamp
	broken bool // has panicked
	did    tally
	wrong  error // the first outcome that is none
}

var errBroken = errors.New("called again after it had panicked")

// On implements actors.Behavior.
func (p *player) On(c *actors.Connection, ev messages.Event) {
	if p.broken {
		p.wrong = errBroken
	}
	if p.over.Load() {
		return
	}
	if p.temper == fragile {
		p.mayBreak(ev)
	}
	switch m := ev.(type) {
	case *messages.StateChanged:
		if p.temper == rash {
			p.rashly(c, m)
		}
	case *messages.Opened:
		p.opened = c.Now()
		p.do(c, one(p.random, texts))
		p.later(c)
	case *messages.Message:
		if p.temper == heavy && p.random.IntN(8) == 0 {
			p.do(c, one(p.random, binaries))
		}
	case *messages.Refused: // to somebody outside
		if p.temper == nagging && p.random.IntN(4) == 0 {
			p.do(c, p.stage.command(p.random))
		}
	case *messages.TimerFired:
		p.act(c)
		p.later(c)
	case *messages.Closed:
		// At once, but not if it was over at once: that would be an endless loop, and nobody's business.
		if p.temper == flighty && m.Opened && c.Now().Sub(p.opened) > 100*time.Millisecond {
			p.do(c, reconnect)
			return
		}
		p.later(c)
	}
}

// mayBreak panics at one event of thirty. What may be told in the midst of a command from outside is left
// alone: who waits for the command's outcome would be told that the player has stopped, and could not know
// whether the command was carried out.
func (p *player) mayBreak(ev messages.Event) {
	switch ev.(type) {
	case *messages.StateChanged, *messages.Refused:
	default:
		if p.random.IntN(30) == 0 {
			p.broken = true
			panic("as planned")
		}
	}
}

func (p *player) later(c *actors.Connection) {
	c.SetTimer(c.Now().Add(p.pace/5 + upTo(p.random, 2*p.pace)))
}

// act does what comes to mind in the state that c is in.
func (p *player) act(c *actors.Connection) {
	r := p.random
	switch c.State() {
	case messages.Connected:
		p.send(c)
	case messages.Disconnected:
		switch {
		case p.temper == heavy:
			p.do(c, p.stage.narrow(r))
		case r.IntN(4) == 0:
			p.do(c, p.stage.connect(r))
		default:
			p.do(c, reconnect)
		}
	}
	if p.temper == nagging {
		p.do(c, one(r, badRest))
		p.do(c, p.stage.command(r))
	}
}

func (p *player) send(c *actors.Connection) {
	r := p.random
	switch n := r.IntN(10); {
	case p.temper == heavy && n < 5:
		for range 24 { // 3 MiB; a socket may take 2.5 before it says no
			p.do(c, biggest)
		}
	case p.temper == flighty && n < 2:
		p.do(c, one(r, disconnects))
	case n < 7:
		p.do(c, one(r, texts))
	case n < 8:
		p.do(c, one(r, objects))
	default:
		p.do(c, one(r, pings))
	}
}

func (p *player) rashly(c *actors.Connection, m *messages.StateChanged) {
	switch r := p.random; {
	case r.IntN(3) > 0:
	case m.To == messages.Connecting: // cancels the attempt in the turn that began it
		p.do(c, one(r, disconnects))
	case m.To == messages.Connected: // says something before it is told how the handshake went
		p.do(c, one(r, texts))
	case m.To == messages.Disconnected && c.Now().Sub(p.opened) > 100*time.Millisecond: // before the end is told
		p.opened = c.Now()
		p.do(c, reconnect)
	}
}

func (p *player) do(c *actors.Connection, cmd messages.Command) {
	out, err := outcomeOf(cmd.Kind(), c.Do(cmd))
	p.did[cmd.Kind()][out]++
	if err != nil && p.wrong == nil {
		p.wrong = err
	}
}
