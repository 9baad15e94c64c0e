package messages

// State is what a connection is at one instant. There are four, and a closing handshake in flight is
// not one of them: it is a flag inside Connected.
type State uint8

// The states.
const (
	Idle         State = iota // never connected since it was opened
	Connecting                // the opening handshake is under way
	Connected                 // messages may pass, or the closing handshake is under way
	Disconnected              // the last attempt or session has ended, with a cause
	NumStates    = 4
)

var stateNames = [NumStates]string{"idle", "connecting", "connected", "disconnected"}

// String gives the name used as a metric label and in summaries: idle, connecting, connected,
// disconnected.
func (s State) String() string { return nameOf(stateNames[:], int(s)) }

// States lists all states, in the order of a connection's life.
func States() []State { return []State{Idle, Connecting, Connected, Disconnected} }

// Input is anything that may move a connection from one state to another: a command, or something
// that its socket reports.
type Input uint8

// The inputs. The first five are commands' kinds, the rest is what the socket reports.
const (
	InputConnect    Input = iota // the command Connect
	InputReconnect               // the command Reconnect
	InputSend                    // SendJSON, SendText, SendBinary or Ping
	InputDisconnect              // the command Disconnect
	InputOpened                  // the opening handshake succeeded
	InputEnded                   // the attempt failed, or the open connection is gone
	NumInputs       = 6
)

var inputNames = [NumInputs]string{"connect", "reconnect", "send", "disconnect", "opened", "ended"}

// String gives the input's name.
func (in Input) String() string { return nameOf(inputNames[:], int(in)) }

// Transition is one cell of the table: where an input leads, or why it is refused. A refused input
// changes nothing: To is then the state it was refused in.
type Transition struct {
	To  State
	Err error // nil where the input is accepted
}

// table is the state machine: rows are the state an input arrives in. Code, tests and
// docs/architecture.md all read it through Next.
var table = [NumStates][NumInputs]Transition{
	Idle: {
		InputConnect:    {Connecting, nil},
		InputReconnect:  {Idle, ErrNeverConnected},
		InputSend:       {Idle, ErrNotConnected},
		InputDisconnect: {Idle, ErrNotConnected},
		InputOpened:     {Idle, ErrImpossible},
		InputEnded:      {Idle, ErrImpossible},
	},
	Connecting: {
		InputConnect:    {Connecting, ErrAlreadyConnecting},
		InputReconnect:  {Connecting, ErrAlreadyConnecting},
		InputSend:       {Connecting, ErrNotConnected},
		InputDisconnect: {Connecting, nil}, // cancels the attempt, which then reports InputEnded
		InputOpened:     {Connected, nil},
		InputEnded:      {Disconnected, nil},
	},
	Connected: {
		InputConnect:    {Connected, ErrAlreadyConnected},
		InputReconnect:  {Connected, ErrAlreadyConnected},
		InputSend:       {Connected, nil},
		InputDisconnect: {Connected, nil}, // starts the closing handshake, which ends in InputEnded
		InputOpened:     {Connected, ErrImpossible},
		InputEnded:      {Disconnected, nil},
	},
	Disconnected: {
		InputConnect:    {Connecting, nil}, // replaces the earlier parameters
		InputReconnect:  {Connecting, nil}, // the same parameters, auth evaluated afresh
		InputSend:       {Disconnected, ErrNotConnected},
		InputDisconnect: {Disconnected, ErrNotConnected},
		InputOpened:     {Disconnected, ErrImpossible},
		InputEnded:      {Disconnected, ErrImpossible},
	},
}

// Next looks up what input in does in state s. It panics if either is out of range.
func Next(s State, in Input) Transition { return table[s][in] }

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}
