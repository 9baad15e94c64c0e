package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

// TestLifetimeBins: the bins join, from 0 on; each holds its edges; and one is a sixteenth of its octave wide.
func TestLifetimeBins(t *testing.T) {
	var end time.Duration
	for bin := range NumLifetimes {
		from, to := LifetimeEdges(bin)
		if from != end {
			t.Errorf("bin %d begins at %v, want %v, where the one before ends", bin, from, end)
		}
		if got, last := LifetimeBin(from), LifetimeBin(to-1); got != bin || last != bin {
			t.Errorf("bin %d: its edges are in %d and %d", bin, got, last)
		}
		if bin > 0 && bin < NumLifetimes-1 && (16*(to-from) > from || 32*(to-from) < to-from/16) {
			t.Errorf("bin %d, from %v: %v wide", bin, from, to-from)
		}
		end = to
	}
	if end != math.MaxInt64 {
		t.Errorf("the last bin ends at %v", end)
	}
	const ms, day = time.Millisecond, 24 * time.Hour
	for _, c := range []struct {
		d    time.Duration
		want int
	}{
		{-1, 0}, {0, 0}, {ms - 1, 0}, {ms, 1}, {2*ms - 1, 16}, {2 * ms, 17},
		{1000 * ms, 1 + 16*9 + 15}, // 2^9 ms are 512; 1000/512·16 = 31.25: the last of its octave
		{1024 * ms, 1 + 16*10},
		{day, 1 + 16*26 + 4},               // 2^26 ms are 18.6 h; 24/18.6·16 = 20.6
		{397 * day, 560}, {398 * day, 561}, // 2^35 ms are 397.7 days
		{math.MaxInt64, 561},
	} {
		if got := LifetimeBin(c.d); got != c.want {
			t.Errorf("%v: got bin %d, want %d", c.d, got, c.want)
		}
	}
	if from, to := LifetimeEdges(-1); from != 0 || to != ms {
		t.Errorf("bin -1: got %v to %v, want those of 0", from, to)
	}
	if from, to := LifetimeEdges(NumLifetimes); from != ms<<35 || to != math.MaxInt64 {
		t.Errorf("a bin too far: got %v to %v, want those of the last", from, to)
	}
}

// session is one of the naive list.
type session struct {
	shard       int
	began, over messages.Stamp // over is -1 while it is open
	expected    bool
}

// TestLifetimesAreThoseOfTheSessions: whatever opens and ends on however many shards, over milliseconds or months, the
// merged counts are those of a list of all sessions: of what has ended, bin by bin; of what is open, cohort by cohort,
// and no cohort is too wide for it.
func TestLifetimesAreThoseOfTheSessions(t *testing.T) {
	shards, sum := make([]Lifetimes, 3), new(Lifetimes)
	rapid.Check(t, func(t *rapid.T) {
		clear(shards)
		now := messages.Stamp(rapid.Int64Range(0, 1e18).Draw(t, "base"))
		var list []session
		var longest time.Duration // that the oldest open one has been
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			scale := int64(1) << rapid.IntRange(10, 54).Draw(t, "scale")
			now = now.Add(time.Duration(rapid.Int64Range(0, scale).Draw(t, "later")))
			open := slices.DeleteFunc(slices.Collect(indices(list)), func(i int) bool { return list[i].over >= 0 })
			for _, i := range open {
				longest = max(longest, now.Sub(list[i].began))
			}
			if len(open) == 0 || rapid.Bool().Draw(t, "open") {
				s := session{shard: rapid.IntRange(0, len(shards)-1).Draw(t, "shard"), began: now, over: -1}
				list = append(list, s)
				shards[s.shard].began(now)
			} else {
				s := &list[rapid.SampledFrom(open).Draw(t, "who")]
				s.over, s.expected = now, rapid.Bool().Draw(t, "expected")
				shards[s.shard].ended(now, now.Sub(s.began), s.expected)
			}
		}
		*sum = Lifetimes{}
		for i := range shards {
			sum.Merge(&shards[i])
		}

		var want Lifetimes
		began := make(map[int64]uint32) // by cohort of the width that was come to
		for _, s := range list {
			switch {
			case s.over < 0:
				began[int64(s.began)>>sum.open.width]++
				want.open.count++
			case s.expected:
				want.kept[LifetimeBin(s.over.Sub(s.began))]++
			default:
				want.lost[LifetimeBin(s.over.Sub(s.began))]++
			}
		}
		if sum.lost != want.lost || sum.kept != want.kept || sum.Open() != want.open.count {
			t.Fatal("other counts than those of the list")
		}
		if want.open.count == 0 {
			return
		}
		got := make(map[int64]uint32)
		for i, n := range sum.open.n {
			if n > 0 {
				got[sum.open.first+int64(i)] = n
			}
		}
		if d := cmp.Diff(began, got); d != "" {
			t.Fatalf("cohorts of 2^%d ns (-want +got)\n%s", sum.open.width, d)
		}
		if w := time.Duration(1) << sum.open.width; sum.open.width > finestCohort && 479*w > longest {
			t.Fatalf("cohorts are %v wide, where the oldest session was %v old at most", w, longest)
		}
	})
}

func indices(list []session) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range list {
			if !yield(i) {
				return
			}
		}
	}
}

// TestCohortsDouble: one session each millisecond, for ten seconds, outgrows 1024 cohorts of a millisecond four times
// over: 10 s are 9537 cohorts of 2^20 ns, and 597 of 2^24. All are there, and gone when they have ended.
func TestCohortsDouble(t *testing.T) {
	var c cohorts
	at := func(i int) messages.Stamp {
		return messages.Stamp(time.Hour) + messages.Stamp(i)*messages.Stamp(time.Millisecond)
	}
	for i := range 10_000 {
		c.add(at(i))
	}
	var all uint64
	for _, n := range c.n {
		all += uint64(n)
	}
	if c.width != 24 || c.count != 10_000 || all != 10_000 {
		t.Errorf("got a width of 2^%d, %d counted, %d in cohorts, want 24, 10,000, 10,000", c.width, c.count, all)
	}
	for i := range 10_000 {
		c.remove(at(9_999 - i))
	}
	if c.count != 0 || c.n != [numCohorts]uint32{} {
		t.Errorf("got %d left, want none", c.count)
	}
	c.add(at(0))
	c.remove(at(1000)) // nobody began then
	c.remove(at(-1))
	c.remove(at(10_000_000))
	if c.count != 1 || c.width != finestCohort {
		t.Errorf("got %d at a width of 2^%d, want 1 at the finest", c.count, c.width)
	}
}

// TestCohortsOfTwoWidths: cohorts that were wide, for a session that is gone, are no finer for being merged with fine
// ones, and those get as wide. 3.6 s are 3433 cohorts of 2^20 ns, 859 of 2^22.
func TestCohortsOfTwoWidths(t *testing.T) {
	var wide, fine cohorts
	const late = messages.Stamp(3600 * time.Millisecond)
	wide.add(0)
	wide.add(late)
	wide.remove(0)
	fine.add(late + 1_000_000)
	fine.add(late + 2_000_000)
	if wide.width != 22 || fine.width != finestCohort {
		t.Fatalf("got widths of 2^%d and 2^%d, want 22 and %d", wide.width, fine.width, finestCohort)
	}
	both, back := wide, fine
	both.merge(&fine)
	back.merge(&wide)
	want := make(map[int64]uint32)
	for _, began := range []messages.Stamp{late, late + 1_000_000, late + 2_000_000} {
		want[int64(began)>>22]++
	}
	for name, c := range map[string]*cohorts{"fine into wide": &both, "wide into fine": &back} {
		got := make(map[int64]uint32)
		for i, n := range c.n {
			if n > 0 {
				got[c.first+int64(i)] = n
			}
		}
		if d := cmp.Diff(want, got); d != "" || c.width != 22 || c.count != 3 {
			t.Errorf("%s: a width of 2^%d, %d in all (-want +got)\n%s", name, c.width, c.count, d)
		}
	}
}

// TestCohortsStayFine: a run of any length whose sessions are short knows their ages finely, as the array moves along
// with them.
func TestCohortsStayFine(t *testing.T) {
	var c cohorts
	const every, lasts = 10 * time.Millisecond, 500 * time.Millisecond
	for now := messages.Stamp(0); now < messages.Stamp(time.Hour); now = now.Add(every) {
		c.add(now)
		if now >= messages.Stamp(lasts) {
			c.remove(now.Add(-lasts))
		}
	}
	if c.width != finestCohort || c.count != uint64(lasts/every) {
		t.Errorf("got %d at a width of 2^%d, want %d at 2^%d", c.count, c.width, lasts/every, finestCohort)
	}
}

// TestAges: open sessions by their age, which is that of the middle of their cohort; lost and kept by how long they were.
func TestAges(t *testing.T) {
	var l Lifetimes
	const s = messages.Stamp(time.Second)
	for _, began := range []messages.Stamp{100 * s, 100 * s, 130 * s, 190 * s, 191 * s, 200 * s} {
		l.began(began)
	}
	l.ended(195*s, 5*time.Second, true)
	l.ended(200*s, 9*time.Second, false)
	got := l.Sessions(200*s, new(Sessions))
	bin := func(d time.Duration) uint64 { return uint64(LifetimeBin(d)) }
	// The span of 100 s takes cohorts of 2^27 ns, 0.13 s: so much the ages may be off, half of it either way.
	want := &Sessions{
		Lost: [][2]uint64{{bin(9 * time.Second), 1}}, Kept: [][2]uint64{{bin(5 * time.Second), 1}},
		Open: [][2]uint64{{0, 1}, {bin(70 * time.Second), 1}, {bin(100 * time.Second), 2}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := new(Lifetimes).Sessions(200*s, new(Sessions)); got != nil {
		t.Errorf("of none: got %v, want nil", got)
	}
}

// TestSessionsOfRigsAddUp: bins that both have are one, and bins stay in order.
func TestSessionsOfRigsAddUp(t *testing.T) {
	a := &Sessions{Lost: [][2]uint64{{1, 2}, {5, 1}}, Open: [][2]uint64{{3, 4}}}
	a.Merge(&Sessions{Lost: [][2]uint64{{0, 7}, {5, 2}, {9, 1}}, Kept: [][2]uint64{{2, 2}}})
	want := &Sessions{Lost: [][2]uint64{{0, 7}, {1, 2}, {5, 3}, {9, 1}}, Kept: [][2]uint64{{2, 2}}, Open: [][2]uint64{{3, 4}}}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestRecordsHaveSessions: a record has them as they are at its end, the whole those of the last record, and an interval
// without any new ones still has all.
func TestRecordsHaveSessions(t *testing.T) {
	const s = messages.Stamp(time.Second)
	r, shard, w := NewRecorder(nil), new(Shard), new(Whole)
	shard.Added(2)
	record := func(to float64) *Sessions {
		r.Now.Reset()
		shard.AddTo(r.Now)
		r.Now.At = messages.Stamp(to) * s
		rec := r.Record(to-1, to)
		if rec.Broken != "" {
			t.Error(rec.Broken)
		}
		w.Add(rec)
		return new(Sessions).copyOf(rec.Sessions)
	}
	if got := record(1); got != nil || w.Sessions != nil {
		t.Errorf("before any: got %v, want nil", got)
	}
	for range 2 {
		move(shard, messages.Idle, messages.Connecting)
		move(shard, messages.Connecting, messages.Connected)
		shard.Observe(&messages.Opened{Handshake: messages.Handshake{Start: s, Total: time.Second / 2}})
	}
	record(2)
	shard.Observe(&messages.Closed{Cause: messages.CauseReset, Opened: true, At: 2 * s, Lasted: time.Second / 2})
	move(shard, messages.Connected, messages.Disconnected)
	record(3)
	got := record(10)
	bin := func(d time.Duration) uint64 { return uint64(LifetimeBin(d)) }
	want := &Sessions{Lost: [][2]uint64{{bin(time.Second / 2), 1}}, Open: [][2]uint64{{bin(8500 * time.Millisecond), 1}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff(want, w.Sessions); d != "" {
		t.Errorf("the whole: (-want +got)\n%s", d)
	}
}
