package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/metrics"
)

// Schema names the format of Summary's JSON. Fields may be added to it; a change of meaning changes the
// number.
const Schema = "loadrig.summary/v1"

// Verdict is the judgement of a run.
type Verdict string

// The verdicts.
const (
	// Pass: everything asked for took place.
	Pass Verdict = "pass"
	// Fail: something asked for did not take place, and it was not the rig's fault.
	Fail Verdict = "fail"
	// Untrustworthy: the rig could not do its part, so the figures say nothing about the server.
	Untrustworthy Verdict = "untrustworthy"
)

// Summary is the outcome of one run. Durations are in seconds, sizes in bytes.
type Summary struct {
	Schema   string   `json:"schema"`
	Run      string   `json:"run"`            // its id
	Name     string   `json:"name,omitempty"` // what its user calls it
	Verdict  Verdict  `json:"verdict"`
	Reasons  []string `json:"reasons"` // why the verdict is not pass; empty if it is
	URL      string   `json:"url"`
	Started  string   `json:"started"` // RFC 3339
	Duration float64  `json:"duration_seconds"`
	// Interrupted tells that the run was ended before its time.
	Interrupted bool `json:"interrupted"`
	// Aborted is the threshold that ended the run before its time.
	Aborted string `json:"aborted,omitempty"`
	// CutOff tells that the run never ended: loadrig was killed, or the machine went down. The figures are those
	// of the records there are.
	CutOff      bool              `json:"cut_off,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Players     int               `json:"players"` // asked for
	Connections Connections       `json:"connections"`
	Messages    Messages          `json:"messages"`
	RoundTrip   Latency           `json:"round_trip_seconds"`   // from the actual write to the answer
	Response    Latency           `json:"response_seconds"`     // from the intended send time to the answer
	ScheduleLag Latency           `json:"schedule_lag_seconds"` // from the intended to the actual send time
	// Where kernel timestamps were asked for: from the actual write to when the kernel had the answer, and from then
	// to its read.
	KernelRoundTrip Latency      `json:"kernel_round_trip_seconds"`
	ReadLag         Latency      `json:"read_lag_seconds"`
	LoopTurn        Latency      `json:"loop_turn_seconds"` // the work of each turn of an event loop
	Ping            Latency      `json:"ping_seconds"`      // from a keep-alive ping to its pong
	Handshake       Handshake    `json:"handshake_seconds"`
	Disconnects     []Disconnect `json:"disconnects"`
	Scenario        *Scenario    `json:"scenario,omitempty"` // nil where none was run
	Thresholds      []Threshold  `json:"thresholds"`         // those of the scenario first, in its order
	Events          []Event      `json:"events"`             // the first 100 that are worth telling
	Load            Load         `json:"load"`               // what was asked for beside what there was
	Trust           []Trust      `json:"trust"`              // what the rig kept to, or did not
	Rig             Rig          `json:"rig"`
}

// Connections counts attempts to connect.
type Connections struct {
	Attempted  uint64           `json:"attempted"`
	Opened     uint64           `json:"opened"`
	Compressed uint64           `json:"compressed"` // of those that opened: permessage-deflate was agreed on
	Failed     uint64           `json:"failed"`
	Peak       int64            `json:"peak"`     // the most that were connected at once
	ByState    map[string]int64 `json:"by_state"` // when the load ended, before the drain; adds up to players
}

// Messages counts data messages, whole ones, and their payload.
type Messages struct {
	Sent     uint64 `json:"sent"` // handed to the kernel whole
	Received uint64 `json:"received"`
	Dropped  uint64 `json:"dropped"` // never sent: the backlog was full, or the connection ended first
	// Of traffic that is no scenario's, where each message has one answer: those received that are the first to
	// answer a message, but are not what was sent; those that answer one again, whatever they say; and those that
	// answer none. What is left of those received are the answers, RoundTrip.Count.
	Corrupted     uint64 `json:"corrupted"`
	Duplicated    uint64 `json:"duplicated"`
	Foreign       uint64 `json:"foreign"`
	SentBytes     uint64 `json:"sent_bytes"` // payload, before compression
	ReceivedBytes uint64 `json:"received_bytes"`
	// On the wire: frames as compressed, their headers, control frames and opening handshakes; without what
	// TLS and TCP add.
	SentWireBytes     uint64 `json:"sent_wire_bytes"`
	ReceivedWireBytes uint64 `json:"received_wire_bytes"`
}

// Latency describes a histogram.
type Latency struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// Handshake is the whole opening handshake, with its phases.
type Handshake struct {
	Latency
	Phases map[string]Latency `json:"phases"` // those that took place: resolve, connect, tls, upgrade
}

// Disconnect counts one way in which attempts or sessions ended.
type Disconnect = metrics.DisconnectCount

// Rig says what the run cost this machine, and how the rig itself fared.
type Rig struct {
	Version     string  `json:"version"`
	Go          string  `json:"go"`
	Engine      string  `json:"engine"`
	Shards      int     `json:"shards"`
	CPUSeconds  float64 `json:"cpu_seconds"`   // user and system
	MaxRSSBytes int64   `json:"max_rss_bytes"` // the peak
	// Shares from 0 to 1; 0 also where the system does not tell.
	CPUShare       float64 `json:"cpu_share"`         // of the cores that it may use
	StealShare     float64 `json:"steal_share"`       // of the machine's CPU time, which the hypervisor gave to others
	ThrottledShare float64 `json:"throttled_share"`   // of the periods of a CPU quota, in which it was stopped
	GCShare        float64 `json:"gc_cpu_share"`      // of its CPU time; the runtime's estimate
	PeakFiles      uint64  `json:"open_files_peak"`   // 0 where the system does not tell
	GCPauseMax     float64 `json:"gc_pause_seconds"`  // the longest
	Panics         uint64  `json:"panics"`            // of players
	Goroutines     int     `json:"goroutines"`        // when the load ended
	OpenFileLimit  uint64  `json:"open_files_limit"`  // 0 where there is none
	Unanswered     uint64  `json:"unanswered"`        // messages sent that no answer came to, not even a changed one
	Conservation   string  `json:"conservation"`      // "ok", or which law of the counts was broken
	DrainSeconds   float64 `json:"drain_seconds"`     // the closing of all connections
	Unsent         uint64  `json:"unsent_at_the_end"` // waiting for sockets when the load ended
}

// NewLatency reads a histogram.
func NewLatency(h *metrics.Histogram) Latency {
	q := func(p float64) float64 { return h.Quantile(p).Seconds() }
	return Latency{
		Count: h.Count(), Mean: h.Mean().Seconds(), P50: q(.5), P90: q(.9), P99: q(.99), P999: q(.999), Max: h.Max().Seconds(),
	}
}

// DefaultMaxLag is the schedule lag that a trustworthy rig keeps for 99 of 100 sends.
const DefaultMaxLag = 100 * time.Millisecond

// Basis is what a verdict needs to know beside the summary itself.
type Basis struct {
	// Asked is how many connections were to be opened: fewer than Players where the run was interrupted.
	Asked uint64
	// Details say more of some causes, by their names.
	Details map[string]string
}

// Judge sets the verdict and its reasons from everything else in s.
func (s *Summary) Judge(b Basis) {
	var rig, server []string
	if s.CutOff {
		rig = append(rig, fmt.Sprintf("the records end after %s without an end of the run: loadrig was killed, or the machine went down", seconds(s.Duration)))
	}
	if s.Rig.Conservation != "ok" {
		rig = append(rig, "the counts do not add up, which is a bug in loadrig: "+s.Rig.Conservation)
	}
	for i := range s.Trust {
		if t := &s.Trust[i]; !t.Held {
			rig = append(rig, t.Reason)
		}
	}
	if s.Rig.Panics > 0 {
		rig = append(rig, fmt.Sprintf("%s panicked, which is a bug in loadrig", many(s.Rig.Panics, "player")))
	}
	for _, d := range s.Disconnects {
		c := causeNamed(d.Cause)
		why := explain(c, b.Details[d.Cause])
		switch {
		case c.Expected():
		case c.OfRig():
			rig = append(rig, fmt.Sprintf("%s ended by this machine or loadrig itself: %s", many(d.Count, "connection"), why))
		default:
			server = append(server, fmt.Sprintf("%s ended by %s", many(d.Count, "connection"), why))
		}
	}
	if s.Connections.Opened < b.Asked && s.Connections.Attempted < b.Asked {
		server = append(server, fmt.Sprintf("the time was over when only %d of %d players had been started; a longer --duration or a higher --rate starts all",
			s.Connections.Attempted, b.Asked))
	} else if s.Connections.Opened < b.Asked {
		server = append(server, fmt.Sprintf("%d of %d connections opened", s.Connections.Opened, b.Asked))
	}
	if s.Messages.Dropped > 0 {
		server = append(server, fmt.Sprintf("%s never sent, as the server did not read or had gone", many(s.Messages.Dropped, "message")))
	}
	// A changed answer, or a second one, is a mistake whatever the load. One that is missing may be that the server
	// had too much to do, or that the run ended first; it is a figure.
	if n := s.Messages.Corrupted; n > 0 {
		server = append(server, many(n, "answer")+" came back changed")
	}
	if n := s.Messages.Duplicated; n > 0 {
		server = append(server, many(n, "answer")+" came to messages that had been answered")
	}
	server = append(server, s.Scenario.failures()...)
	server = append(server, s.thresholdFailures()...)
	var first []string
	if s.Aborted != "" {
		first = []string{fmt.Sprintf("the run was ended after %s, as the threshold %s failed", moment(s.Duration), clip(s.Aborted, columns))}
	}
	s.Verdict, s.Reasons = Pass, append([]string{}, slices.Concat(first, rig, server)...)
	if len(s.Reasons) > 0 {
		s.Verdict = Fail
	}
	if len(rig) > 0 {
		s.Verdict = Untrustworthy
	}
}

// hints say what to look at first.
var hints = map[messages.Cause]string{
	messages.CauseRefused:        "is the server running, and is --url right?",
	messages.CauseResolve:        "is the host name in --url right?",
	messages.CauseConnectTimeout: "can the server be reached, and does it keep up with the arrivals? see --rate, --dial-timeout",
	messages.CauseTLS:            "is the certificate one that this machine trusts? see --insecure",
	messages.CauseUpgradeStatus:  "is the path in --url right, and are --scope, --token, --token-key or -H what the server wants?",
	messages.CauseUpgradeInvalid: "is this a WebSocket server?",
	messages.CauseAuth:           "see --scope, --token, --token-key",
	messages.CauseLocalResource:  "see ulimit -n, --local-ips",
	messages.CauseProxy:          "is the proxy of --proxy or of the environment the right one? --proxy none goes without",
	messages.CauseRedirect:       "give --url the address where the server is",
}

// explain says what is known of a cause, and what to look at.
func explain(c messages.Cause, detail string) string {
	s := c.String()
	if detail != "" {
		s += ", the first: " + detail
	}
	if h := hints[c]; h != "" {
		s += "; " + h
	}
	return s
}

// many gives a number with its noun.
func many(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

func causeNamed(name string) messages.Cause {
	for _, c := range messages.Causes() {
		if c.String() == name {
			return c
		}
	}
	return messages.CauseNone
}
