package scenario

import (
	"regexp"
	"time"

	"github.com/expr-lang/expr/vm"

	"github.com/loadrig/loadrig/threshold"
)

// Scenario is a file made ready to run. It is not changed after Load, and so may be used by many at once.
type Scenario struct {
	File     *File
	Programs []*Program
	Feeds    []*Feed // columns are found by name at run time
	Rows     []*Rows // of the feeds, in their order

	// Env is what was given from outside, which env sees.
	Env map[string]string

	// What is sent in the opening handshake. These templates refer to the file's variables, whose slots are
	// the same in each program.
	URL      *Template // nil if the target has none
	Headers  []HeaderTemplate
	Identity *Identity // nil if there is no auth

	// Names of series, each of which a Program refers to by its index.
	Requests   []string // of request and http steps
	Checks     []string
	Deliveries []string
	Ticks      []string

	Populations []string // by Program.Index

	Thresholds []threshold.Spec // in the order of the file

	SHA256 string // of the file, in hex

	name   string // of the file
	source []byte // what it says
}

// Identity is who a player is; a part that is not given is nil.
type Identity struct{ User, Organization, Project, World, LaunchContext *Template }

// Enough tells whether a number of players can be had: whether data of which each is to have a row of its
// own has as many. The error is a *Problems.
func (s *Scenario) Enough(players int) error {
	c := &compiler{source: &source{file: s.name}, file: s.File, out: s}
	c.enough(players)
	return c.err()
}

// Program is what the players of one population run.
type Program struct {
	Index    int // in the Scenario's Programs
	Name     string
	Weight   float64
	Vars     []string // by slot
	Init     []Assign // first values, in this order
	Code     []Instr  // an iteration begins at 0
	Lost     int      // where to go on when the connection is lost; -1 for nowhere
	Rules    []RuleProgram
	Split    string // delimiter of messages within a frame; empty for none
	Counters int    // places for what loops, pace and reconnect keep
	Mail     []*Matcher
}

// Op is what an instruction does.
type Op uint8

// The instructions. A and B are the fields of Instr; "else B" means that B is where to go on if it fails.
const (
	OpConnect    Op = iota // Arg *Template of the URL, or nil
	OpSend                 // Arg *Message
	OpRequest              // Arg *Request; else B
	OpExpect               // Arg *Expect; else B
	OpThink                // Arg *Distribution
	OpLoop                 // begins the loop of counter A
	OpLoopTest             // Arg *Loop; counter A; B is behind the loop
	OpLoopNext             // Arg *Loop; counter A; B is the test
	OpUnless               // Arg *Expr; to B if it does not hold
	OpChoose               // Arg *Choice
	OpJump                 // to B
	OpPace                 // Arg time.Duration; counter A
	OpPing                 //
	OpHTTP                 // Arg *HTTP; else B
	OpDisconnect           // Arg *Closing
	OpReconnect            // Arg *ReconnectStep; counter A; else B
	OpSet                  // Arg []Assign
	OpCheck                // Arg *Expr; check A
	OpLog                  // Arg *Template
	OpJoin                 // Arg *Template
	OpLeave                // Arg *Template
	OpPublish              // Arg *Publication
	OpStop                 // ends the player
	OpEnd                  // ends the iteration, or the rule, or what is done about a loss
)

// Instr is one instruction.
type Instr struct {
	Op   Op
	A, B int32
	Arg  any
	At   Pos
}

// Waits tells instructions after which time may have passed.
func (op Op) Waits() bool {
	switch op {
	case OpConnect, OpRequest, OpExpect, OpThink, OpLoopNext, OpPace, OpHTTP, OpDisconnect, OpReconnect:
		return true
	default:
		return false
	}
}

// Message is a payload made ready to send.
type Message struct {
	Binary bool
	Body   *Template
}

// Request is a message whose answer is timed.
type Request struct {
	Message
	Series  int
	ID      string // gjson path
	ReplyID string
	Timeout time.Duration
	NoWait  bool
	Save    []Save
}

// Expect is a wait for a message.
type Expect struct {
	Check   int // of the check that counts whether it came
	Matcher *Matcher
	Timeout time.Duration
	Save    []Save
}

// Publication is a message for an audience.
type Publication struct {
	Message
	Series   int
	Audience *Template
}

// Loop is what a loop goes by; the zero fields bound nothing.
type Loop struct {
	Interval time.Duration
	Times    int64
	For      time.Duration
	When     *Expr
}

// Choice is ways by chance: the i-th is taken if chance is below Up[i] and not below the one before.
type Choice struct {
	Up []float64 // cumulative, the last is 1
	To []int32
}

// HTTP is a request off the shard.
type HTTP struct {
	Series   int
	Method   string
	URL      *Template
	Headers  []HeaderTemplate
	Body     *Template // nil for none
	JSON     bool
	Timeout  time.Duration
	Statuses []int // empty: 200 to 299
	Save     []Save
}

// HeaderTemplate is a header whose value is a template.
type HeaderTemplate struct {
	Name  string
	Value *Template
}

// Closing is a close frame to send.
type Closing struct {
	Code   int
	Reason *Template
}

// Assign gives a variable a value.
type Assign struct {
	Slot  int
	Value *Template
}

// RuleProgram is a rule made ready.
type RuleProgram struct {
	Matcher  *Matcher      // nil for Every
	Every    time.Duration // at intervals
	Start    int           // in Code; -1 for nothing to do
	Delivery int           // series, -1 for none
	Stamp    string        // gjson path
	Tick     int           // series, -1 for none
	Interval time.Duration
}

// Save fills a variable from a message.
type Save struct {
	Slot   int
	Path   string // gjson path; empty for bytes
	Offset int
	Length int
	As     string
}

// Matcher tells which messages are meant.
type Matcher struct {
	JSON     []Wanted
	Text     *Template
	Contains *Template
	Regex    *regexp.Regexp
	Where    *Expr
	Bytes    []byte
	Offset   int
}

// NeedsJSON tells whether only valid JSON can match.
func (m *Matcher) NeedsJSON() bool { return len(m.JSON) > 0 }

// Wanted is a value wanted at a path.
type Wanted struct {
	Path  string // gjson path
	Value *Template
}

// Expr is an expression made ready. It sees the variables in Uses by their names, and the functions.
type Expr struct {
	Program *vm.Program
	Uses    []Use
	Source  string
	At      Pos
}

// Use is a variable that an expression refers to: a slot, or a feed if Slot is -1.
type Use struct {
	Name string
	Slot int
	Feed int
}

// Template is a text in segments.
type Template struct {
	Segments []Segment
	At       Pos
	Constant bool // it has at most one segment, of plain text
	JSON     bool // the whole is JSON, so what it gives is to be parsed where a value is wanted
}

// Segment is plain text, or a value.
type Segment struct {
	Kind SegmentKind
	Mode Mode
	Text []byte // of plain text
	Slot int    // of SegVar; of SegFeed the feed
	Name string // of SegFeed the column
	Expr *Expr  // of SegExpr
}

// SegmentKind says where a value comes from.
type SegmentKind uint8

// The kinds of segments.
const (
	SegText      SegmentKind = iota
	SegVar                   // a variable
	SegFeed                  // a column of the player's row
	SegPlayer                // n, the player's number, from 0
	SegIteration             // how often the steps were gone through, from 0
	SegSeq                   // a number that grows by one each time it is used, for each player
	SegStamp                 // the stamp of a publication
	SegUUID                  // a random UUID
	SegExpr                  // an expression
)

// Mode says how a value is written.
type Mode uint8

// The modes.
const (
	Raw       Mode = iota // as it is
	InString              // within a JSON string, escaped
	JSONValue             // as a JSON value of its own type
)

// Value is what a variable holds. Strings are kept in Str, whose memory is reused.
type Value struct {
	Kind ValueKind
	Num  float64
	Str  []byte
}

// ValueKind is the type of a Value.
type ValueKind uint8

// The types of values.
const (
	Null ValueKind = iota
	False
	True
	Number
	String
	JSON // an object or a list, as text
)
