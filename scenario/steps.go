package scenario

import "time"

// Step is one step of a player. Body is one of the types below.
type Step struct {
	At   Pos
	Kind string
	Body any

	bad bool // there is a mistake in it
}

// The bodies of steps. Texts may be templates unless they are paths, patterns or expressions.
type (
	// ConnectStep opens the connection and waits until it is open.
	ConnectStep struct {
		URL   string // instead of the target's
		URLAt Pos
	}
	// SendStep sends one message.
	SendStep struct{ Payload Payload }
	// RequestStep sends a message and times the answer that carries its id.
	RequestStep struct {
		Name    string
		NameAt  Pos
		Payload Payload
		ID      string // path of the id in what is sent
		IDAt    Pos
		ReplyID string // in the answer; ID if empty
		ReplyAt Pos
		Timeout time.Duration
		NoWait  bool // go on at once; the answer is timed whenever it comes
		Save    []*Extract
		Else    []*Step
	}
	// ExpectStep waits for a message.
	ExpectStep struct {
		Name    string
		NameAt  Pos
		Match   Match
		Timeout time.Duration
		Save    []*Extract
		Else    []*Step
	}
	// ThinkStep waits.
	ThinkStep struct{ Time Distribution }
	// LoopStep repeats steps, as often or as long as its kind says.
	LoopStep struct {
		Interval time.Duration // of every
		Times    int           // 0 for no bound
		For      time.Duration // 0 for no bound
		When     string        // of while
		WhenAt   Pos
		Do       []*Step
	}
	// IfStep takes one of two ways.
	IfStep struct {
		When       string
		WhenAt     Pos
		Then, Else []*Step
	}
	// ChooseStep takes one of several ways, by chance.
	ChooseStep struct {
		At   Pos
		Ways []*Way
	}
	// PaceStep waits for the next place in an absolute schedule that began with the iteration.
	PaceStep struct{ Interval time.Duration }
	// PingStep sends a ping.
	PingStep struct{}
	// HTTPStep makes an HTTP request, off the shard.
	HTTPStep struct {
		Name     string
		NameAt   Pos
		Method   string
		URL      string
		URLAt    Pos
		Headers  []*Header
		Payload  Payload // JSON or text
		Timeout  time.Duration
		Statuses []int // that are wanted; 200 to 299 if empty
		Save     []*Extract
		Else     []*Step
	}
	// DisconnectStep closes the connection and waits until it is closed.
	DisconnectStep struct {
		Code     int // 1000 if 0
		CodeAt   Pos
		Reason   string
		ReasonAt Pos
	}
	// ReconnectStep opens the connection again, with waits between attempts.
	ReconnectStep struct {
		Policy          string // none, fixed, exponential or herd
		Delay, MaxDelay time.Duration
		Limit           int // attempts
		At              Pos
		Else            []*Step
	}
	// SetStep gives variables new values.
	SetStep struct{ Vars []*Var }
	// CheckStep counts whether something holds.
	CheckStep struct {
		Name   string
		NameAt Pos
		That   string
		ThatAt Pos
	}
	// LogStep writes a line to the run's log.
	LogStep struct {
		Text string
		At   Pos
	}
	// CallStep is the steps of a fragment.
	CallStep struct {
		Fragment string
		At       Pos
	}
	// AudienceStep joins or leaves those who are to get what is published to an audience.
	AudienceStep struct {
		Name string
		At   Pos
	}
	// PublishStep sends a message that a whole audience is to get; its stamp is in it.
	PublishStep struct {
		Name       string
		NameAt     Pos
		Audience   string
		AudienceAt Pos
		Payload    Payload
	}
	// StopStep ends the player.
	StopStep struct{}
)

// Way is one of several, with its weight.
type Way struct {
	At     Pos
	Weight float64
	Do     []*Step
}
