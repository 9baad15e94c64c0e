package report

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/metrics"
)

// Load is what was asked for, and what there was of it.
type Load struct {
	// Players is the most at a time, delivered those that were connected; nil where the load does not say how many
	// there are to be, as in the open model.
	Players *Asked `json:"players,omitempty"`
	// Messages is of paced traffic, in messages a second over the whole load, asked of all players from when they are
	// to come; nil for what has no rate.
	Messages *Asked `json:"messages_per_second,omitempty"`
	// Starts is of a scenario: delivered are those that took place, late ones too; nil for none.
	Starts *Asked `json:"starts,omitempty"`
}

// Asked is a figure of a load.
type Asked struct {
	Asked     float64 `json:"asked"`
	Delivered float64 `json:"delivered"`
}

// least is how long a load lasts, in seconds, that has rates: in less than that nothing can be counted.
const least = 1e-9

// load puts what was asked for beside what there was.
func (b *Builder) load(s *Summary) Load {
	w := &b.whole
	var l Load
	if _, planned := w.Peaks[metrics.LoadPlayers.Key()]; planned {
		l.Players = &Asked{float64(s.Players), float64(s.Connections.Peak)}
	}
	if asked := w.Counters[metrics.LoadMessages.Key()]; asked > 0 && s.Duration >= least {
		l.Messages = &Asked{asked / s.Duration, float64(s.Messages.Sent) / s.Duration}
	}
	if b.manifest.Scenario != nil {
		took := w.Count(metrics.LoadStarts, metrics.StartOnTime) + w.Count(metrics.LoadStarts, metrics.StartLate)
		l.Starts = &Asked{float64(took + w.Count(metrics.LoadStarts, metrics.StartMissed)), float64(took)}
	}
	return l
}

// text says it in a line.
func (l *Load) text() string {
	var parts []string
	for _, p := range []struct {
		what string
		of   *Asked
	}{{"players", l.Players}, {"messages/s", l.Messages}, {"starts", l.Starts}} {
		if p.of != nil {
			parts = append(parts, fmt.Sprintf("%s of %s %s", count(uint64(p.of.Delivered+0.5)), count(uint64(p.of.Asked+0.5)), p.what))
		}
	}
	return strings.Join(parts, ", ")
}
