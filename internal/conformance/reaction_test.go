package conformance

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// reaction is what a client makes of a server: what its player was told, and what the server saw of it. A
// case says which is required.
type reaction struct {
	// What the player was told.
	state       messages.State // when the server had done its part: Connected, or not any more
	opened      bool
	phase       messages.Phase // where it failed, if it did not open
	status      int            // of a refused upgrade
	subprotocol string
	got         []message
	cause       messages.Cause
	code        messages.CloseCode
	reason      string
	clean       bool
	note        string // what the case's own code found

	// What the server saw.
	said  []message // before the client's close frame
	sent  int       // the code of that; 0 if there was none, 1005 if it had no code
	why   string    // its reason
	after int64     // bytes behind it
	hasty bool      // the client did not wait for the server's end of TCP
	end   wstest.End
	fault string // what no client may send

	// Only in what is required.
	anyPhase bool
	anyEnd   bool // the server does not see it, or it depends on the kernel
	anySaid  bool // how much of it the server sees depends on the kernel
	silent   bool // nothing that was received is echoed
}

// message is a message or a control frame.
type message struct {
	op      messages.Op
	payload string
}

func (m message) String() string {
	if len(m.payload) <= 20 {
		return fmt.Sprintf("%s %q", m.op, m.payload)
	}
	return fmt.Sprintf("%s of %d bytes", m.op, len(m.payload))
}

// What a player is told of messages.
func txt(s string) message    { return message{messages.OpText, s} }
func bin(s string) message    { return message{messages.OpBinary, s} }
func pinged(s string) message { return message{messages.OpPing, s} }
func ponged(s string) message { return message{messages.OpPong, s} }

// stays is the reaction to a server that breaks no rule: messages are told and echoed, pings are answered,
// and the connection stays up until the server closes it.
func stays(got ...message) reaction {
	r := left(int(messages.CloseNormal), "", got...)
	r.state = messages.Connected
	return r
}

// left is the reaction to a server that closes: its close frame is answered with the same code, and its end
// of TCP awaited.
func left(code int, reason string, got ...message) reaction {
	return reaction{
		state: messages.Disconnected, opened: true, got: got, cause: messages.CauseRemote,
		code: messages.CloseCode(code), reason: reason, clean: true, sent: code, end: wstest.EndFIN,
	}
}

// fails is the reaction to a server that breaks a rule, behind these messages: a close frame with the code
// that says so, then silence until the server ends TCP.
func fails(code messages.CloseCode, got ...message) reaction {
	cause := map[messages.CloseCode]messages.Cause{
		messages.CloseProtocolError:  messages.CauseProtocolError,
		messages.CloseInvalidPayload: messages.CauseBadUTF8,
		messages.CloseTooBig:         messages.CauseTooBig,
	}[code]
	return reaction{
		state: messages.Disconnected, opened: true, got: got, cause: cause,
		code: code, sent: int(code), end: wstest.EndFIN,
	}
}

// closes is the reaction of a client that closes first, and is answered or not.
func closes(code messages.CloseCode, clean bool, got ...message) reaction {
	return reaction{
		state: messages.Disconnected, opened: true, got: got, cause: messages.CauseLocal,
		code: code, clean: clean, sent: int(code), end: wstest.EndFIN,
	}
}

// lost is the reaction to a server that is gone without a close frame.
func lost(cause messages.Cause, got ...message) reaction {
	return reaction{
		state: messages.Disconnected, opened: true, got: got, cause: cause,
		code: messages.CloseAbnormal, anyEnd: true,
	}
}

// never is the reaction to an opening handshake that fails. How TCP then ends is nobody's business: nothing
// was said that could be lost.
func never(cause messages.Cause, phase messages.Phase) reaction {
	return reaction{
		state: messages.Disconnected, cause: cause, phase: phase, code: messages.CloseAbnormal, anyEnd: true,
	}
}

func invalid() reaction { return never(messages.CauseUpgradeInvalid, messages.PhaseUpgrade) }

func refused(status int) reaction {
	cause := messages.CauseUpgradeStatus
	switch status {
	case 301, 302, 303, 307, 308:
		cause = messages.CauseRedirect
	}
	r := never(cause, messages.PhaseUpgrade)
	r.status = status
	return r
}

// The parts that few cases have.

func (r reaction) ending(e wstest.End) reaction    { r.end, r.anyEnd = e, false; return r }
func (r reaction) unseen() reaction                { r.anyEnd = true; return r }
func (r reaction) whatever() reaction              { r.anySaid = true; return r }
func (r reaction) mute() reaction                  { r.silent = true; return r }
func (r reaction) saying(why string) reaction      { r.why = why; return r }
func (r reaction) picking(sub string) reaction     { r.subprotocol = sub; return r }
func (r reaction) noting(note string) reaction     { r.note = note; return r }
func (r reaction) wherever() reaction              { r.anyPhase = true; return r }
func (r reaction) having(said ...message) reaction { r.said, r.silent = said, true; return r }

// complete fills in what follows from the rest: what the server is to have seen of the messages.
func (r reaction) complete() reaction {
	if r.silent {
		return r
	}
	r.said = nil
	for _, m := range r.got {
		switch m.op {
		case messages.OpText, messages.OpBinary:
			r.said = append(r.said, m)
		case messages.OpPing:
			r.said = append(r.said, message{messages.OpPong, m.payload})
		}
	}
	return r
}

// judge tells in what a reaction is not the one required.
func judge(got, want reaction) (wrong []string) {
	differ := func(what string, g, w any) {
		if g == w {
			return
		}
		verb := "%v"
		if _, ok := g.(string); ok {
			verb = "%q" // it may be what a server said
		}
		wrong = append(wrong, fmt.Sprintf("%s: got "+verb+", want "+verb, what, g, w))
	}
	differ("state", got.state, want.state)
	differ("opened", got.opened, want.opened)
	differ("cause", got.cause, want.cause)
	if !want.anyPhase {
		differ("phase", got.phase, want.phase)
	}
	differ("status", got.status, want.status)
	differ("subprotocol", got.subprotocol, want.subprotocol)
	differ("close code reported", got.code, want.code)
	differ("close reason reported", got.reason, want.reason)
	differ("clean", got.clean, want.clean)
	differ("note", got.note, want.note)
	differ("close code sent", got.sent, want.sent)
	differ("close reason sent", got.why, want.why)
	differ("bytes behind its close frame", got.after, want.after)
	differ("ended TCP before the server", got.hasty, want.hasty)
	differ("fault of the client", got.fault, want.fault)
	if !want.anyEnd {
		differ("end of TCP", got.end, want.end)
	}
	wrong = append(wrong, compare("received", got.got, want.got)...)
	if !want.anySaid {
		wrong = append(wrong, compare("sent", got.said, want.said)...)
	}
	return wrong
}

// compare tells where two lists of messages part.
func compare(what string, got, want []message) []string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return []string{fmt.Sprintf("%s, message %d: got %v, want %v", what, i+1, got[i], want[i])}
		}
	}
	if len(got) != len(want) {
		return []string{fmt.Sprintf("%s: got %d messages, want %d", what, len(got), len(want))}
	}
	return nil
}

// String gives a reaction in a few words, for the table.
func (r reaction) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case !r.opened && r.status != 0:
		add("not opened: %s %d", r.cause, r.status)
	case !r.opened:
		add("not opened: %s", r.cause)
	case r.state == messages.Connected:
		add("connected")
	default:
		add("%s", r.cause)
	}
	if r.subprotocol != "" {
		add("subprotocol %s", r.subprotocol)
	}
	if n := len(r.got); n == 1 {
		add("%v", r.got[0])
	} else if n > 1 {
		add("%d messages", n)
	}
	if r.opened && r.state != messages.Connected {
		if r.sent != 0 {
			add("sends %d", r.sent)
		}
		if c := int(r.code); c != r.sent && r.code != messages.CloseAbnormal {
			add("reports %d", c)
		}
		if r.clean {
			add("clean")
		}
	}
	if r.note != "" {
		add("%s", r.note)
	}
	return strings.Join(parts, ", ")
}
