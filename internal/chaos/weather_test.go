package chaos

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/loadrig/loadrig/internal/wstest"
)

// climate is what may happen at one proxy.
type climate struct {
	name   string
	weight int // of the players that go there
	secure bool
	narrow bool // where one who sends much soon waits
	draw   func(r *rand.Rand) wstest.Faults
}

// The climates. Durations are a sixtieth of what an hour would have them.
var climates = []climate{
	{"calm", 40, false, false, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{Latency: upTo(r, 2*time.Millisecond)}
	}},
	{"slow", 20, false, false, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{Latency: upTo(r, 60*time.Millisecond), Jitter: upTo(r, 40*time.Millisecond), SlowClose: upTo(r, 400*time.Millisecond)}
	}},
	{"narrow", 15, false, true, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{Bandwidth: 2<<10 + r.IntN(64<<10), Slices: 1 + r.IntN(200), SlowClose: upTo(r, 100*time.Millisecond)}
	}},
	{"hostile", 20, false, false, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{Refuse: 0.2 * r.Float64(), Reset: 0.3 * r.Float64(), Cut: 0.3 * r.Float64(), Within: r.IntN(4 << 10), Slices: r.IntN(50)}
	}},
	{"silent", 15, false, true, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{HalfOpen: 0.4 * r.Float64(), Within: r.IntN(2 << 10), Hold: upTo(r, 3*time.Second), SlowClose: upTo(r, time.Second)}
	}},
	{"secure", 15, true, false, func(r *rand.Rand) wstest.Faults {
		return wstest.Faults{
			Latency: upTo(r, 20*time.Millisecond), Slices: r.IntN(500), Refuse: 0.05 * r.Float64(),
			Reset: 0.1 * r.Float64(), Cut: 0.1 * r.Float64(), HalfOpen: 0.1 * r.Float64(), Within: r.IntN(4 << 10),
		}
	}},
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return 1 + time.Duration(r.Int64N(int64(d))) }

// gust is one change of the weather.
type gust struct {
	at     time.Duration // since the beginning
	over   int           // which climate
	faults wstest.Faults
	strike wstest.Fault // NumFaults: none
	share  float64      // of the connections that it strikes
}

// forecast gives the weather for some time.
func forecast(seed uint64, d time.Duration) (gusts []gust) {
	r := rand.New(rand.NewPCG(seed, 'w'))
	for i := range climates { // it begins everywhere
		gusts = append(gusts, gust{over: i, faults: climates[i].draw(r), strike: wstest.NumFaults})
	}
	for at := time.Duration(0); at < d; at += upTo(r, 200*time.Millisecond) {
		g := gust{at: at, over: r.IntN(len(climates)), strike: wstest.NumFaults}
		if r.IntN(5) > 0 { // or the sky is clear
			g.faults = climates[g.over].draw(r)
		}
		if r.IntN(3) == 0 {
			g.strike = one(r, []wstest.Fault{wstest.FaultReset, wstest.FaultCut, wstest.FaultHalfOpen})
			g.share = 0.2 * r.Float64()
		}
		gusts = append(gusts, g)
	}
	return gusts
}

// blow has the weather happen until ctx ends.
func (s *stage) blow(ctx context.Context, seed uint64, d time.Duration) {
	began := time.Now()
	r := rand.New(rand.NewPCG(seed, 's'))
	for _, g := range forecast(seed, d) {
		wait := time.NewTimer(g.at - time.Since(began))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		p := s.proxies[g.over]
		p.Set(g.faults)
		if g.strike != wstest.NumFaults {
			p.Strike(g.strike, g.share, r)
		}
	}
}
