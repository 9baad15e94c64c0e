package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of Names. Each name takes fixed memory on each shard, and is the value of a label.
const (
	MaxNames      = 64  // of each kind
	MaxNameLength = 100 // bytes
)

// Names are the series that a scenario names. The methods of ScenarioShard take indices into these lists.
type Names struct {
	Requests   []string // messages and calls whose answers are timed
	Checks     []string // conditions that hold or fail
	Deliveries []string // messages for an audience, timed and counted at each of its members
	Ticks      []string // messages that come at a steady rate

	Populations []string // of players
}

// Scenario makes what counts the series of one scenario. It does not change, and is safe for concurrent use.
type Scenario struct{ names Names }

// NewScenario checks the names and copies them. Those of a kind must differ, be printable text, and keep to the
// bounds above; the error has every mistake. A kind may have no name at all.
func NewScenario(n Names) (*Scenario, error) {
	var errs []error
	for _, k := range []struct {
		kind  string
		names []string
	}{{"requests", n.Requests}, {"checks", n.Checks}, {"deliveries", n.Deliveries}, {"ticks", n.Ticks}, {"populations", n.Populations}} {
		if len(k.names) > MaxNames {
			errs = append(errs, fmt.Errorf("%s: got %d names, want at most %d", k.kind, len(k.names), MaxNames))
			continue
		}
		for i, name := range k.names {
			switch {
			case name == "" || len(name) > MaxNameLength || !printable(name):
				errs = append(errs, fmt.Errorf("%s: got the name %.110q, want 1 to %d bytes of printable text", k.kind, name, MaxNameLength))
			case slices.Contains(k.names[:i], name):
				errs = append(errs, fmt.Errorf("%s: got the name %q twice, want it once", k.kind, name))
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Scenario{Names{
		slices.Clone(n.Requests), slices.Clone(n.Checks), slices.Clone(n.Deliveries), slices.Clone(n.Ticks), slices.Clone(n.Populations),
	}}, nil
}

// printable tells what labels, tables and terminals can show as it is.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// NewShard makes the recorder of one shard.
func (s *Scenario) NewShard() *ScenarioShard {
	shard := new(ScenarioShard)
	shard.counts.init(&s.names)
	return shard
}

// NewSnapshot makes an empty snapshot.
func (s *Scenario) NewSnapshot() *ScenarioSnapshot {
	snap := new(ScenarioSnapshot)
	snap.init(&s.names)
	return snap
}
