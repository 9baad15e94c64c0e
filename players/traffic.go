package players

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/load"
	"github.com/loadrig/loadrig/messages"
)

// Kind is a pattern of traffic.
type Kind string

// The patterns.
const (
	Idle     Kind = "idle"     // connect and stay; send nothing
	PingPong Kind = "pingpong" // closed loop: send, wait for the next message, send again
	Paced    Kind = "paced"    // open loop: send on an absolute schedule, whatever comes back
)

// Kinds lists the patterns.
func Kinds() []string { return []string{string(Idle), string(PingPong), string(Paced)} }

// Meter takes the latencies of the players of one shard; metrics.Shard is one. It is called on that
// shard only.
type Meter interface {
	// Response is told of an answer; see package metrics.
	Response(intended, sent, received messages.Stamp)
	// Stray is told of a message that is no answer, where each message sent has one.
	Stray(why messages.Stray)
	// Arrived is told, after Response, when the kernel had the answer, where that is known.
	Arrived(sent, arrived messages.Stamp)
	// Lag is told how late a send was.
	Lag(time.Duration)
}

// tellAnswer tells m of an answer. arrived is 0 where it is not known.
func tellAnswer(m Meter, intended, sent, received, arrived messages.Stamp) {
	m.Response(intended, sent, received)
	if arrived != 0 {
		m.Arrived(sent, arrived)
	}
}

// Traffic says what all players of a run send. The messages are text.
type Traffic struct {
	Kind    Kind
	Rate    load.Rate // of each player in Paced, in messages per second; more than 0
	Size    int       // payload bytes; in Paced at least MinPacedSize
	Players int       // how many there will be, to spread their schedules evenly
	Meters  []Meter   // by shard
}

// MinPacedSize is the least payload of paced traffic: each message carries its two times, so that its
// echo can be matched whatever was lost or reordered, and nothing is kept for messages under way.
const MinPacedSize = stampSize

// Validate reports every mistake, each as a *messages.FieldError that names the field as rig.Config does.
func (t Traffic) Validate() error {
	var errs []error
	wrong := func(field, format string, args ...any) {
		errs = append(errs, &messages.FieldError{Field: field, Err: fmt.Errorf(format, args...)})
	}
	if err := t.Rate.Validate(); err != nil {
		errs = append(errs, &messages.FieldError{Field: "MessageRate", Err: err})
	}
	switch t.Kind {
	case Idle, PingPong:
	case Paced:
		if t.Rate == 0 {
			wrong("MessageRate", "got 0, want more for paced traffic")
		}
		if t.Size < MinPacedSize {
			wrong("Size", "got %d bytes, want at least %d for paced traffic, whose messages carry their times", t.Size, MinPacedSize)
		}
	default:
		wrong("Traffic", "got %q, want %s", t.Kind, strings.Join(Kinds(), ", "))
	}
	if t.Size < 0 {
		wrong("Size", "got %d bytes, want 0 or more", t.Size)
	}
	return errors.Join(errs...)
}

// Crowd makes the players of one run. They share all that does not differ from one to the next.
type Crowd struct {
	traffic Traffic
	start   messages.Stamp // of all schedules
	scratch [][]byte       // by shard; what is sent, with room for stamps at its beginning
	keys    keys
	quiet   atomic.Bool
}

// NewCrowd checks t and makes a Crowd whose schedules start now.
func NewCrowd(t Traffic) (*Crowd, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	c := &Crowd{traffic: t, start: messages.Now(), keys: newKeys()}
	c.scratch = make([][]byte, len(t.Meters))
	for i := range c.scratch {
		c.scratch[i] = filler(t.Size)
	}
	return c, nil
}

// filler gives n bytes of text.
func filler(n int) []byte {
	const text = "loadrig "
	return []byte(strings.Repeat(text, n/len(text)+1)[:n])
}

// Quiet has all players send nothing more; what is under way still comes back and counts. It may be
// called from any goroutine.
func (c *Crowd) Quiet() { c.quiet.Store(true) }

// Player makes the n-th player, from 0, for a connection on a shard.
func (c *Crowd) Player(shard, n int) actors.Behavior {
	switch c.traffic.Kind {
	case PingPong:
		return &pingPong{crowd: c, meter: c.traffic.Meters[shard], scratch: c.scratch[shard], key: c.keys.of(n)}
	case Paced:
		return &paced{crowd: c, meter: c.traffic.Meters[shard], scratch: c.scratch[shard], key: c.keys.of(n),
			pace: load.Spread(c.traffic.Rate.Period(), n, c.traffic.Players)}
	default:
		return nil
	}
}
