package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
)

// counting is a sink that counts what it is told, and fails where it is to.
type counting struct {
	begin, record         error
	begins, records, ends int
	summary               *report.Summary
}

func (c *counting) Begin(*report.Manifest) error { c.begins++; return c.begin }
func (c *counting) Record(*metrics.Record) error { c.records++; return c.record }
func (c *counting) Event(report.Event) error     { return nil }
func (c *counting) End(s *report.Summary) error  { c.ends++; c.summary = s; return nil }

// TestTogether: an output that takes nothing costs the others nothing, and each that began is ended once.
func TestTogether(t *testing.T) {
	r, err := rundir.Open(keepRun(t, t.TempDir(), "20261123-000000-aaaaaa", "", time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	bad, good := &counting{record: full}, new(counting)
	if err := r.Replay(newTogether([]report.Sink{bad, good})); !errors.Is(err, full) {
		t.Errorf("got %v, want that the disk is full", err)
	}
	for _, c := range []*counting{bad, good} {
		if c.records != 30 || c.ends != 1 || c.summary == nil {
			t.Errorf("got %d records and %d ends with %v, want all 30 and the summary", c.records, c.ends, c.summary)
		}
	}
	first, never, last := new(counting), &counting{begin: full}, new(counting)
	if err := r.Replay(newTogether([]report.Sink{first, never, last})); !errors.Is(err, full) {
		t.Errorf("got %v, want that the disk is full", err)
	}
	if first.ends != 1 || first.summary != nil || never.ends != 0 || last.begins != 0 || first.records != 0 {
		t.Errorf("got %+v, %+v, %+v, want the first ended, without a run", first, never, last)
	}
	alone := &counting{record: full}
	if err := r.Replay(alone); !errors.Is(err, full) || alone.ends != 1 || alone.summary != nil {
		t.Errorf("got %v and %+v, want it ended without a summary", err, alone)
	}
}
