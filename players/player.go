package players

import (
	"math/rand/v2"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// Player is one simulated player: it runs the program of its population on one connection. All of it belongs
// to its shard. It has no goroutine, and no timer but its connection's.
type Player struct {
	stage *stage
	prog  *scenario.Program

	n         int32
	iteration int32
	pc        int32 // in prog.Code
	resume    int32 // where the steps go on after a loss was dealt with
	waiting   waiting
	inLost    bool
	closing   bool // the end of the connection is wanted
	leaving   bool // this iteration is the last
	seq       uint32
	chance    rand.PCG

	intended messages.Stamp // when it was time for what the player does now
	until    messages.Stamp // when waiting ends; 0 for no limit
	vars     []scenario.Value
	counters []counter
	own      *extras // nil until there is something in it
}

// extras is what only some players have.
type extras struct {
	mail      []mail
	requests  []request
	rules     []messages.Stamp // when each rule with an interval is due
	ticks     []messages.Stamp // when the last tick of each rule came
	member    []string         // of these audiences
	senders   map[uint64]seen
	awaited   uint64    // hash of the id of the request that is waited for
	call      *answered // the HTTP request that is waited for
	published uint32
	rest      messages.Stamp // when the wait is over that a loss came into; 0 if it came into none
}

// counter is of one loop that is under way.
type counter struct {
	base  messages.Stamp
	count int64
}

// waiting is what a player waits for.
type waiting uint8

const (
	notBegun waiting = iota
	forNothing
	forOpen    // its connection to open
	forClosed  // its connection to close
	forTime    // until
	forMessage // one that the step at pc expects
	forReply   // the answer to the request at pc
	forCall    // an HTTP request
	forAttempt // the time of the next attempt to reconnect
	ended
)

// cast makes the player a new one, the n-th.
func (p *Player) cast(n int) {
	c := p.stage.cast
	p.loseAll() // of who was played before, if the connection is still to close
	p.prog = c.program(n)
	p.n, p.iteration, p.seq, p.pc, p.leaving = int32(n), 0, 0, 0, false
	p.chance = *rand.NewPCG(c.Seed, uint64(n))
	if p.vars == nil || len(p.vars) != len(p.prog.Vars) {
		p.vars = make([]scenario.Value, len(p.prog.Vars))
		p.counters = make([]counter, p.prog.Counters)
	}
	clear(p.vars)
	p.own = nil
}

func (p *Player) extra() *extras {
	if p.own == nil {
		p.own = &extras{}
	}
	return p.own
}

// On implements actors.Behavior.
func (p *Player) On(c *actors.Connection, ev messages.Event) {
	p.stage.player, p.stage.connected = p, c.State() == messages.Connected
	switch e := ev.(type) {
	case *messages.Message:
		p.message(c, e)
	case *messages.TimerFired:
		p.timer(c, e)
	case *messages.Opened:
		if p.waiting == forOpen {
			if in := &p.prog.Code[p.pc]; in.Op == scenario.OpReconnect {
				p.counters[in.A] = counter{}
			}
			p.proceed(c, messages.Now())
		}
	case *messages.Closed:
		p.closed(c, e)
	case *messages.Signaled:
		p.signaled(c, e)
	}
}

func (p *Player) signaled(c *actors.Connection, e *messages.Signaled) {
	switch v := e.Value.(type) {
	case Begin:
		if p.waiting != notBegun && p.waiting != ended || c.State() == messages.Connected || c.State() == messages.Connecting {
			return
		}
		if int32(v.N) != p.n || p.waiting == ended {
			p.cast(v.N)
		}
		p.begin(c)
	case Leave:
		switch {
		case p.waiting == notBegun || p.waiting == ended:
		case v.AtOnce:
			p.end(c)
		default:
			p.leaving = true
		}
	case *answered:
		p.stage.count(v)
		if p.waiting == forCall && p.own != nil && p.own.call == v { // it may be that of a step before, or of another player
			p.called(c, v)
		}
	}
}

// begin starts the first iteration.
func (p *Player) begin(c *actors.Connection) {
	p.stage.series.Began(p.prog.Index)
	if !p.stage.supplied(p) {
		p.waiting = forNothing
		p.end(c)
		return
	}
	for _, a := range p.prog.Init {
		p.stage.assign(p, &p.vars[a.Slot], a.Value)
	}
	p.startRules()
	p.intended = messages.Now()
	p.restart()
	p.run(c)
}

// restart goes to the first step.
func (p *Player) restart() {
	p.pc, p.resume, p.inLost, p.closing = 0, 0, false, false
	for i := range p.counters {
		p.counters[i] = counter{base: p.intended}
	}
}

// proceed ends a wait and goes on with the next step, which it is time for since intended.
func (p *Player) proceed(c *actors.Connection, intended messages.Stamp) {
	p.waiting, p.until, p.intended = forNothing, 0, intended
	p.pc++
	p.run(c)
}

// otherwise ends a wait in failure.
func (p *Player) otherwise(c *actors.Connection, intended messages.Stamp) {
	p.waiting, p.until, p.intended = forNothing, 0, intended
	p.pc = p.prog.Code[p.pc].B
	p.run(c)
}

// maxAtOnce bounds the steps that a player takes without waiting, as everybody else on the shard does.
const maxAtOnce = 10_000

// run takes steps until one waits, or the player ends.
func (p *Player) run(c *actors.Connection) {
	for range maxAtOnce {
		if !p.step(c, &p.prog.Code[p.pc]) {
			p.setTimer(c)
			return
		}
	}
	// It goes round without ever waiting; let the others have their turn.
	p.pc--
	p.wait(forTime, messages.Now().Add(time.Millisecond))
	p.setTimer(c)
}

// wait has the player wait, until a time if it is not 0.
func (p *Player) wait(w waiting, until messages.Stamp) bool {
	p.waiting, p.until = w, until
	return false
}

// setTimer arms the connection's one timer for what is due first: the end of a wait, or a rule.
func (p *Player) setTimer(c *actors.Connection) {
	next := p.until
	if p.own != nil {
		for _, due := range p.own.rules {
			if due != 0 && (next == 0 || due < next) {
				next = due
			}
		}
	}
	if next == 0 {
		c.StopTimer()
	} else {
		c.SetTimer(next)
	}
}

// timer runs the rules that are due, and ends a wait whose time has come.
func (p *Player) timer(c *actors.Connection, e *messages.TimerFired) {
	p.dueRules(c, e.At)
	if p.until == 0 || e.At < p.until {
		p.setTimer(c)
		return
	}
	due := p.until
	switch p.waiting {
	case forTime:
		p.stage.series.Lag(e.At.Sub(due))
		p.proceed(c, due)
	case forAttempt:
		p.attempt(c, due)
	case forMessage:
		x := p.prog.Code[p.pc].Arg.(*scenario.Expect)
		p.stage.series.Check(x.Check, false)
		p.otherwise(c, e.At)
	case forReply:
		p.unanswered()
		p.otherwise(c, e.At)
	default:
		p.until = 0
		p.setTimer(c)
	}
}

// op is the instruction at hand.
func (p *Player) op() scenario.Op {
	if p.pc < 0 {
		return scenario.OpJump
	}
	return p.prog.Code[p.pc].Op
}

// closed deals with the end of the connection, wanted or not.
func (p *Player) closed(c *actors.Connection, e *messages.Closed) {
	p.stage.connected = false
	p.leaveAll()
	if p.own != nil {
		clear(p.own.ticks) // what comes over the next connection is not one interval after this
	}
	p.loseAll()
	wanted := p.closing
	p.closing = false
	now := messages.Now()
	switch {
	case p.waiting == notBegun:
	case p.waiting == ended:
		p.done(c)
	case p.waiting == forClosed && wanted:
		if op := p.op(); op == scenario.OpEnd || op == scenario.OpReconnect {
			p.waiting, p.until, p.intended = forNothing, 0, now
			p.run(c) // the step itself goes on
			return
		}
		p.proceed(c, now)
	case p.op() == scenario.OpReconnect && p.waiting == forOpen:
		p.waiting, p.until, p.intended = forNothing, 0, now
		p.run(c)
	case e.Cause == messages.CauseShutdown:
		p.end(c)
	case wanted: // by a rule; the steps find out when they next need the connection
	default:
		p.lost(c, now)
	}
}

// lost has the player do what its program says about a lost connection, and then go on where it was.
func (p *Player) lost(c *actors.Connection, now messages.Stamp) {
	if p.prog.Lost < 0 || p.inLost || p.stage.cast.quiet.Load() {
		p.stage.series.Lost(p.prog.Index)
		p.end(c)
		return
	}
	p.inLost, p.resume = true, p.pc
	if p.waiting == forTime && p.until != 0 {
		p.extra().rest = p.until
	} else if p.own != nil {
		p.own.rest = 0
	}
	p.pc = int32(p.prog.Lost)
	p.waiting, p.until, p.intended = forNothing, 0, now
	p.run(c)
}

// end ends the player. Its connection, if it still has one, is closed first.
func (p *Player) end(c *actors.Connection) {
	if p.waiting == ended {
		return
	}
	p.waiting, p.until = ended, 0
	p.stage.series.Ended(p.prog.Index)
	p.leaveAll()
	if p.own != nil {
		p.own.rules = nil
	}
	c.StopTimer()
	switch st := c.State(); {
	case st == messages.Connected && (c.Closing() || c.Disconnect(0, "") == nil):
	case st == messages.Connecting && c.Disconnect(0, "") == nil:
	default:
		p.done(c)
	}
}

// done tells that the player has ended, and its connection too.
func (p *Player) done(c *actors.Connection) {
	c.Forget()
	if done := p.stage.cast.Done; done != nil {
		done(c.ID(), int(p.n))
	}
}
