package cli

import (
	"encoding/json"
	"io"
)

// doctorSchema names the form of the JSON. A field may be added without a new name; none goes away.
const doctorSchema = "loadrig.doctor/v1"

// The JSON of a diagnosis.
type (
	doctorJSON struct {
		Schema  string      `json:"schema"`
		Asked   int         `json:"asked"`   // 0: nobody has asked
		Fits    bool        `json:"fits"`    // what was asked for, by all limits
		Refused bool        `json:"refused"` // by run, which looks only at exact limits
		Players int         `json:"players"` // that fit
		Binds   string      `json:"binds"`   // the limit that says so
		Server  serverJSON  `json:"server"`
		Sources []int       `json:"sources"` // by server address, from how many of ours it is reached
		Shards  int         `json:"shards"`
		Limits  []limitJSON `json:"limits"` // the one that binds first at the head
		Unknown []string    `json:"unknown"`
		Notes   []noteJSON  `json:"notes"`
		OS      string      `json:"os"`
	}
	serverJSON struct {
		URL       string   `json:"url"` // empty for the embedded one
		Addresses []string `json:"addresses"`
		Local     bool     `json:"local"`
		TLS       bool     `json:"tls"`
	}
	limitJSON struct {
		Name       string    `json:"name"`
		Players    int       `json:"players"`
		Exact      bool      `json:"exact"`
		PerProcess bool      `json:"per_process"`
		Limit      int64     `json:"limit"` // files, ports, connections or bytes
		Used       int64     `json:"used"`
		Each       int64     `json:"each"` // a player
		Here       string    `json:"here"`
		Rigs       int       `json:"rigs,omitempty"` // processes that hold what was asked for
		Raise      raiseJSON `json:"raise"`
	}
	raiseJSON struct {
		Players int       `json:"players"`
		Ways    []wayJSON `json:"ways"`
	}
	wayJSON struct {
		Do    string `json:"do,omitempty"`
		Note  string `json:"note,omitempty"`
		First bool   `json:"first,omitempty"` // a step before the next one
	}
	noteJSON struct {
		Name    string `json:"name"`
		Text    string `json:"text"`
		Warning bool   `json:"warning"`
	}
)

// writeJSON writes the diagnosis as one indented JSON object.
func (d diagnosis) writeJSON(w io.Writer) error {
	j := doctorJSON{
		Schema: doctorSchema, Asked: d.asked(), Fits: d.fits(), Refused: d.Refuse() != nil,
		Players: d.Bounds[0].Fits, Binds: d.Bounds[0].Name,
		Server:  serverJSON{URL: d.url, Addresses: []string{}, Local: d.Need.Local, TLS: d.Need.TLS},
		Sources: d.Need.Routes, Shards: d.Need.Shards, Unknown: append([]string{}, d.unknown()...), OS: d.Limits.OS,
	}
	for _, ip := range d.Servers {
		j.Server.Addresses = append(j.Server.Addresses, ip.String())
	}
	for _, l := range d.Bounds {
		lj := limitJSON{
			Name: l.Name, Players: l.Fits, Exact: l.Exact, PerProcess: l.PerProcess,
			Limit: l.Limit, Used: l.Used, Each: l.Each, Here: l.Here, Raise: raiseJSON{Players: l.Raise.To},
		}
		if d.asked() > l.Fits {
			lj.Rigs = l.Rigs(l.Raise.To)
		}
		for _, way := range l.Raise.Way {
			lj.Raise.Ways = append(lj.Raise.Ways, wayJSON(way))
		}
		j.Limits = append(j.Limits, lj)
	}
	for _, n := range d.Limits.Notes(d.Need) {
		j.Notes = append(j.Notes, noteJSON{n.Name, n.Text, n.Warn})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(j)
}
