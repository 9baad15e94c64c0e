package target

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/loadrig/loadrig/messages"
)

func TestParseLaw(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"20ms", "20ms"},
		{"0s", "0s"},
		{"1m", "1m0s"},
		{"uniform:10ms-50ms", "uniform:10ms-50ms"},
		{"uniform:0s-0s", "uniform:0s-0s"},
		{"bimodal:10ms,100ms,10%", "bimodal:10ms,100ms,10%"},
		{"bimodal:100ms,0s,7%", "bimodal:100ms,0s,7%"},
		{"pareto:10ms,1.5", "pareto:10ms,1.5,max=1m0s"},
		{"pareto:10ms,1.5,max=5s", "pareto:10ms,1.5,max=5s"},
	} {
		l, err := ParseLaw(c.in)
		if err != nil || l.String() != c.want {
			t.Errorf("%s: got %v, %v, want %s", c.in, l, err, c.want)
			continue
		}
		if again, err := ParseLaw(l.String()); err != nil || again != l {
			t.Errorf("%s: read again: got %v, %v", c.want, again, err)
		}
	}
	for _, in := range []string{
		"", "20", "-1ms", "61s", "uniform", "uniform:", "uniform:10ms", "uniform:50ms-10ms", "uniform:-5ms-10ms", "uniform:1ms-2m",
		"bimodal:10ms,100ms", "bimodal:10ms,100ms,10", "bimodal:10ms,100ms,101%", "bimodal:10ms,100ms,-1%", "bimodal:10ms,100ms,NaN%",
		"pareto:10ms", "pareto:0s,1.5", "pareto:10ms,0", "pareto:10ms,NaN", "pareto:10ms,Inf", "pareto:10ms,1.5,5s", "pareto:10ms,1.5,max=5ms", "pareto:10ms,1.5,max=5s,1",
		"normal:10ms,1ms",
	} {
		if l, err := ParseLaw(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, l)
		}
	}
}

// TestDraw: of 100,000 delays, the share that is not longer than x is what the law says, to 1 %: four
// standard deviations of the worst share, ½, are 4·√(½·½/100,000) = 0.63 %.
func TestDraw(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		law   string
		x     time.Duration
		share float64
	}{
		{"20ms", 20 * time.Millisecond, 1},
		{"20ms", 20*time.Millisecond - 1, 0},
		{"uniform:10ms-50ms", 10*time.Millisecond - 1, 0},
		{"uniform:10ms-50ms", 20 * time.Millisecond, .25},
		{"uniform:10ms-50ms", 50 * time.Millisecond, 1},
		{"bimodal:10ms,100ms,10%", 10 * time.Millisecond, .9},
		{"bimodal:10ms,100ms,10%", 100 * time.Millisecond, 1},
		{"pareto:10ms,1.5,max=5s", 10*time.Millisecond - 1, 0},
		{"pareto:10ms,1.5,max=5s", 20 * time.Millisecond, 1 - math.Pow(.5, 1.5)},
		{"pareto:10ms,1.5,max=5s", 100 * time.Millisecond, 1 - math.Pow(.1, 1.5)},
		{"pareto:10ms,1.5,max=5s", 5 * time.Second, 1},
		{"pareto:10ms,0.1,max=50ms", 50*time.Millisecond - 1, 1 - math.Pow(.2, .1)}, // most are cut off
	} {
		l, err := ParseLaw(c.law)
		if err != nil {
			t.Fatal(err)
		}
		r, under := rand.New(rand.NewPCG(1, 2)), 0
		for range n {
			if l.Draw(r) <= c.x {
				under++
			}
		}
		if got := float64(under) / n; math.Abs(got-c.share) > .01 || (c.share == 0 || c.share == 1) && got != c.share {
			t.Errorf("%s: got %v of the delays up to %v, want %v", c.law, got, c.x, c.share)
		}
	}
}

// TestHeldQueue: whatever is pushed, the first that is due comes first, and of those due at once the first pushed.
func TestHeldQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var q heldQueue
	var got, want []held
	for n := range uint64(2000) {
		x := held{due: messages.Stamp(r.IntN(300)), count: n}
		q.push(x)
		want = append(want, x)
	}
	for len(q) > 0 {
		got = append(got, q.pop())
	}
	slices.SortStableFunc(want, func(a, b held) int { return int(a.due - b.due) })
	for i := range want {
		if got[i].due != want[i].due || got[i].count != want[i].count {
			t.Fatalf("place %d: got due %d, count %d, want %d, %d", i, got[i].due, got[i].count, want[i].due, want[i].count)
		}
	}
}
