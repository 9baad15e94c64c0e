//go:build linux

package main

import "time"

// The measurements.
const (
	modeClosed  = "closed"  // each connection sends, waits for the echo, sends again
	modeConnect = "connect" // connections are opened as fast as it goes
	modeIdle    = "idle"    // connections are open and nothing is sent
	modePaced   = "paced"   // messages are due on a schedule, whatever comes back
	modeTLS     = "tls"     // closed, over wss
	modeTLSIdle = "tlsidle" // idle, over wss

	modeStory     = "scenario"    // players of a scenario at full speed; trips are its steps
	modeStoryIdle = "scenariomem" // players of a scenario at an ordinary pace
)

var allModes = []string{modeClosed, modeConnect, modeIdle, modePaced, modeTLS, modeTLSIdle, modeStory, modeStoryIdle}

// overTLS tells the measurements over wss; isClosed those of a closed loop; isIdle those of memory.
func overTLS(mode string) bool  { return mode == modeTLS || mode == modeTLSIdle }
func isClosed(mode string) bool { return mode == modeClosed || mode == modeTLS }
func isIdle(mode string) bool {
	return mode == modeIdle || mode == modeTLSIdle || mode == modeStoryIdle
}

// The contestants.
const (
	loadrig = "loadrig"
	bare    = "bare" // the reference
	gwsName = "gws"
	gobwas  = "gobwas"
	story   = "story"   // loadrig with a scenario
	bareTLS = "baretls" // the reference over wss
	deflate = "deflate" // loadrig with compression
	stamped = "stamped" // loadrig with kernel timestamps

	recorded = "recorded" // loadrig with a run directory
)

// contestants are in the order of their turns.
var contestants = []struct {
	name  string
	make  func(job) (client, error)
	modes []string // what it knows how to do
	asked bool     // takes part only if it is named
}{
	{loadrig, newRigClient, []string{modeClosed, modeConnect, modeIdle, modePaced, modeTLS, modeTLSIdle}, false},
	{recorded, newRecordedClient, []string{modeClosed, modePaced}, false},
	{story, newStoryClient, []string{modeStory, modeStoryIdle}, false},
	{bare, newBareClient, []string{modeClosed, modeConnect, modeIdle, modePaced}, false},
	{gwsName, newGWSClient, []string{modeClosed, modeConnect, modeIdle}, false},
	{gobwas, newGobwasClient, []string{modeClosed, modeConnect, modeIdle}, false},
	{bareTLS, newBareTLSClient, []string{modeTLS, modeTLSIdle}, false},
	{deflate, newDeflateClient, []string{modeClosed, modeConnect, modeIdle, modePaced}, true},
	{stamped, newStampedClient, []string{modeClosed, modeConnect, modeIdle, modePaced, modeTLS, modeTLSIdle}, true},
}

func allContestants() (names []string) {
	for _, c := range contestants {
		names = append(names, c.name)
	}
	return names
}

// unasked are those that take part if none is named.
func unasked() (names []string) {
	for _, c := range contestants {
		if !c.asked {
			names = append(names, c.name)
		}
	}
	return names
}

// client is a contestant at work.
type client interface {
	// connect opens the job's connections, with window of them under way at a time, and returns when all
	// are open. In a closed loop each begins to send as soon as it is open.
	connect() error
	// pace begins the schedule of a paced loop. The others never see it.
	pace() error
	// trips gives the echoes received so far; open the connections that are open.
	trips() uint64
	open() int
	// close ends all connections. It leaves no TIME_WAIT on this side, which would be in the next one's way.
	close()
}

// window is how many connections are opened at a time, by all contestants.
const window = 256

// payloadSize is of every message; its content is ASCII, sent as text.
const payloadSize = 64

var payload = func() (b [payloadSize]byte) {
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}()

// job is what one client process does.
type job struct {
	Contestant  string
	Mode        string
	URL         string
	Connections int
	Shards      int
	Warmup      time.Duration
	Measure     time.Duration
	Settle      time.Duration
	Rate        float64 // messages per second, all connections together
	Profile     string  // file to write a CPU profile of the measured window to
}

// limit bounds how long the process may take.
func (j job) limit() time.Duration { return j.Warmup + j.Measure + j.Settle + time.Minute }

// result is what it found.
type result struct {
	Error string `json:",omitempty"`

	// Of the opening of all connections.
	ConnectSeconds float64
	ConnectCPU     float64 // seconds of user and system time

	// Of the measured window, in closed and paced.
	Seconds float64 `json:",omitempty"`
	CPU     float64 `json:",omitempty"` // seconds of user and system time
	User    float64 `json:",omitempty"` // seconds of user time
	Trips   uint64  `json:",omitempty"`
	Mallocs uint64  `json:",omitempty"`

	// At the end.
	Resident   int64 `json:",omitempty"` // bytes, in idle only
	Goroutines int
}

// microsPerTrip gives µs of CPU per echo round trip.
func (r result) microsPerTrip() float64 { return r.CPU * 1e6 / float64(r.Trips) }

// userMicrosPerTrip is microsPerTrip of user time only.
func (r result) userMicrosPerTrip() float64 { return r.User * 1e6 / float64(r.Trips) }

// perSecond gives round trips per second.
func (r result) perSecond() float64 { return float64(r.Trips) / r.Seconds }

// busy gives the share of the time that the client's process was on a CPU.
func (r result) busy() float64 { return r.CPU / r.Seconds }

// mallocsPerTrip gives allocations per round trip.
func (r result) mallocsPerTrip() float64 { return float64(r.Mallocs) / float64(r.Trips) }
