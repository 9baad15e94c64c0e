package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/load"
)

// readLoad reads a scenario whose load section has these lines.
func readLoad(lines ...string) (*Scenario, error) {
	text := "players: {crowd: {steps: [connect]}}\n"
	if len(lines) > 0 {
		text += "load:\n  " + strings.Join(lines, "\n  ") + "\n"
	}
	return Read(strings.NewReader(text), "x.yaml", ".", Options{})
}

func TestPlan(t *testing.T) {
	const s = time.Second
	hold := func(players int, d time.Duration) []load.Stage {
		return []load.Stage{{Duration: d, Players: players, Step: true}}
	}
	arrive := func(r load.Rate, d time.Duration) []load.Stage {
		return []load.Stage{{Duration: d, Rate: r, Step: true}}
	}
	for _, c := range []struct {
		load  []string
		want  load.Plan
		human string
	}{
		{nil, load.Plan{Model: load.Closed, Stages: hold(1000, 10*s), Graceful: 30 * s}, "1,000 players for 10s"},
		{[]string{"players: 20"}, load.Plan{Model: load.Closed, Stages: hold(20, 10*s), Graceful: 30 * s}, "20 players for 10s"},
		{[]string{"duration: 1m"}, load.Plan{Model: load.Closed, Stages: hold(1000, 60*s), Graceful: 30 * s}, "1,000 players for 1m"},
		{
			[]string{"players: 20", "iterations: 5"},
			load.Plan{Model: load.Closed, Stages: hold(20, load.Forever), Iterations: 5, Graceful: 30 * s},
			"20 players until they are done, 5 iterations each",
		},
		{
			[]string{"players: 20", "iterations: 5", "duration: 1m"},
			load.Plan{Model: load.Closed, Stages: hold(20, 60*s), Iterations: 5, Graceful: 30 * s},
			"20 players for 1m, 5 iterations each",
		},
		{ // as those that replace them have iterations to do too, they are never done
			[]string{"players: 20", "iterations: 5", "replace: true", "start: together", "graceful_stop: 0"},
			load.Plan{Model: load.Closed, Stages: hold(20, 10*s), Iterations: 5, Replace: true, LockStep: true},
			"20 players for 10s, 5 iterations each, replaced when done, in lock-step",
		},
		{[]string{"rate: 50/s", "start: spread"}, load.Plan{Model: load.Open, Stages: arrive(50, 10*s), Graceful: 30 * s}, "50 players/s for 10s"},
		{
			[]string{"rate: 6/m", "duration: 1h", "arrivals: poisson", "graceful_stop: 5s", "iterations: 1"},
			load.Plan{Model: load.Open, Stages: arrive(0.1, time.Hour), Poisson: true, Iterations: 1, Graceful: 5 * s},
			"6 players/m for 1h, Poisson arrivals, 1 iteration each",
		},
		{ // players of the open model keep coming, so it ends by time
			[]string{"rate: 5/s", "iterations: 2"},
			load.Plan{Model: load.Open, Stages: arrive(5, 10*s), Iterations: 2, Graceful: 30 * s},
			"5 players/s for 10s, 2 iterations each",
		},
		{[]string{"rate: 6/m", "arrivals: even"}, load.Plan{Model: load.Open, Stages: arrive(0.1, 10*s), Graceful: 30 * s}, "6 players/m for 10s"},
		{
			[]string{"stages:", "- {duration: 30s, players: 1000}", "- {duration: 1m, players: 1000}", "- {duration: 10s, players: 0}"},
			load.Plan{Model: load.Closed, Graceful: 30 * s, Stages: []load.Stage{{Duration: 30 * s, Players: 1000}, {Duration: 60 * s, Players: 1000}, {Duration: 10 * s}}},
			"ramp to 1,000 players in 30s, hold 1m, ramp down in 10s",
		},
		{
			[]string{"stages:", "- {duration: 30s, rate: 10/s}", "- {duration: 5s, rate: 200/s, step: true}"},
			load.Plan{Model: load.Open, Graceful: 30 * s, Stages: []load.Stage{{Duration: 30 * s, Rate: 10}, {Duration: 5 * s, Rate: 200, Step: true}}},
			"ramp to 10 players/s in 30s, step to 200 players/s for 5s",
		},
	} {
		sc, err := readLoad(c.load...)
		if err != nil {
			t.Errorf("%q: %v", c.load, err)
			continue
		}
		got, err := sc.File.Load.Plan()
		if err != nil {
			t.Errorf("%q: %v", c.load, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: want (-), got (+):\n%s", c.load, diff)
		}
		if got.String() != c.human {
			t.Errorf("%q: got %q, want %q", c.load, got, c.human)
		}
	}
}

// TestPlanMistakes: each mistake has its place, and all are there at once. The load section is the second line,
// and begins in the third.
func TestPlanMistakes(t *testing.T) {
	for _, c := range []struct {
		load []string
		want []string
	}{
		{[]string{"players: 5", "rate: 5/s"}, []string{"4:9: load: got players and rate, want one: players are held (closed model), or arrive at a rate (open model)"}},
		{[]string{"rate: 0/s"}, []string{"3:9: load: got a rate of 0, want more; nobody would come"}},
		{[]string{"rate: 5/s", "replace: true"}, []string{"3:9: load: replace is of the closed model, and rate is the open one"}},
		{[]string{"replace: true", "stages:", "- {duration: 1s, rate: 5/s}"}, []string{"5:5: load: replace is of the closed model, and rate is the open one"}},
		{[]string{"players: 5", "arrivals: poisson"}, []string{"3:3: load: arrivals is of the open model, which has a rate, or stages of rates"}},
		{[]string{"players: 5", "duration: 5s", "stages:", "- {duration: 1s, players: 5}"}, []string{
			"6:5: load: got stages besides players or rate, want one of the three",
			"6:5: load: got stages besides duration, want one; the load lasts as long as its stages do",
		}},
		{ // which model is meant nobody knows, so whether it can replace is not said
			[]string{"replace: true", "stages:", "- {duration: 1s, players: 5}", "- {duration: 1s, rate: 5/s}"},
			[]string{"5:5: load: got stages of players and of rates, want one kind"},
		},
		{[]string{"stages:", "- {duration: 1s}", "- {duration: 1s, rate: 5/s, players: 5}"}, []string{"4:5: stage: want either players or rate", "5:5: stage: want either players or rate"}},
		{[]string{"stages:", "- {duration: 1s, players: 5}", "- {duration: 0s, players: 7}"}, []string{"5:5: stage 2: duration: got 0s, want more than 0; a step goes to its level at once and stays for the duration"}},
		{[]string{"stages:", "- {duration: 1s, players: 0}"}, []string{"3:3: load: stages: got none in which anybody comes, want one or more"}},
		{[]string{"rate: 1000000000/s", "duration: 1h"}, []string{"3:3: load: arrivals: got 3.6e+12 in all, want at most 1e+12"}},
	} {
		_, err := readLoad(c.load...)
		got, want := "", ""
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, " ") { // an excerpt
					got += line + "\n"
				}
			}
		}
		for _, w := range c.want {
			want += "x.yaml:" + w + "\n"
		}
		if got != want {
			t.Errorf("%q: got\n%swant\n%s", c.load, got, want)
		}
	}
}

// TestPlanOfCode: who makes a LoadModel in code, and not by Read, gets all mistakes at once too.
func TestPlanOfCode(t *testing.T) {
	for _, c := range []struct {
		load LoadModel
		want string
	}{
		{LoadModel{Players: 5, Rate: 5, Replace: true}, "load: got players and rate, want one: players are held (closed model), or arrive at a rate (open model)\n" +
			"load: replace is of the closed model, and rate is the open one"},
		{LoadModel{Players: -5}, ""}, // not given
		{LoadModel{Players: 20_000_000}, "load: players: got 20000000, want 0 to 10000000"}, //
		{LoadModel{Stages: []*Stage{{Duration: -1, Players: 20_000_000}}}, "stage 1: duration: got -1ns, want more than 0; a step goes to its level at once and stays for the duration\n" +
			"stage 1: players: got 20000000, want 0 to 10000000"},
	} {
		p, err := c.load.Plan()
		if got := errorText(err); got != c.want || (err == nil) != (len(p.Stages) > 0) {
			t.Errorf("%+v: got %v and %q, want %q", c.load, p, got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
