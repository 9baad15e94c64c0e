package messages

// Stray says why a message that came, where each message sent has one answer, is not the answer to one. It is also
// the value of a metric label.
type Stray uint8

// The reasons.
const (
	StrayCorrupted  Stray = iota // it answers a message, for the first time, but is not what it should be
	StrayDuplicated              // it answers a message once more, whatever it says now
	StrayForeign                 // it answers no message of its player's: the server's own word, or another player's
	NumStrays       = 3
)

var strayNames = [NumStrays]string{"corrupted", "duplicated", "foreign"}

// String gives the metric label.
func (s Stray) String() string { return nameOf(strayNames[:], int(s)) }
