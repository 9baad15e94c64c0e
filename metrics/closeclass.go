package metrics

import "github.com/loadrig/loadrig/messages"

// closeClass is the index of a close code's label: the registered codes each have one, the others
// share one for each range. A label must not be built on the hot path, and a server must not be able
// to choose how many there are.
type closeClass uint8

const (
	classLibrary    closeClass = 16 + iota // 3000-3999
	classPrivate                           // 4000-4999
	classInvalid                           // all others
	numCloseClasses = 19
)

func classOf(c messages.CloseCode) closeClass {
	switch {
	case c >= 1000 && c <= 1015:
		return closeClass(c - 1000)
	case c >= 3000 && c < 4000:
		return classLibrary
	case c >= 4000 && c < 5000:
		return classPrivate
	default:
		return classInvalid
	}
}

// registered tells classes of one code from those of a range.
func (k closeClass) registered() bool { return k < classLibrary }

// example gives a code of the class; where the class is registered, the only one.
func (k closeClass) example() messages.CloseCode {
	switch k {
	case classLibrary:
		return 3000
	case classPrivate:
		return 4000
	case classInvalid:
		return 0
	default:
		return 1000 + messages.CloseCode(k)
	}
}

// label gives CloseCode.Label of all codes of the class.
func (k closeClass) label() string { return k.example().Label() }

// codeTable keeps exact counts of the first codes outside the registry that come up. What does not
// fit is still in the count of its class.
type codeTable struct {
	used int
	rows [maxCodes]codeRow
}

const maxCodes = 64

type codeRow struct {
	cause messages.Cause
	code  messages.CloseCode
	count uint64
}

func (t *codeTable) find(cause messages.Cause, code messages.CloseCode) *codeRow {
	for i := range t.rows[:t.used] {
		if r := &t.rows[i]; r.code == code && r.cause == cause {
			return r
		}
	}
	return nil
}

func (t *codeTable) add(cause messages.Cause, code messages.CloseCode, n uint64) {
	r := t.find(cause, code)
	if r == nil {
		if t.used == maxCodes {
			return
		}
		r = &t.rows[t.used]
		*r = codeRow{cause: cause, code: code}
		t.used++
	}
	r.count += n
}

func (t *codeTable) merge(other *codeTable) {
	for _, r := range other.rows[:other.used] {
		t.add(r.cause, r.code, r.count)
	}
}

// sub empties the table if either is full: which codes found room may then differ between the two,
// and a row that has no counterpart would be counted from the start of the run.
func (t *codeTable) sub(earlier *codeTable) {
	if t.used == maxCodes || earlier.used == maxCodes {
		*t = codeTable{}
		return
	}
	for _, r := range earlier.rows[:earlier.used] {
		if mine := t.find(r.cause, r.code); mine != nil {
			mine.count = minus(mine.count, r.count)
		}
	}
}
