package chaos

import (
	"errors"
	"fmt"
	"time"

	"github.com/loadrig/loadrig/internal/ledger"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// Kinds of commands that send a message, and those that connect.
var (
	sends    = []messages.CommandKind{messages.KindSendJSON, messages.KindSendText, messages.KindSendBinary, messages.KindPing}
	connects = []messages.CommandKind{messages.KindConnect, messages.KindReconnect}
)

// settled is what became of all commands of one tenant, once nothing is on its way any more.
type settled struct {
	asked [messages.NumCommands]int
	told  [messages.NumCommands]int
	known tally // where somebody was given the outcome: all but those told
}

func (tn *tenant) settle() (w settled) {
	for k := range w.asked {
		w.asked[k], w.told[k] = int(tn.asked[k].Load()), int(tn.told[k].Load())
		for o := range w.known[k] {
			w.known[k][o] = int(tn.done[k][o].Load())
		}
	}
	if tn.player != nil {
		w.known.add(&tn.player.did)
		for k := range w.asked {
			w.asked[k] += tn.player.did.all(messages.CommandKind(k))
		}
	}
	return w
}

// verdict says what is wrong with what became of the commands of one tenant, given what was told of it.
func (w *settled) verdict(a *ledger.Account) error {
	var wrong []error
	law := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	for k := range messages.CommandKind(messages.NumCommands) {
		given := w.told[k] + w.known.all(k)
		law(given == w.asked[k], "%s: %d have an outcome or nobody who waits, of %d", k, given, w.asked[k])
		least, most := w.known[k][refused], w.known[k][refused]+w.told[k]
		if k == messages.KindSendJSON || k == messages.KindPing {
			least = most // those that were told were all bad
		}
		law(a.Refused[k] >= least && a.Refused[k] <= most, "%s: %d were told to be refused, want %d to %d", k, a.Refused[k], least, most)
	}
	begun := 0 // each Connect and Reconnect begins an attempt, or is refused, or comes too late
	for _, k := range connects {
		begun += w.asked[k] - w.known[k][gone] - a.Refused[k]
	}
	law(a.Attempts == begun, "%d attempts, of %d commands that were accepted", a.Attempts, begun)
	law(len(a.Causes) == a.Attempts, "%d ends, of %d attempts", len(a.Causes), a.Attempts)
	law(a.Opened == a.Sessions, "%d opened, of %d sessions", a.Opened, a.Sessions)
	return errors.Join(wrong...)
}

// accepted gives how many of a kind were accepted, whatever became of the message then.
func (w *settled) accepted(k messages.CommandKind, a *ledger.Account) int {
	return w.asked[k] - w.known[k][gone] - a.Refused[k]
}

// outcomes is the whole run, by kind of command.
type outcomes struct {
	asked, told, refused, accepted [messages.NumCommands]int
	known                          tally
	broken                         uint64 // players that have panicked
}

// judge looks at every tenant, with nothing on its way any more.
func (s *storm) judge() (sum outcomes, err error) {
	var wrong []error
	for i := range s.tenants {
		for id, tn := range s.tenants[i] {
			a := s.ledgers[i].Accounts[id]
			if a == nil {
				a = new(ledger.Account) // nothing was ever told of it
			}
			w := tn.settle()
			if err := w.verdict(a); err != nil && len(wrong) < 20 {
				wrong = append(wrong, fmt.Errorf("%s: %w; %+v; %+v", id, err, w, *a))
			}
			if p := tn.player; p != nil {
				if p.wrong != nil && len(wrong) < 20 {
					wrong = append(wrong, fmt.Errorf("%s: %w", id, p.wrong))
				}
				if p.broken {
					sum.broken++
				}
			}
			sum.known.add(&w.known)
			for k := range sum.asked {
				sum.asked[k] += w.asked[k]
				sum.told[k] += w.told[k]
				sum.refused[k] += a.Refused[k]
				sum.accepted[k] += w.accepted(messages.CommandKind(k), a)
			}
		}
	}
	return sum, errors.Join(wrong...)
}

// sums compares what became of the commands with what the transport has carried, and with what the servers
// have seen.
func (s *storm) sums(o *outcomes, sum *metrics.Snapshot, panics uint64) error {
	var wrong []error
	law := func(what string, got, least, most uint64) {
		if got < least || got > most {
			wrong = append(wrong, fmt.Errorf("%s: got %d, want %d to %d", what, got, least, most))
		}
	}
	n := func(of [messages.NumCommands]int, kinds ...messages.CommandKind) (n uint64) {
		for _, k := range kinds {
			n += uint64(of[k])
		}
		return n
	}
	known := func(out outcome) (n uint64) {
		for _, k := range sends {
			n += uint64(o.known[k][out])
		}
		return n
	}
	t := &sum.Traffic
	opened := sum.Handshake.Count()
	// Beside what players send there are close frames, one a session at most, and pongs.
	protocol := t.Sent[messages.OpClose] + t.Sent[messages.OpPong]
	law("messages asked for", t.Asked, n(o.accepted, sends...)+protocol, n(o.accepted, sends...)+opened+t.Received[messages.OpPing])
	law("texts sent", t.Sent[messages.OpText], 0, n(o.accepted, messages.KindSendText, messages.KindSendJSON))
	law("binaries sent", t.Sent[messages.OpBinary], 0, n(o.accepted, messages.KindSendBinary))
	law("pings sent", t.Sent[messages.OpPing], 0, n(o.accepted, messages.KindPing))
	law("messages dropped by the backlog", t.Dropped[messages.DropBacklog], known(dropped), known(dropped)+n(o.told, sends...))
	var unsent uint64
	for _, l := range s.ledgers {
		unsent += l.Unsent
	}
	law("messages lost as they were sent", t.Dropped[messages.DropClosed]-unsent, known(lost), known(lost)+n(o.told, sends...)+opened+t.Received[messages.OpPing])
	law("messages pending", t.Pending, 0, 0)

	echo := s.stage.echo.Stats()
	data := func(ops [messages.NumOps]uint64) uint64 { return ops[messages.OpText] + ops[messages.OpBinary] }
	// What came back the server had received. What was being written when its connection ended is dropped, but
	// may have got there.
	underway := t.Dropped[messages.DropClosed]
	law("messages that the server received", echo.Received, data(t.Received), data(t.Sent)+underway)
	law("their bytes", echo.ReceivedBytes, t.ReceivedBytes, t.SentBytes+underway*uint64(len(biggest.Payload)))
	law("messages that the server sent", echo.Sent, data(t.Received), echo.Received)
	law("pings that the server received", echo.Pings, t.Received[messages.OpPong], t.Sent[messages.OpPing]+underway)
	law("connections that the servers opened", echo.Opened+uint64(s.stage.moody.Total()), opened, ^uint64(0))
	var through uint64
	for _, p := range s.stage.proxies {
		through += p.Total()
	}
	law("connections that reached the server", echo.Accepted, echo.Opened, through)

	law("panics", panics, o.broken, o.broken)
	law("ends by a panic", sum.Disconnects[messages.CauseInternal], 0, o.broken) // some had ended already
	law("ends for want of descriptors, ports or memory", sum.Disconnects[messages.CauseLocalResource], 0, 0)
	return errors.Join(wrong...)
}

// long is from how long on a run is to have seen everything: chaos in which nothing happens shows nothing.
const long = 20 * time.Second

// certain are the causes that some connection ends by in a run that is long. Those by which a stalled one does
// depend on who comes first.
var certain = []messages.Cause{
	messages.CauseLocal, messages.CauseRemote, messages.CauseResolve, messages.CauseRefused, messages.CauseConnectTimeout,
	messages.CauseTLS, messages.CauseUpgradeStatus, messages.CauseUpgradeInvalid, messages.CauseReset, messages.CauseEOF,
	messages.CauseIdleTimeout, messages.CauseProtocolError, messages.CauseBadUTF8, messages.CauseTooBig, messages.CauseAuth,
	messages.CauseInternal, messages.CauseShutdown,
}

// happened tells what a long run has not seen.
func (s *storm) happened(o *outcomes, sum *metrics.Snapshot) error {
	var wrong []error
	for _, c := range certain {
		if sum.Disconnects[c] == 0 {
			wrong = append(wrong, fmt.Errorf("none ended by %s", c))
		}
	}
	if sum.Traffic.Dropped[messages.DropBacklog] == 0 {
		wrong = append(wrong, errors.New("no backlog was full"))
	}
	for f, n := range s.stage.injected() {
		if n == 0 {
			wrong = append(wrong, fmt.Errorf("no %s", wstest.Fault(f)))
		}
	}
	for k := range messages.CommandKind(messages.NumCommands) {
		if o.accepted[k] == 0 || o.refused[k] == 0 || o.told[k] == 0 {
			wrong = append(wrong, fmt.Errorf("%s: %d accepted, %d refused, %d told, want some of each", k, o.accepted[k], o.refused[k], o.told[k]))
		}
	}
	return errors.Join(wrong...)
}
