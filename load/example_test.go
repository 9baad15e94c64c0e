package load_test

import (
	"fmt"
	"time"

	"github.com/loadrig/loadrig/load"
)

// A closed model: up to four players, and down again. A driver starts and stops who is due, sleeps until the
// next instant at which somebody is, and counts what became of it. This one is a fifth of a second late once.
func Example() {
	plan := load.Plan{Model: load.Closed, Stages: []load.Stage{
		{Duration: 2 * time.Second, Players: 4},
		{Duration: time.Minute, Players: 4},
		{Duration: 4 * time.Second, Players: 0},
	}}
	held, err := plan.Held()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan)

	var tally load.Tally
	started, live := 0, 0
	for now, ok := held.Next(-1); ok; now, ok = held.Next(now) {
		if now == time.Second {
			now += 200 * time.Millisecond
		}
		for ; started < held.Starts(now); started++ {
			due, _ := held.StartDue(started)
			tally.Start(due, now)
			live++
		}
		live -= held.Surplus(now, live)
		fmt.Println(now, live)
	}
	fmt.Println(tally, tally.Check(held.Total()))
	// Output:
	// ramp to 4 players in 2s, hold 1m, ramp down in 4s
	// 0s 1
	// 500ms 2
	// 1.2s 3
	// 1.5s 4
	// 1m3s 3
	// 1m4s 2
	// 1m5s 1
	// 1m6s 0
	// 4 due: 3 on time, 1 late by up to 200ms, 0 never <nil>
}

// An open model: a rate of arrivals that grows in ten seconds, then stays. When the n-th is due follows from
// the integral of the rate: 5·t² of them by t.
func ExampleArrivals() {
	plan := load.Plan{Model: load.Open, Stages: []load.Stage{
		{Duration: 10 * time.Second, Rate: 100},
		{Duration: time.Minute, Rate: 100},
	}}
	arrivals, err := plan.Arrivals()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(arrivals.Total(), arrivals.ByTime(5*time.Second), arrivals.Rate(5*time.Second))
	for _, n := range []int{0, 5, 20, 500, 501} {
		due, _ := arrivals.Due(n)
		fmt.Println(n, due)
	}
	// Output:
	// 6500 126 50/s
	// 0 0s
	// 5 1s
	// 20 2s
	// 500 10s
	// 501 10.01s
}
