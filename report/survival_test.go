package report

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/metrics"
)

// TestSurvivalOfTheTextbook is the example of Cutler and Ederer, Maximum utilization of the life table method in
// analyzing survival, Journal of Chronic Diseases 8 (1958): 126 patients, by years since the diagnosis. What they call
// lost to follow-up and withdrawn alive is here kept and open; their deaths are what is lost here.
//
//	year  at risk  died  lost  withdrawn  effective  died of them  survive it  survive until then
//	0-1       126    47     4         15      116.5         0.403        0.597               0.597
//	1-2        60     5     6         11       51.5         0.097        0.903               0.539
//	2-3        38     2     0         15       30.5         0.066        0.934               0.503
//	3-4        21     2     2          7       16.5         0.121        0.879               0.442
//	4-5        10     0     0          6        7.0         0            1                   0.442
//
// Their table has 0.60, 0.54, 0.50, 0.44, 0.44. Four remain at risk beyond the fifth year.
func TestSurvivalOfTheTextbook(t *testing.T) {
	const first = 100 // the bin of the first year; where bins are makes no difference
	of := &metrics.Sessions{
		Lost: [][2]uint64{{first, 47}, {first + 1, 5}, {first + 2, 2}, {first + 3, 2}},
		Kept: [][2]uint64{{first, 4}, {first + 1, 6}, {first + 3, 2}},
		Open: [][2]uint64{{first, 15}, {first + 1, 11}, {first + 2, 15}, {first + 3, 7}, {first + 4, 6}, {400, 4}},
	}
	end := func(bin int) float64 {
		_, to := metrics.LifetimeEdges(bin)
		return to.Seconds()
	}
	want := &Survival{
		T: []float64{0, end(first), end(first + 1), end(first + 2), end(first + 3), end(first + 4), end(400)},
		S: []float64{1, 0.597, 0.539, 0.503, 0.442, 0.442, 0.442},
		N: []uint64{126, 60, 38, 21, 10, 4, 0},
		// 47 + 5 + 2 + 2 = 56; with 4 + 6 + 2 = 12: 68; 15 + 11 + 15 + 7 + 6 + 4 = 58
		Lost: 56, Ended: 68, Open: 58,
	}
	if d := cmp.Diff(want, NewSurvival(of), cmpopts.EquateApprox(0, 0.0005)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestSurvivalOfFew(t *testing.T) {
	for _, c := range []struct {
		name string
		of   *metrics.Sessions
		want *Survival
	}{
		{"nothing is known", nil, nil},
		{"none opened", &metrics.Sessions{}, nil},
		{"all are open", &metrics.Sessions{Open: [][2]uint64{{0, 3}}},
			&Survival{T: []float64{0, 0.001}, S: []float64{1, 1}, N: []uint64{3, 0}, Open: 3}},
		{"all were kept", &metrics.Sessions{Kept: [][2]uint64{{1, 3}}}, // 1 ms and a sixteenth
			&Survival{T: []float64{0, 0.0010625}, S: []float64{1, 1}, N: []uint64{3, 0}, Ended: 3}},
		{"all were lost at once", &metrics.Sessions{Lost: [][2]uint64{{0, 3}}},
			&Survival{T: []float64{0, 0.001}, S: []float64{1, 0}, N: []uint64{3, 0}, Ended: 3, Lost: 3}},
		{"one of two in a bin", &metrics.Sessions{Lost: [][2]uint64{{17, 1}}, Open: [][2]uint64{{17, 1}}}, // 1 - 1/(2 - 1/2) = 1/3
			&Survival{T: []float64{0, 0.002125}, S: []float64{1, 0.333333333}, N: []uint64{2, 0}, Ended: 1, Lost: 1, Open: 1}},
		{"longer than any bin", &metrics.Sessions{Lost: [][2]uint64{{metrics.NumLifetimes - 1, 1}, {1 << 40, 1}}}, // 2·2^35 ms
			&Survival{T: []float64{0, 68719476.736}, S: []float64{1, 0}, N: []uint64{2, 0}, Ended: 2, Lost: 2}},
	} {
		if d := cmp.Diff(c.want, NewSurvival(c.of)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
}

// TestSurvivalIsBounded: every bin in use makes a point, and there are no more.
func TestSurvivalIsBounded(t *testing.T) {
	of := &metrics.Sessions{}
	for bin := range uint64(metrics.NumLifetimes) {
		of.Lost = append(of.Lost, [2]uint64{bin, 1 << 40})
		of.Open = append(of.Open, [2]uint64{bin, bin})
	}
	if got := NewSurvival(of); len(got.T) != metrics.NumLifetimes+1 || len(got.T) > 600 || len(got.S) != len(got.T) || len(got.N) != len(got.T) {
		t.Errorf("got %d, %d and %d, want %d points", len(got.T), len(got.S), len(got.N), metrics.NumLifetimes+1)
	}
}

// TestSurvivalWithoutOpenOnes: where all sessions were lost, the curve at the end of each bin is the share of sessions
// that were longer. With others known in part it falls all the time, and stays within 0 and 1.
func TestSurvivalWithoutOpenOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(10, 60).Draw(t, "scale")).Draw(t, "ns"))
		})
		list := rapid.SliceOfN(length, 1, 50).Draw(t, "lengths")
		of := bins(list)
		c := NewSurvival(&metrics.Sessions{Lost: of})
		for i, at := range c.T[:len(c.T)-1] { // the last may be beyond all bins
			var longer int
			for _, d := range list {
				if d >= time.Duration(math.Round(at*1e9)) {
					longer++
				}
			}
			if want := float64(longer) / float64(len(list)); math.Abs(c.S[i]-want) > 1e-8 || c.N[i] != uint64(longer) {
				t.Fatalf("at %v s: got %v, %d at risk, want %v, %d", at, c.S[i], c.N[i], want, longer)
			}
		}
		if last := len(c.T) - 1; c.S[last] != 0 || c.N[last] != 0 {
			t.Fatalf("at the end: got %v, %d at risk, want 0", c.S[last], c.N[last])
		}
		c = NewSurvival(&metrics.Sessions{Lost: of, Open: bins(rapid.SliceOfN(length, 1, 50).Draw(t, "open"))})
		for i := range c.T[1:] {
			if c.T[i+1] <= c.T[i] || c.S[i+1] > c.S[i] || c.S[i+1] < 0 || c.N[i+1] >= c.N[i] {
				t.Fatalf("from %v, %v, %d to %v, %v, %d", c.T[i], c.S[i], c.N[i], c.T[i+1], c.S[i+1], c.N[i+1])
			}
		}
	})
}

// bins gives a list as a record has it.
func bins(list []time.Duration) (pairs [][2]uint64) {
	var n [metrics.NumLifetimes]uint64
	for _, d := range list {
		n[metrics.LifetimeBin(d)]++
	}
	for bin, n := range n {
		if n > 0 {
			pairs = append(pairs, [2]uint64{uint64(bin), n})
		}
	}
	return pairs
}
