package players

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
)

// Behavior is what a player does that is written in Go instead of in a scenario. Its methods are called on the
// player's shard, one at a time; they must not block, as everything else on the shard waits. Embed Quiet to
// leave out those that do nothing.
type Behavior interface {
	// OnOpen is called when the connection has opened.
	OnOpen(p *Bot)
	// OnMessage is called for each data message. The payload lives until it returns.
	OnMessage(p *Bot, op messages.Op, payload []byte)
	// OnTimer is called when the time is over that After has set; intended is when that was.
	OnTimer(p *Bot, intended messages.Stamp)
	// OnClose is called when the connection has closed, or could not be opened. Reconnect may be called here.
	OnClose(p *Bot, why *messages.Closed)
}

// Quiet is a Behavior that does nothing, to be embedded.
type Quiet struct{}

// OnOpen implements Behavior.
func (Quiet) OnOpen(*Bot) {}

// OnMessage implements Behavior.
func (Quiet) OnMessage(*Bot, messages.Op, []byte) {}

// OnTimer implements Behavior.
func (Quiet) OnTimer(*Bot, messages.Stamp) {}

// OnClose implements Behavior.
func (Quiet) OnClose(*Bot, *messages.Closed) {}

// Bot is a player that a Behavior moves. Its methods may be called from the Behavior's own only.
type Bot struct {
	behavior Behavior
	meter    Meter // nil for none
	conn     *actors.Connection
	arrived  messages.Stamp // when the kernel had the message being handled; 0 if it is none, or not known
}

// NewBot makes the behaviour of a connection of an actors.Manager. meter takes the latencies that Answered
// tells, and the lateness of timers; nil if nobody does.
func NewBot(b Behavior, meter Meter) *Bot { return &Bot{behavior: b, meter: meter} }

var _ actors.Behavior = (*Bot)(nil)

// On implements actors.Behavior.
func (p *Bot) On(c *actors.Connection, ev messages.Event) {
	p.conn, p.arrived = c, 0
	switch e := ev.(type) {
	case *messages.Opened:
		p.behavior.OnOpen(p)
	case *messages.Message:
		if e.Op.IsData() {
			p.arrived = e.Arrived
			p.behavior.OnMessage(p, e.Op, e.Payload)
		}
	case *messages.TimerFired:
		if p.meter != nil {
			p.meter.Lag(e.At.Sub(e.Intended))
		}
		p.behavior.OnTimer(p, e.Intended)
	case *messages.Closed:
		c.StopTimer()
		p.behavior.OnClose(p, e)
	}
}

// Connection is what the bot plays on, for what it has no method for.
func (p *Bot) Connection() *actors.Connection { return p.conn }

// Now is when what is being handled happened.
func (p *Bot) Now() messages.Stamp { return p.conn.Now() }

// SendJSON sends v as one text message; it must become a JSON object.
func (p *Bot) SendJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("send json: %w", err)
	}
	return p.conn.SendJSON(b)
}

// After has OnTimer called d after what is being handled. There is one timer; setting it again moves it.
func (p *Bot) After(d time.Duration) { p.conn.SetTimer(p.conn.Now().Add(d)) }

// At has OnTimer called at an instant, as for a schedule that is kept whatever comes between.
func (p *Bot) At(when messages.Stamp) { p.conn.SetTimer(when) }

// Answered tells the meter that what was intended and sent at those instants is answered by what is being
// handled.
func (p *Bot) Answered(intended, sent messages.Stamp) {
	if p.meter != nil {
		tellAnswer(p.meter, intended, sent, p.conn.Now(), p.arrived)
	}
}

// Leave closes the connection with 1000.
func (p *Bot) Leave() error { return p.conn.Disconnect(messages.CloseNormal, "") }

// Reconnect opens it again with the parameters of the last Connect; for OnClose.
func (p *Bot) Reconnect() error { return p.conn.Reconnect() }
