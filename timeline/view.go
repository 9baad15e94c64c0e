package timeline

import (
	"github.com/loadrig/loadrig/report"
)

// Run is a run as it is drawn, at one moment. It does not change any more.
type Run struct {
	Manifest *report.Manifest `json:"manifest"`
	// Summary is how the run stands, or ended; nil before its first record.
	Summary *report.Summary `json:"summary"`
	Over    bool            `json:"over"`
	Damage  string          `json:"damage,omitempty"` // what of it could not be read
	// Gen counts how often rows were halved, and Next the rows: what Since goes on from.
	Gen      int              `json:"gen"`
	Next     int              `json:"next"`
	Width    int              `json:"width"`   // intervals of a row
	Columns  []string         `json:"columns"` // their keys
	Rows     int              `json:"rows"`
	Data     Figures          `json:"data"` // by column
	Heat     Heat             `json:"heat"`
	Events   []report.Event   `json:"events"`
	Survival *report.Survival `json:"survival"` // nil where no session opened, or the records say nothing of it
}

// Heat is the heat maps of latencies.
type Heat struct {
	Low       float64  `json:"low"` // seconds; bin b is of durations above Low·2^(b/PerOctave), up to the next bin's
	PerOctave int      `json:"per_octave"`
	Subjects  []string `json:"subjects"` // whose they are
	Cells     Cells    `json:"cells"`    // by subject
}

// News is what came since a Run or the News before.
type News struct {
	Gen      int              `json:"gen"`
	Next     int              `json:"next"`
	Rows     Figures          `json:"rows"` // by row
	Heat     Cells            `json:"heat"` // by subject
	Events   []report.Event   `json:"events"`
	Summary  *report.Summary  `json:"summary"`
	Survival *report.Survival `json:"survival"`
	Over     bool             `json:"over"`

	events int // how many there are now
}

// Run gives the run as it is now; nil before it has begun.
func (t *Timeline) Run() *Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.manifest == nil {
		return nil
	}
	n := t.rows()
	r := &Run{
		Manifest: t.manifest, Summary: t.summary, Over: t.over, Damage: t.damage, Gen: t.gen, Next: n, Width: t.width, Rows: n,
		Heat:   Heat{Low: heatLow.Seconds(), PerOctave: heatOctave, Cells: Cells{lists: t.heatFrom(0, n)}},
		Events: append([]report.Event{}, t.events...), Survival: t.survival,
	}
	for i := range t.columns.list {
		r.Columns = append(r.Columns, t.columns.list[i].key)
	}
	for i := range t.columns.heat {
		r.Heat.Subjects = append(r.Heat.Subjects, t.columns.heat[i].subject)
	}
	r.Data = Figures{columns: t.columns.list, data: t.dataFrom(0, n)}
	return r
}

// maxNews is how many rows News has at most: of a viewer who has been away for longer, several become one.
const maxNews = 16

// Since gives what came since n rows and events events of the generation gen; nil if there were so many that the whole
// Run is to be asked for again, or rows were halved meanwhile. The rows are as few as are worth drawing.
func (t *Timeline) Since(gen, n, events int) *News {
	news := t.since(gen, n, events)
	for news != nil && news.rows() > maxNews { // without the lock, as it may take some time
		news.merge()
	}
	return news
}

// since is Since with all the rows there are.
func (t *Timeline) since(gen, n, events int) *News {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := t.rows()
	if t.manifest == nil || gen != t.gen || n > rows || n < 0 || events < 0 || events > len(t.events) {
		return nil
	}
	return &News{
		Gen: t.gen, Next: rows, Events: append([]report.Event{}, t.events[events:]...), Summary: t.summary, Survival: t.survival, Over: t.over,
		Rows: Figures{columns: t.columns.list, data: t.dataFrom(n, rows), byRow: true}, Heat: Cells{lists: t.heatFrom(n, rows)},
		events: len(t.events),
	}
}

func (n *News) rows() int { return len(n.Rows.data[0]) }

// merge makes one row of each two.
func (n *News) merge() {
	n.Rows.data, n.Heat.lists = merged(n.Rows.columns, n.Rows.data, n.Heat.lists)
}

// Halved gives the run with each two rows made one, where it has more than a few; else the run itself.
func (r *Run) Halved() *Run {
	if r.Rows < minRows {
		return r
	}
	half := *r
	half.Data.data, half.Heat.Cells.lists = merged(r.Data.columns, r.Data.data, r.Heat.Cells.lists)
	half.Rows, half.Width, half.Gen = (r.Rows+1)/2, 2*r.Width, r.Gen+1
	half.Next = half.Rows
	return &half
}

// merged makes one row of each two; an odd one stays.
func merged(columns []column, data [][]float64, heat [][][]heatCell) ([][]float64, [][][]heatCell) {
	fewer := make([][]float64, len(data))
	for i, list := range data {
		for k := 0; k < len(list); k += 2 {
			v := list[k]
			if k+1 < len(list) {
				v = columns[i].merging.merge(v, list[k+1])
			}
			fewer[i] = append(fewer[i], v)
		}
	}
	cells := make([][][]heatCell, len(heat))
	for i, list := range heat {
		for k := 0; k < len(list); k += 2 {
			v := list[k]
			if k+1 < len(list) {
				v = mergeCells(v, list[k+1])
			}
			cells[i] = append(cells[i], v)
		}
	}
	return fewer, cells
}

// EventsSeen gives how many events a Run or News had in all, for the next call of Since.
func (r *Run) EventsSeen() int { return len(r.Events) }

// EventsSeen is described at Run.EventsSeen.
func (n *News) EventsSeen() int { return n.events }

func (t *Timeline) dataFrom(n, end int) [][]float64 {
	list := make([][]float64, len(t.data))
	for i := range list {
		list[i] = t.data[i][n:end:end]
	}
	return list
}

func (t *Timeline) heatFrom(n, end int) [][][]heatCell {
	list := make([][][]heatCell, len(t.heat))
	for i := range list {
		list[i] = t.heat[i][n:end:end]
	}
	return list
}
