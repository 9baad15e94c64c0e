package load

import (
	"fmt"
	"time"
)

// DefaultTolerance is how late a start may be and still be on time: some turns of an event loop.
const DefaultTolerance = 10 * time.Millisecond

// Tally counts what became of the starts that a schedule asked for. Each start that is due ends as exactly one
// of on time, late, or never; so nothing is dropped in silence. Its law, which Check has, is
//
//	due = on time + late + never
//
// where due comes from the schedule (Held.Starts, with the replacements asked for, or Stream.Count), and the
// rest from who does the starting. The zero value is ready. It belongs to one goroutine.
type Tally struct {
	// Tolerance is how late a start may be and still be on time; 0 is DefaultTolerance, less than 0 none.
	Tolerance time.Duration

	OnTime int
	Late   int           // started, but later than Tolerance after they were due
	Never  int           // due, and not started by the end of the load
	Worst  time.Duration // what the latest start was late by, also if it was on time
}

// Start counts a start that took place, with when it was due.
func (t *Tally) Start(due, at time.Duration) {
	late := max(at-due, 0)
	t.Worst = max(t.Worst, late)
	if late > t.tolerance() {
		t.Late++
	} else {
		t.OnTime++
	}
}

// Miss counts starts that were due and did not take place by the end.
func (t *Tally) Miss(n int) { t.Never += max(n, 0) }

func (t *Tally) tolerance() time.Duration {
	if t.Tolerance == 0 {
		return DefaultTolerance
	}
	return max(t.Tolerance, 0)
}

// Started is the number of starts that took place.
func (t Tally) Started() int { return t.OnTime + t.Late }

// Due is the number of starts that were counted in any way.
func (t Tally) Due() int { return t.OnTime + t.Late + t.Never }

// Check holds the law against the number of starts that were due by the schedule.
func (t Tally) Check(due int) error {
	if t.Due() != due {
		return fmt.Errorf("starts: got %d on time + %d late + %d never = %d, want the %d that were due", t.OnTime, t.Late, t.Never, t.Due(), due)
	}
	return nil
}

// Add adds the counts of another part of the same load. Tolerance stays.
func (t *Tally) Add(o Tally) {
	t.OnTime += o.OnTime
	t.Late += o.Late
	t.Never += o.Never
	t.Worst = max(t.Worst, o.Worst)
}

// String gives all counts, as "1,000 due: 990 on time, 8 late by up to 1.2s, 2 never".
func (t Tally) String() string {
	late := grouped(t.Late) + " late"
	if t.Late > 0 {
		late += " by up to " + brief(t.Worst)
	}
	return fmt.Sprintf("%s due: %s on time, %s, %s never", grouped(t.Due()), grouped(t.OnTime), late, grouped(t.Never))
}
