package metrics

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/messages"
)

// fill puts a number other than 0 into every counter below v, so that a field that Merge or Sub
// forgets shows. Histograms, the code table and lifetimes have tests of their own.
func fill(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Struct:
		switch v.Type() {
		case reflect.TypeFor[Histogram](), reflect.TypeFor[codeTable](), reflect.TypeFor[Lifetimes]():
			return
		}
		for i := range v.NumField() {
			f := v.Field(i)
			fill(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(), r) // unexported ones too
		}
	case reflect.String, reflect.Pointer: // names
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), r)
		}
	case reflect.Uint64:
		v.SetUint(1 + r.Uint64N(1000))
	case reflect.Int64:
		v.SetInt(1 + r.Int64N(1000))
	default:
		panic("a field of a new kind: " + v.Type().String())
	}
}

func filled(seed uint64) *Snapshot {
	s := new(Snapshot)
	fill(reflect.ValueOf(s).Elem(), rand.New(rand.NewPCG(seed, 0)))
	s.RoundTrip.Record(time.Duration(seed) * time.Millisecond)
	s.Response.Record(time.Duration(seed) * time.Second)
	s.ScheduleLag.Record(time.Duration(seed) * time.Microsecond)
	s.LoopTurn.Record(time.Duration(seed) * time.Microsecond)
	s.ReadLag.Record(time.Duration(seed) * time.Microsecond)
	s.KernelRoundTrip.Record(time.Duration(seed) * time.Millisecond)
	s.Ping.Record(time.Duration(seed) * time.Millisecond)
	s.Handshake.Record(time.Duration(seed) * time.Millisecond)
	for i := range s.Phases {
		s.Phases[i].Record(time.Duration(seed) * time.Duration(i+1) * time.Millisecond)
	}
	s.codes.add(messages.CauseRemote, 4000+messages.CloseCode(seed), seed)
	for i := range messages.Stamp(3) {
		s.Lifetimes.began(messages.Stamp(seed)*1000 + i)
	}
	s.Lifetimes.ended(messages.Stamp(seed)*1000+5, 5, false)
	s.Lifetimes.ended(messages.Stamp(seed)*1000+5, 4, true)
	return s
}

// TestMergeAndSubCoverAllFields: (0 + a) + b - a is b in every field, but for those that are what is
// now.
func TestMergeAndSubCoverAllFields(t *testing.T) {
	a, b, got := filled(1), filled(2), new(Snapshot)
	got.Merge(a)
	if *got != *a {
		t.Fatal("merged into an empty snapshot: a field differs")
	}
	got.Merge(b)
	got.Sub(a)

	want := new(Snapshot)
	*want = *b
	for i := range want.States {
		want.States[i] += a.States[i]
	}
	want.Traffic.Pending += a.Traffic.Pending
	want.At = max(a.At, b.At)
	want.Lifetimes.open.merge(&a.Lifetimes.open)
	got.codes.rows[0], got.codes.rows[1], got.codes.used = got.codes.rows[1], codeRow{}, 1 // a's code has count 0 now
	extremes := func(h, exact *Histogram) { h.min, h.max = exact.min, exact.max }
	got.histograms(want, extremes) // Sub has them to their bins only; TestSubIsTheInterval
	if *got == *want {
		return
	}
	t.Error("a field is not merged or not subtracted")
	clear := func(h, _ *Histogram) { *h = Histogram{} } // leaves what a diff can show
	got.histograms(got, clear)
	want.histograms(want, clear)
	t.Log(cmp.Diff(want, got, cmp.AllowUnexported(Snapshot{}, Histogram{}, codeTable{}, codeRow{})))
}

func TestResetEmpties(t *testing.T) {
	s := filled(3)
	s.Reset()
	if *s != (Snapshot{}) {
		t.Error("got a field that is not 0")
	}
}

func TestDisconnectCounts(t *testing.T) {
	b, err := json.Marshal(scripted().DisconnectCounts())
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"cause":"local","initiator":"local","count":1},` +
		`{"cause":"remote","initiator":"remote","code":4001,"count":1},` +
		`{"cause":"remote","initiator":"remote","code":1001,"count":1},` +
		`{"cause":"upgrade_status","initiator":"remote","count":1}]`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

// TestHostileCloseCodes: a server that closes with each private code, and more often with the last
// than with the others, grows nothing. 1000 codes, of which 64 are told apart; 1100 closes, of which
// 100 with 4999.
func TestHostileCloseCodes(t *testing.T) {
	var shard Shard
	for code := messages.CloseCode(4000); code < 5000; code++ {
		shard.Observe(&messages.Closed{Cause: messages.CauseRemote, Opened: true, Code: code})
	}
	for range 100 {
		shard.Observe(&messages.Closed{Cause: messages.CauseRemote, Opened: true, Code: 4999})
	}
	shard.Observe(&messages.Closed{Cause: messages.CauseRemote, Opened: true, Code: messages.CloseNormal})
	sum := new(Snapshot)
	shard.AddTo(sum)

	list := sum.DisconnectCounts()
	if len(list) != maxCodes+2 {
		t.Errorf("got %d rows, want %d", len(list), maxCodes+2)
	}
	// 1100 - 64 = 1036
	if got, want := list[0], (DisconnectCount{"remote", "remote", 0, "4000-4999", 1036}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	var total uint64
	for _, row := range list {
		total += row.Count
	}
	if total != sum.Disconnects[messages.CauseRemote] {
		t.Errorf("rows: got %d, want all %d", total, sum.Disconnects[messages.CauseRemote])
	}

	// An interval of that still adds up.
	earlier := new(Snapshot)
	*earlier = *sum
	shard.Observe(&messages.Closed{Cause: messages.CauseRemote, Opened: true, Code: 4000})
	sum.Reset()
	shard.AddTo(sum)
	sum.Sub(earlier)
	want := []DisconnectCount{{"remote", "remote", 0, "4000-4999", 1}}
	if d := cmp.Diff(want, sum.DisconnectCounts()); d != "" {
		t.Errorf("interval: (-want +got)\n%s", d)
	}
}

// world is a model of players on shards: what each is, and nothing else.
type world struct {
	shards  []*Shard
	traffic []messages.Traffic
	players [][]played // by shard
	removed int
	now     messages.Stamp
}

// played is a player.
type played struct {
	messages.State
	began messages.Stamp // of the session, while Connected
}

// step lets one thing happen that the transition table allows.
func (w *world) step(t *rapid.T) {
	at := rapid.IntRange(0, len(w.shards)-1).Draw(t, "shard")
	shard, players := w.shards[at], w.players[at]
	if len(players) == 0 || rapid.IntRange(0, 9).Draw(t, "add") == 0 {
		shard.Added(1)
		w.players[at] = append(players, played{State: messages.Idle})
		return
	}
	who := rapid.IntRange(0, len(players)-1).Draw(t, "player")
	st := players[who].State
	w.now = w.now.Add(time.Duration(rapid.Int64Range(0, 3_000_000_000).Draw(t, "later")))
	if rapid.IntRange(0, 19).Draw(t, "remove") == 0 {
		shard.Removed(st)
		w.players[at] = append(players[:who], players[who+1:]...)
		w.removed++
		return
	}
	in := messages.Input(rapid.IntRange(0, messages.NumInputs-1).Draw(t, "input"))
	next := messages.Next(st, in)
	switch {
	case next.Err == messages.ErrImpossible:
		return
	case next.Err != nil:
		kind := rapid.SampledFrom([]messages.CommandKind{messages.KindConnect, messages.KindSendText}).Draw(t, "kind")
		shard.Observe(&messages.Refused{Command: kind, State: st, Err: next.Err})
	case in == messages.InputSend:
		w.send(t, at)
	case next.To != st:
		players[who].State = next.To
		shard.Observe(&messages.StateChanged{From: st, To: next.To})
		d := time.Duration(rapid.Int64Range(0, 70_000_000_000).Draw(t, "duration"))
		switch in {
		case messages.InputOpened:
			w.now = w.now.Add(d)
			players[who].began = w.now
			shard.Observe(&messages.Opened{Handshake: messages.Handshake{Start: w.now.Add(-d), Total: d}})
		case messages.InputEnded:
			var lasted time.Duration
			if st == messages.Connected {
				lasted = w.now.Sub(players[who].began)
			}
			shard.Observe(&messages.Closed{
				At: w.now, Lasted: lasted,
				Cause:  rapid.SampledFrom(messages.Causes()).Draw(t, "cause"),
				Opened: st == messages.Connected,
				Phase:  messages.Phase(rapid.IntRange(0, messages.NumPhases-1).Draw(t, "phase")),
				Code:   messages.CloseCode(rapid.Uint16().Draw(t, "code")),
			})
		}
	}
}

func (w *world) send(t *rapid.T, at int) {
	tr := &w.traffic[at]
	tr.Asked++
	switch rapid.IntRange(0, 2).Draw(t, "outcome") {
	case 0:
		tr.Sent[messages.OpText]++
		w.shards[at].Response(0, 5, 5+messages.Stamp(rapid.Int64Range(0, 1e9).Draw(t, "latency")))
	case 1:
		tr.Dropped[messages.DropClosed]++
	default:
		tr.Pending++
	}
}

// TestCountsObeyTheLaws: whatever happens within the transition table, on however many shards, the
// counts add up after each step, and the states are those of the model.
func TestCountsObeyTheLaws(t *testing.T) {
	sum, earlier, interval := new(Snapshot), new(Snapshot), new(Snapshot)
	shards := []*Shard{new(Shard), new(Shard)} // 1.6 MiB each: emptied, not made afresh
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range shards {
			*s = Shard{}
		}
		w := &world{shards: shards, traffic: make([]messages.Traffic, len(shards)), players: make([][]played, len(shards))}
		earlier.Reset()
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				w.step(t)
			}
			sum.Reset()
			for i, s := range w.shards {
				s.AddTo(sum)
				sum.Traffic.Add(&w.traffic[i])
			}
			if err := sum.Check(); err != nil {
				t.Fatal(err)
			}
			var want [messages.NumStates]int64
			for _, players := range w.players {
				for _, p := range players {
					want[p.State]++
				}
			}
			if sum.States != want || sum.Players() != int64(sum.Added)-int64(w.removed) {
				t.Fatalf("states: got %v, want %v", sum.States, want)
			}
			*interval = *sum
			interval.Sub(earlier)
			interval.States, interval.Traffic.Pending = earlier.States, earlier.Traffic.Pending
			if got, want := interval.Handshake.Count(), sum.Handshake.Count()-earlier.Handshake.Count(); got != want {
				t.Fatalf("interval: got %d handshakes, want %d", got, want)
			}
			*earlier = *sum
		}
	})
}

// TestUnanswered: of 10 messages 4 were answered, 2 of them with something changed; further answers, and what answers
// nothing, change nothing.
func TestUnanswered(t *testing.T) {
	s := new(Snapshot)
	s.Traffic.Sent[messages.OpText], s.Traffic.Sent[messages.OpBinary], s.Traffic.Sent[messages.OpPing] = 7, 3, 5
	s.RoundTrip.Record(time.Millisecond)
	s.RoundTrip.Record(time.Millisecond)
	s.Strays = [messages.NumStrays]uint64{messages.StrayCorrupted: 2, messages.StrayDuplicated: 3, messages.StrayForeign: 4}
	if got := s.Unanswered(); got != 6 { // 7 + 3 - 2 - 2
		t.Errorf("got %d, want 6", got)
	}
	s.Strays[messages.StrayCorrupted] = 9
	if got := s.Unanswered(); got != 0 { // 7 + 3 - 2 - 9 < 0
		t.Errorf("got %d, want 0", got)
	}
}
