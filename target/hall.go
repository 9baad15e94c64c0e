package target

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"sync"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
)

// Limits of a hall.
const (
	maxRooms    = 4096 // of a server
	maxJoined   = 16   // rooms that one client is in
	maxRoomName = 64   // bytes
	maxListed   = 100  // rooms that list names
	hallShards  = 16
)

// hall is a room server's rooms and games. Its sessions are on many loops: a room counts its members of each
// loop, and each loop has the list of its own. What is said is posted once to each loop that has members,
// the speaker's own included, and all under the room's lock, so that all members hear the same order.
type hall struct {
	// Static after the engine's construction.
	hosts []*host
	seed  maphash.Seed

	shards [hallShards]hallShard
	games  games
}

type hallShard struct {
	// Guarded by mu.
	mu    sync.Mutex
	rooms map[string]*room
}

// room lives from its first member to its last.
type room struct {
	// Static after construction.
	name  string
	shard *hallShard
	parts []part // by the index of the host

	// Guarded by shard.mu.
	total int
	said  uint64
}

// part is a room's members of one host.
type part struct {
	n       int      // guarded by shard.mu
	members []member // owned by the host
}

// member is a guest that heard nothing of what had been said when it joined.
type member struct {
	guest *guest
	since uint64
}

// spot is a member's own view: members[at] of its host's part of room.
type spot struct {
	room *room
	at   int
}

func newHall() *hall {
	h := &hall{seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].rooms = make(map[string]*room)
	}
	return h
}

func (h *hall) attach(to *host) {
	to.index = len(h.hosts)
	h.hosts = append(h.hosts, to)
}

func (h *hall) shard(name string) *hallShard {
	return &h.shards[maphash.String(h.seed, name)%hallShards]
}

// message implements conversation.
func (h *hall) message(s *session, op ws.OpCode, p, out []byte) ([]byte, bool) {
	c, wrong := parseCommand(op, p)
	if wrong != "" {
		return s.wrong(out, wrong, c.id), true
	}
	var b [512]byte
	switch c.op {
	case "join", "leave":
		if c.op == "leave" && !c.room.Exists() && c.game.Exists() {
			return h.games.leave(s, c, out), true
		}
		n, wrong := 0, ""
		text := append(b[:0], `{"op":"joined","room":`...)
		if c.op == "join" {
			n, wrong = h.join(s.guest, c.room)
		} else {
			text = append(b[:0], `{"op":"left","room":`...)
			n, wrong = h.part(s.guest, c.room)
		}
		if wrong != "" {
			return s.wrong(out, wrong, c.id), true
		}
		text = append(gjson.AppendJSONString(text, c.room.Str), `,"members":`...)
		return s.answer(out, strconv.AppendInt(text, int64(n), 10), c.id), true
	case "say":
		if wrong := h.say(s.guest, c.room, p); wrong != "" {
			return s.wrong(out, wrong, c.id), true
		}
		return out, true
	case "list":
		return s.answer(out, h.list(b[:0]), c.id), true
	case "ping":
		return s.answer(out, append(b[:0], `{"op":"pong"`...), c.id), true
	case "seat":
		return h.games.seat(s, c, out), true
	case "play":
		return h.games.play(s, c, out), true
	}
	return s.wrong(out, "got op "+clip(c.op)+", want join, leave, say, list, ping, seat or play", c.id), true
}

// join makes g a member, if it is none yet, and gives how many there are.
func (h *hall) join(g *guest, name gjson.Result) (members int, wrong string) {
	if name.Type != gjson.String || name.Str == "" || len(name.Str) > maxRoomName {
		return 0, "want a room of 1 to 64 bytes"
	}
	if sp, ok := g.spot(name); ok {
		sh := sp.room.shard
		sh.mu.Lock()
		defer sh.mu.Unlock()
		return sp.room.total, ""
	}
	if len(g.spots) == maxJoined {
		return 0, "already in 16 rooms, want leave first"
	}
	to := g.session.host
	r, said, members := h.count(name.Str, to)
	if r == nil {
		return 0, "the server has 4096 rooms, want another one's name"
	}
	p := &r.parts[to.index]
	g.spots = append(g.spots, spot{r, len(p.members)})
	p.members = append(p.members, member{g, said})
	to.tally.joins.Add(1)
	to.totals.members.Add(1)
	return members, ""
}

// count adds a member of a host to a room, which it makes if there is none; nil if there are too many.
func (h *hall) count(name string, of *host) (r *room, said uint64, members int) {
	sh := h.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r = sh.rooms[name]
	if r == nil {
		if of.totals.rooms.Add(1) > maxRooms {
			of.totals.rooms.Add(-1)
			return nil, 0, 0
		}
		r = &room{name: name, shard: sh, parts: make([]part, len(h.hosts))}
		sh.rooms[name] = r
	}
	r.total++
	r.parts[of.index].n++
	return r, r.said, r.total
}

// part ends a membership, and gives how many are left.
func (h *hall) part(g *guest, name gjson.Result) (members int, wrong string) {
	sp, ok := g.spot(name)
	if !ok {
		return 0, "not in that room"
	}
	return g.leave(sp), ""
}

// say has all members of the room sent what g said.
func (h *hall) say(g *guest, name gjson.Result, text []byte) (wrong string) {
	sp, ok := g.spot(name)
	if !ok {
		return "not in that room, want join first"
	}
	r, t := sp.room, g.session.host.tally
	d := newDelivery(text)
	d.room, d.from = r, g
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	r.said++
	d.said = r.said
	t.broadcasts.Add(1)
	for i := range r.parts {
		if n := r.parts[i].n; n > 0 && !h.hosts[i].post(d) {
			t.dropped.Add(uint64(n))
		}
	}
	return ""
}

// list names the first rooms in their order. It looks at all, which are not many.
func (h *hall) list(b []byte) []byte {
	type listed struct {
		name    string
		members int
	}
	var all []listed
	for i := range h.shards {
		sh := &h.shards[i]
		sh.mu.Lock()
		for name, r := range sh.rooms {
			all = append(all, listed{name, r.total})
		}
		sh.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.name, b.name) })
	b = strconv.AppendInt(append(b, `{"op":"rooms","total":`...), int64(len(all)), 10)
	b = append(b, `,"rooms":[`...)
	for i, r := range all[:min(len(all), maxListed)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(gjson.AppendJSONString(append(b, `{"room":`...), r.name), `,"members":`...)
		b = append(strconv.AppendInt(b, int64(r.members), 10), '}')
	}
	return append(b, ']')
}

// leave implements conversation.
func (h *hall) leave(s *session) {
	for len(s.guest.spots) > 0 {
		s.guest.leave(s.guest.spots[len(s.guest.spots)-1])
	}
	h.games.gone(s.guest)
}

func (g *guest) spot(name gjson.Result) (spot, bool) {
	for _, sp := range g.spots {
		if name.Type == gjson.String && sp.room.name == name.Str {
			return sp, true
		}
	}
	return spot{}, false
}

// leave ends a membership and gives how many members are left.
func (g *guest) leave(sp spot) (members int) {
	r, of := sp.room, g.session.host
	g.release(r)
	p := &r.parts[of.index]
	last := len(p.members) - 1
	moved := p.members[last].guest
	p.members[sp.at] = p.members[last]
	p.members[last] = member{}
	p.members = p.members[:last]
	for i := range moved.spots {
		if moved.spots[i].room == r {
			moved.spots[i].at = sp.at
		}
	}
	g.spots = slices.DeleteFunc(g.spots, func(other spot) bool { return other.room == r })
	of.tally.leaves.Add(1)
	of.totals.members.Add(-1)
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	p.n--
	r.total--
	if r.total == 0 {
		delete(r.shard.rooms, r.name)
		of.totals.rooms.Add(-1)
	}
	return r.total
}
