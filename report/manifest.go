package report

import (
	"time"

	"github.com/loadrig/loadrig/threshold"
)

// ManifestSchema names the format of Manifest's JSON, of the records and of the events beside it. Fields may be
// added to them; a change of meaning changes the number.
const ManifestSchema = "loadrig.run/v1"

// Manifest says what a run was to do, and with what; it is known before the first player. It holds no token, no
// header and no other secret.
type Manifest struct {
	Schema   string    `json:"schema"`
	ID       string    `json:"id"`             // of the run; sorts by its start
	Name     string    `json:"name,omitempty"` // of the run, as its user calls it
	Started  time.Time `json:"started"`
	URL      string    `json:"url"`                           // without query and user
	Players  int       `json:"players"`                       // asked for
	Planned  float64   `json:"planned_seconds,omitempty"`     // how long the load is to last; 0 where that is not known
	Interval float64   `json:"interval_seconds"`              // of the records, but for the last
	Seed     uint64    `json:"seed,omitempty"`                // of a scenario
	MaxLag   float64   `json:"max_schedule_lag_seconds"`      // see Basis
	Traffic  string    `json:"traffic,omitempty"`             // what all players send; none for a scenario
	Rate     float64   `json:"messages_per_second,omitempty"` // of each player in paced traffic

	Scenario   *ManifestScenario `json:"scenario,omitempty"`   // nil where none is run
	Thresholds []threshold.Spec  `json:"thresholds,omitempty"` // what is to hold of the run
	Tags       map[string]string `json:"tags,omitempty"`

	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Engine   string `json:"engine"`
	Shards   int    `json:"shards"`
	Host     Host   `json:"host"`
}

// ManifestScenario is the scenario of a run: its text, and the names of its series.
type ManifestScenario struct {
	Name        string   `json:"name"`
	SHA256      string   `json:"sha256,omitempty"` // of the file, in hex
	Text        string   `json:"text,omitempty"`   // of the file, without secrets
	Requests    []string `json:"requests"`
	Checks      []string `json:"checks"`
	Deliveries  []string `json:"deliveries"`
	Ticks       []string `json:"ticks"`
	Populations []string `json:"populations"`
}

// Host is the machine that a run was on.
type Host struct {
	Name   string  `json:"name,omitempty"`
	OS     string  `json:"os"`
	Arch   string  `json:"arch"`
	Kernel string  `json:"kernel,omitempty"`
	CPUs   int     `json:"cpus"`
	Quota  float64 `json:"cpu_quota,omitempty"`    // in CPUs; 0 for none
	Memory int64   `json:"memory_bytes,omitempty"` // 0 where it is not known
	Files  int     `json:"open_files_limit,omitempty"`
}

// Event is something that happened once, at a moment of a run.
type Event struct {
	At      float64   `json:"at"` // seconds since the run began
	Kind    EventKind `json:"kind"`
	Text    string    `json:"text,omitempty"`    // for people
	Seconds float64   `json:"seconds,omitempty"` // how long it took, if it took time; At is its beginning then
	Outcome *Outcome  `json:"outcome,omitempty"` // of the event Ended only
}

// EventKind is what kind of event it is. Readers pass over kinds they do not know.
type EventKind string

// The kinds of events.
const (
	LoadOver  EventKind = "load_over"         // no more players come, and those who are there finish
	Stall     EventKind = "rig_stall"         // the rig itself stood still
	Crossed   EventKind = "threshold_crossed" // a threshold does not hold any more, or again
	Aborted   EventKind = "aborted"           // a threshold ended the run
	Broke     EventKind = "law_broken"        // counts do not add up, which is a bug in loadrig
	Output    EventKind = "output"            // an output lost something
	Ended     EventKind = "ended"             // the run is over, and was not cut off
	Annotated EventKind = "annotated"         // what its user wanted to remember
)

// Outcome is what is known of a run when it is over, beside its records.
type Outcome struct {
	Load        float64           `json:"load_seconds"`  // how long the load lasted
	Drain       float64           `json:"drain_seconds"` // how long it took to close all connections
	Interrupted bool              `json:"interrupted"`
	Aborted     string            `json:"aborted,omitempty"` // the threshold that ended the run
	ByState     map[string]int64  `json:"by_state"`          // when the load ended
	Peak        int64             `json:"peak"`              // the most that were connected at once
	Asked       uint64            `json:"asked"`             // see Basis
	Unsent      uint64            `json:"unsent"`            // waiting for sockets when the load ended
	Unanswered  uint64            `json:"unanswered"`
	Goroutines  int               `json:"goroutines"` // when the load ended
	Panics      uint64            `json:"panics"`
	CPU         float64           `json:"cpu_seconds"`
	MaxRSS      int64             `json:"max_rss_bytes"`
	GCPause     float64           `json:"gc_pause_seconds"` // the longest
	Details     map[string]string `json:"details,omitempty"`
	FirstFault  string            `json:"first_fault,omitempty"`
	Starts      Starts            `json:"starts"`
	Players     []int             `json:"players_of_populations,omitempty"` // who were to play each
}
