package timeline

import (
	"sync"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
)

// Bounds of what is kept.
const (
	maxRows   = 4096      // an hour of seconds, and what settling and draining take
	maxCells  = 256 << 12 // figures of all rows, 8 MiB: of a scenario with many names there are fewer rows
	minRows   = 64
	maxEvents = 1000
)

// Timeline is the course of one run. It is a report.Follower: what it is told it takes in, in a fifth of a millisecond (16 ms
// of a scenario with as many names as there may be), and who reads it, from any goroutine, holds nobody up.
type Timeline struct {
	mu sync.Mutex
	// Guarded by mu. Slices are only ever appended to, or replaced whole: what a View has of them stays as it is.
	manifest *report.Manifest // nil before Begin
	columns  *columns
	limit    int            // rows at which two become one
	data     [][]float64    // by column
	heat     [][][]heatCell // by heat map and row
	open     *row           // the row that has begun; nil for none
	width    int            // records that make a row
	gen      int            // how often rows were halved
	events   []report.Event
	summary  *report.Summary
	survival *report.Survival
	over     bool
	damage   string
	version  uint64        // counts what was told
	changed  chan struct{} // closed when there is something new
}

// row is a row that is not full yet.
type row struct {
	records int
	figures []float64
	heat    [][]heatCell
}

// New makes a Timeline of a run that has not begun.
func New() *Timeline { return &Timeline{width: 1, changed: make(chan struct{})} }

// Begin implements report.Sink.
func (t *Timeline) Begin(m *report.Manifest) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.manifest, t.columns = m, newColumns(m)
	t.data = make([][]float64, len(t.columns.list))
	t.heat = make([][][]heatCell, len(t.columns.heat))
	t.limit = min(maxRows, max(minRows, maxCells/len(t.data)/2*2))
	t.tell()
	return nil
}

// Record implements report.Sink.
func (t *Timeline) Record(r *metrics.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(r)
	t.survival = report.NewSurvival(r.Sessions)
	if t.open.records >= t.width && t.long() {
		t.shut()
	}
	return nil
}

// long tells whether the open row is long enough for its rates to mean something: the interval that the end of the load
// cuts short is not.
func (t *Timeline) long() bool {
	from, to := t.open.figures[0], t.open.figures[1]
	return to-from >= t.manifest.Interval*float64(t.width)/2
}

// take adds a record to the open row.
func (t *Timeline) take(r *metrics.Record) {
	if t.open == nil {
		t.open = &row{figures: make([]float64, len(t.columns.list)), heat: make([][]heatCell, len(t.columns.heat))}
	}
	o := t.open
	t.columns.next(r)
	for i := range t.columns.list {
		c := &t.columns.list[i]
		if v := c.read(r); o.records == 0 {
			o.figures[i] = v
		} else {
			o.figures[i] = c.merging.merge(o.figures[i], v)
		}
	}
	o.records++
	for i := range t.columns.heat {
		cells := t.columns.heat[i].read(r)
		if o.heat[i] == nil {
			o.heat[i] = cells
		} else {
			o.heat[i] = mergeCells(o.heat[i], cells)
		}
	}
}

// shut puts the open row to the others.
func (t *Timeline) shut() {
	for i := range t.data {
		t.data[i] = append(t.data[i], t.open.figures[i])
	}
	for i := range t.heat {
		t.heat[i] = append(t.heat[i], t.open.heat[i])
	}
	t.open = nil
	if t.rows() >= t.limit {
		t.halve()
	}
}

func (t *Timeline) rows() int {
	if len(t.data) == 0 {
		return 0
	}
	return len(t.data[0])
}

// halve makes one row of each two, in new memory, as Views share the old.
func (t *Timeline) halve() {
	for i, list := range t.data {
		by := t.columns.list[i].merging
		half := make([]float64, len(list)/2, t.limit)
		for k := range half {
			half[k] = by.merge(list[2*k], list[2*k+1])
		}
		t.data[i] = half
	}
	for i, list := range t.heat {
		half := make([][]heatCell, len(list)/2, t.limit)
		for k := range half {
			half[k] = mergeCells(list[2*k], list[2*k+1])
		}
		t.heat[i] = half
	}
	t.width *= 2
	t.gen++
}

// Event implements report.Sink.
func (t *Timeline) Event(e report.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Outcome = nil // the summary has it
	if len(t.events) < maxEvents {
		t.events = append(t.events, e)
	}
	return nil
}

// Stands implements report.Follower.
func (t *Timeline) Stands(s *report.Summary) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.summary = s
	t.tell()
	return nil
}

// End implements report.Sink.
func (t *Timeline) End(s *report.Summary) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		t.shut()
	}
	if s != nil {
		t.summary = s
	}
	t.over = true
	t.tell()
	return nil
}

// Damaged says what of the run could not be read, for those who look at it. It is a rundir.Damaged.
func (t *Timeline) Damaged(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.damage = text
}

// tell wakes those who wait for something new.
func (t *Timeline) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
	t.version++
}

// ID gives that of the run; empty before it has begun.
func (t *Timeline) ID() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.manifest == nil {
		return ""
	}
	return t.manifest.ID
}

// Changed gives a number that is another whenever there is something new, and a channel that is closed then.
func (t *Timeline) Changed() (version uint64, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version, t.changed
}
