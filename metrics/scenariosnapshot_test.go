package metrics

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

// equal compares all counts. reflect.DeepEqual would take bin after bin, a hundred times as long.
func equal(a, b *ScenarioSnapshot) bool {
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range va.NumField() {
		if f := va.Field(i); f.Kind() == reflect.Uint64 && f.Uint() != vb.Field(i).Uint() {
			return false
		}
	}
	return slices.Equal(a.Requests, b.Requests) && slices.Equal(a.Checks, b.Checks) &&
		slices.Equal(a.Deliveries, b.Deliveries) && slices.Equal(a.Ticks, b.Ticks) && slices.Equal(a.Populations, b.Populations)
}

// histogramsOf finds all histograms below v, so that one that Merge or Sub forgets shows.
func histogramsOf(v reflect.Value) (list []*Histogram) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Histogram]() {
			return []*Histogram{v.Addr().Interface().(*Histogram)}
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				list = append(list, histogramsOf(v.Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, histogramsOf(v.Index(i))...)
		}
	}
	return list
}

// filledScenario has a number other than 0 in every field.
func filledScenario(t *testing.T, seed uint64) *ScenarioSnapshot {
	s := scenarioOf(t, playNames).NewSnapshot()
	v := reflect.ValueOf(s).Elem()
	fill(v, rand.New(rand.NewPCG(seed, 0)))
	list := histogramsOf(v)
	if len(list) != 2*2+1+2+2*2 {
		t.Fatalf("got %d histograms, want 11", len(list))
	}
	for i, h := range list {
		h.Record(time.Duration(seed) * time.Duration(i+1) * time.Millisecond)
	}
	return s
}

// TestScenarioMergeAndSubCoverAllFields: (0 + a) + b - a is b in every field.
func TestScenarioMergeAndSubCoverAllFields(t *testing.T) {
	a, b, got := filledScenario(t, 1), filledScenario(t, 2), scenarioOf(t, playNames).NewSnapshot()
	got.Merge(a)
	if !equal(got, a) {
		t.Fatal("merged into an empty snapshot: a field differs")
	}
	got.Merge(b)
	got.Sub(a)
	for i, h := range histogramsOf(reflect.ValueOf(got).Elem()) {
		exact := histogramsOf(reflect.ValueOf(b).Elem())[i]
		h.min, h.max = exact.min, exact.max // Sub has them to their bins only; TestSubIsTheInterval
	}
	if !equal(got, b) {
		t.Error("a field is not merged or not subtracted")
	}
	got.Sub(b)
	if !equal(got, scenarioOf(t, playNames).NewSnapshot()) {
		t.Error("b - b: got a field that is not 0")
	}
}

func TestScenarioResetEmpties(t *testing.T) {
	s := filledScenario(t, 3)
	s.Reset()
	if !equal(s, scenarioOf(t, playNames).NewSnapshot()) {
		t.Error("got a field that is not 0, or a name that is gone")
	}
}

// TestScenarioCopyIsDeep: a copy is equal, and stays as it is when the original changes.
func TestScenarioCopyIsDeep(t *testing.T) {
	from, to, before := filledScenario(t, 4), filledScenario(t, 5), filledScenario(t, 4)
	to.CopyFrom(from)
	to.CopyFrom(to)
	if !equal(to, before) {
		t.Fatal("the copy differs")
	}
	from.Merge(filledScenario(t, 6))
	if !equal(to, before) {
		t.Error("the copy changed with the original")
	}
	from.Reset()
	if !equal(to, before) {
		t.Error("the copy was emptied with the original")
	}
}

// TestOtherScenariosDoNotMix: a snapshot of other series is refused and told of; one of the same names is
// another matter, even if another Scenario made it, as another process may have.
func TestOtherScenariosDoNotMix(t *testing.T) {
	s := playedScenario(t)
	other := playNames
	other.Ticks = []string{"world", "wind"}
	s.Merge(scenarioOf(t, other).NewSnapshot())
	s.Sub(scenarioOf(t, other).NewSnapshot())
	s.Merge(new(ScenarioSnapshot))
	if s.Malformed != 3 {
		t.Errorf("got %d malformed, want 3", s.Malformed)
	}
	s.Malformed = 0
	if !equal(s, playedScenario(t)) {
		t.Error("something was merged or subtracted")
	}
	s.Merge(playedScenario(t))
	if s.Malformed != 0 || s.Iterations != 6 { // 3 + 3
		t.Errorf("got %d malformed and %d iterations, want 0 and 6", s.Malformed, s.Iterations)
	}
}

// TestScenarioCheckFindsEachBrokenLaw breaks the counts in one place at a time.
func TestScenarioCheckFindsEachBrokenLaw(t *testing.T) {
	for _, c := range []struct {
		spoil func(*ScenarioSnapshot)
		want  string
	}{
		{func(s *ScenarioSnapshot) { s.Malformed++ }, "malformed measurements: got 1, want 0"},
		{func(s *ScenarioSnapshot) { s.Requests[0].RoundTrip.Record(1) }, `round trips of request "login": got 3, want 2`},
		{func(s *ScenarioSnapshot) { s.Deliveries[0].Orders[messages.OrderLate]++ }, `latencies of delivery "chat": got 4, want 5`},
		{func(s *ScenarioSnapshot) { s.Populations[0].RoundTrip.Record(1) }, `round trips of population "miners": got 2, want 1`},
		{func(s *ScenarioSnapshot) { s.Populations[0].Starts = 1 }, `players of population "miners": got 1 lost of 2 that ended of 1 that began, want each no more than the next`},
		{func(s *ScenarioSnapshot) { s.Iterations++ }, "iterations of all populations: got 3, want 4"},
		{func(s *ScenarioSnapshot) { s.Populations[0].Lost = 0 }, "players lost of all populations: got 0, want 1"},
		{func(s *ScenarioSnapshot) { s.Deliveries[0].Published = 0 }, `expected of delivery "chat", of which none was published: got 5, want 0`},
	} {
		s := playedScenario(t)
		c.spoil(s)
		if err := s.Check(); err == nil || err.Error() != "counts of the scenario do not add up: "+c.want {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	s := playedScenario(t)
	s.Malformed++
	s.Deliveries[0].Published = 0
	if n := strings.Count(s.Check().Error(), "\n"); n != 1 {
		t.Errorf("got %d lines, want two: %v", n+1, s.Check())
	}
}

// TestScenarioPartsMakeTheWhole: whatever happens, on however many shards, their sum is what one shard would
// have counted of it all; so is the sum of the intervals between readings; and the counts add up.
func TestScenarioPartsMakeTheWhole(t *testing.T) {
	s := scenarioOf(t, Names{Requests: []string{"r"}, Checks: []string{"c", "d"}, Deliveries: []string{"d"}, Ticks: []string{"t"}, Populations: []string{"p"}})
	shards := []*ScenarioShard{s.NewShard(), s.NewShard(), s.NewShard()}
	whole := s.NewShard()
	sum, before, interval, intervals := s.NewSnapshot(), s.NewSnapshot(), s.NewSnapshot(), s.NewSnapshot()
	rapid.Check(t, func(t *rapid.T) {
		for _, part := range append(shards, whole) {
			part.counts.Reset()
		}
		before.Reset()
		intervals.Reset()
		for range rapid.IntRange(1, 4).Draw(t, "readings") {
			for range rapid.IntRange(0, 20).Draw(t, "steps") {
				one := anything(t)
				one(whole)
				one(shards[rapid.IntRange(0, len(shards)-1).Draw(t, "shard")])
			}
			sum.Reset()
			for _, i := range rapid.Permutation([]int{0, 1, 2}).Draw(t, "order") {
				shards[i].AddTo(sum)
			}
			if !equal(sum, &whole.counts) {
				t.Fatal("the sum of the shards is not the whole")
			}
			if err := sum.Check(); err != nil {
				t.Fatal(err)
			}
			interval.CopyFrom(sum)
			interval.Sub(before)
			intervals.Merge(interval)
			before.CopyFrom(sum)
		}
		for i, h := range histogramsOf(reflect.ValueOf(intervals).Elem()) {
			exact := histogramsOf(reflect.ValueOf(sum).Elem())[i]
			h.min, h.max = exact.min, exact.max // Sub has them to their bins only
		}
		if !equal(intervals, sum) {
			t.Fatal("the sum of the intervals is not the whole")
		}
	})
}

// anything is something that may be told to a recorder.
func anything(t *rapid.T) func(*ScenarioShard) {
	d := time.Duration(rapid.Int64Range(-70_000_000_000, 70_000_000_000).Draw(t, "ns"))
	n := rapid.IntRange(0, 1000).Draw(t, "n")
	switch rapid.IntRange(0, 8).Draw(t, "what") {
	case 0:
		return func(s *ScenarioShard) { s.Request(0, 0, messages.Stamp(n), messages.Stamp(d)) }
	case 1:
		return func(s *ScenarioShard) { s.RequestLost(0) }
	case 2:
		return func(s *ScenarioShard) { s.Check(n%2, n%3 == 0) }
	case 3:
		return func(s *ScenarioShard) { s.Published(0, n) }
	case 4:
		return func(s *ScenarioShard) { s.Delivered(0, d, messages.Order(n%messages.NumOrders)) }
	case 5:
		return func(s *ScenarioShard) { s.Tick(0, d) }
	case 6:
		return (*ScenarioShard).Fault
	case 7:
		return func(s *ScenarioShard) {
			s.Began(0)
			s.Answered(0, 0, messages.Stamp(n), messages.Stamp(d))
			s.Iteration(0)
		}
	default:
		return func(s *ScenarioShard) { s.Began(0); s.Lost(0); s.Ended(0) }
	}
}
