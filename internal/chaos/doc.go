// Package chaos is the chaos test: thousands of players behind proxies that delay, throttle, reset, cut,
// silence and slowly close their connections, while goroutines outside give them commands of all kinds,
// remove some and open others. At every sample the counts of each shard add up, and in the end every command
// has come to exactly one outcome.
//
//	go test ./internal/chaos                  # a few seconds, some hundred players
//	make chaos                                # a minute, 2,000 players, with the race detector
//	go test -v ./internal/chaos -args -chaos.seconds 60 -chaos.players 2000 -chaos.seed 7
//
// The seed gives the weather (which proxy does what when), what each connection through a proxy meets with,
// what each player does and which commands come from outside. What comes first when two things happen at
// once remains the machine's business, so a seed replays a run in its plan, not to the instruction.
//
// What may live here: the chaos test. What may not: anything but tests.
package chaos
