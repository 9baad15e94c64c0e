package players

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestRequests: each answer finds its request by its id, whatever the order; what is not answered in time is
// lost, and the player goes on as the scenario says.
func TestRequests(t *testing.T) {
	srv := scripted(t, func(p *wstest.Peer) error {
		for _, want := range []string{`{"id":1,"op":"a"}`, `{"id":"x2","op":"b"}`, `{"id":3,"op":"c"}`} {
			if err := hear(p, want); err != nil {
				return err
			}
		}
		_, _ = p.Write(wstest.Text(`{"ref":"x2","v":"two"}`))
		_, _ = p.Write(wstest.Text(`{"id":1,"v":"one"}`))
		_, _ = p.Write(wstest.Text(`{"id":1,"v":"again"}`)) // nobody waits for it
		_, _ = p.Write(wstest.Text(`{"id":3,"v":"three"}`))
		if err := hear(p, "one two three"); err != nil {
			return err
		}
		if err := hear(p, `{"id":4,"op":"never"}`); err != nil {
			return err
		}
		return hear(p, "gave up")
	})
	tr := perform(t, srv.URL(), `
players:
  one:
    steps:
      - connect
      - request: {name: a, json: {id: 1, op: a}, id: $.id, no_wait: true, save: {va: v}}
      - request: {name: b, json: {id: x2, op: b}, id: id, reply_id: ref, no_wait: true, save: {vb: v}}
      - request: {name: c, json: {id: 3, op: c}, id: id, save: {vc: v}}
      - send: "{{ va }} {{ vb }} {{ vc }}"
      - request: {name: d, json: {id: 4, op: never}, id: id, timeout: 50ms, else: [{send: gave up}]}
`, 1, nil)
	if tr.requests[0] != 1 || tr.requests[1] != 1 || tr.requests[2] != 1 || tr.lost[3] != 1 || tr.iterations != 1 {
		t.Errorf("got %+v", tr.tally)
	}
}

// TestExpect: a message that comes before its step is kept for it; what is not JSON fails a step that expects
// JSON at once, and a step whose message does not come fails in its time.
func TestExpect(t *testing.T) {
	srv := scripted(t, func(p *wstest.Peer) error {
		for _, s := range []string{`{"k":2}`, `{"k":1}`, `{"k":3}`} {
			_, _ = p.Write(wstest.Text(s))
		}
		if err := hear(p, "1 2 3"); err != nil {
			return err
		}
		_, _ = p.Write(wstest.Text("this is no JSON"))
		return hear(p, "bad")
	})
	tr := perform(t, srv.URL(), `
vars: {got: ""}
players:
  one:
    steps:
      - connect
      - expect: {json: {k: 1}, save: {a: k}}
      - expect: {json: {k: 2}, save: {b: k}}
      - think: 30ms
      - expect: {json: {k: 3}, save: {c: k}}
      - send: "{{ a }} {{ b }} {{ c }}"
      - expect: {name: json, json: {k: 4}, timeout: 1m, else: [{send: bad}]}
      - expect: {name: never, text: nothing, timeout: 30ms}
      - check: {name: null value, that: got == ""}
`, 1, nil)
	// Checks 0 to 2 are the expects that have no name, 3 is json, 4 never, 5 null value.
	if tr.held[0] != 1 || tr.held[1] != 1 || tr.held[2] != 1 || tr.failed[3] != 1 || tr.failed[4] != 1 || tr.held[5] != 1 || tr.iterations != 1 {
		t.Errorf("got %+v", tr.tally)
	}
}

// TestLost: a player whose connection is lost does what it is to do then, and goes on where it was; without
// a word about it, it ends.
func TestLost(t *testing.T) {
	var visits atomic.Int32
	srv := wstest.Serve(t, func(c net.Conn) {
		n := visits.Add(1)
		if n == 2 {
			return // refuses
		}
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		if err := hear(p, fmt.Sprintf("hello %d", n/2)); err != nil {
			t.Error(err)
			return
		}
		if n == 1 {
			wstest.Reset(c)
			return
		}
		if err := hear(p, "bye"); err != nil {
			t.Error(err)
		}
		if _, _, err := p.AwaitClose(); err == nil {
			_, _ = p.Write(wstest.Close(1000, ""))
		}
	})
	const lost = `
    lost:
      - reconnect: {policy: fixed, delay: 5ms, limit: 3}
      - send: hello 1
`
	const steps = `
players:
  one:
    steps:
      - connect
      - send: hello 0
      - think: 100ms
      - send: bye
`
	tr := perform(t, srv.URL(), steps+lost, 1, nil)
	if tr.iterations != 1 || tr.ended != 0 || visits.Load() != 3 {
		t.Errorf("got %d iterations, %d lost, %d visits, want 1, 0, 3", tr.iterations, tr.ended, visits.Load())
	}
	visits.Store(0)
	tr = perform(t, srv.URL(), steps, 1, nil)
	if tr.iterations != 0 || tr.ended != 1 || visits.Load() != 1 {
		t.Errorf("without lost: got %d iterations, %d lost, %d visits, want 0, 1, 1", tr.iterations, tr.ended, visits.Load())
	}
}

// TestResume: a loss leaves a loop at its place and its schedule, and a player that could not connect at first is
// connected once its steps under lost have brought that about. The server resets the connection after the third of
// five messages, while the player waits for the time of the fourth; before, it refused the first attempt.
func TestResume(t *testing.T) {
	var visits, heard atomic.Int32
	srv := wstest.Serve(t, func(c net.Conn) {
		visit := visits.Add(1)
		if visit == 1 {
			wstest.Reset(c)
			return
		}
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		for {
			f, err := p.Next()
			if err != nil {
				return
			}
			if f.Header.OpCode == ws.OpClose {
				_, _ = p.Write(wstest.Close(1000, ""))
				return
			}
			if heard.Add(1) == 3 {
				wstest.Reset(c)
				return
			}
		}
	})
	tr := perform(t, srv.URL(), `
players:
  one:
    steps:
      - connect
      - every: {interval: 50ms, times: 5, do: [{send: hello}]}
    lost: [{reconnect: {policy: fixed, delay: 1ms, limit: 3}}]
`, 1, nil)
	if tr.iterations != 1 || tr.ended != 0 || visits.Load() != 3 || heard.Load() != 5 {
		t.Errorf("got %d iterations, %d lost, %d visits, %d messages, want 1, 0, 3, 5", tr.iterations, tr.ended, visits.Load(), heard.Load())
	}
}

// TestReconnectFails: after its attempts a reconnect goes on with what is to be done then.
func TestReconnectFails(t *testing.T) {
	gone := wstest.Serve(t, wstest.Echo)
	gone.Kill()
	for _, policy := range []string{"none", "fixed", "exponential", "herd"} {
		tr := perform(t, gone.URL(), `
players:
  one:
    steps: [connect]
    lost:
      - reconnect: {policy: `+policy+`, delay: 2ms, max_delay: 4ms, limit: 4, else: [{log: gave up}, stop]}
`, 1, nil)
		if got := tr.logs.messages(); !slices.Equal(got, []string{"gave up"}) {
			t.Errorf("%s: logged %q", policy, got)
		}
		snap, err := tr.mgr.Snapshot(t.Context())
		if err != nil || snap.States[messages.Disconnected] != 1 {
			t.Errorf("%s: got %v, %v", policy, snap.States, err)
		}
	}
}

// TestSchedules: every and pace keep to absolute schedules, and iterations and loops add up.
func TestSchedules(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	srv := wstest.Serve(t, func(c net.Conn) {
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		for {
			f, err := p.Next()
			if err != nil {
				return
			}
			if f.Header.OpCode == 8 {
				_, _ = p.Write(wstest.Close(1000, ""))
				return
			}
			mu.Lock()
			got[string(f.Payload)]++
			mu.Unlock()
		}
	})
	tr := perform(t, srv.URL(), `
fragments:
  twice: [{repeat: {times: 2, do: [{send: twice}]}}]
vars: {i: 0}
players:
  one:
    on:
      - every: 10ms
        do: [{send: beat}]
    steps:
      - connect
      - every: {interval: 3ms, times: 7, do: [{send: every}]}
      - repeat: {times: 3, do: [{call: twice}]}
      - while: {when: i < 5, do: [{set: {i: "{{ i + 1 }}"}}, {send: while}]}
      - for: {duration: 20ms, do: [{think: 4ms}]}
      - {if: {when: n == 0, then: [{send: zero}], else: [{send: other}]}}
      - choose: [{weight: 0, do: [{send: never}]}, {weight: 1, do: [{send: always}]}]
      - pace: 30ms
      - set: {i: 0}
`, 3, func(o *CastOptions) { o.Iterations = 2 })
	mu.Lock()
	defer mu.Unlock()
	if beats := got["beat"]; beats < 6 {
		t.Errorf("got %d beats, want one about every 10 ms", beats)
	}
	delete(got, "beat")
	// 3 players × 2 iterations of each.
	for what, want := range map[string]int{"every": 42, "twice": 36, "while": 30, "zero": 2, "other": 4, "always": 6} {
		if got[what] != want {
			t.Errorf("%s: got %d, want %d", what, got[what], want)
		}
		delete(got, what)
	}
	if len(got) > 0 || tr.iterations != 6 || tr.ended != 0 {
		t.Errorf("got %v besides, %d iterations, %d lost", got, tr.iterations, tr.ended)
	}
}

// TestSameSeed: the same seed sends the same bytes in the same order for each player, whatever the order in
// which they come, and another seed others.
func TestSameSeed(t *testing.T) {
	play := func(seed uint64) map[string]string {
		var mu sync.Mutex
		said := map[string]string{}
		srv := wstest.Serve(t, func(c net.Conn) {
			p, err := wstest.Upgrade(c)
			if err != nil {
				return
			}
			var all []string
			for {
				f, err := p.Next()
				if err != nil {
					return
				}
				if f.Header.OpCode == 8 {
					_, _ = p.Write(wstest.Close(1000, ""))
					mu.Lock()
					said[all[0]] = strings.Join(all, "\n")
					mu.Unlock()
					return
				}
				all = append(all, string(f.Payload))
			}
		})
		tr := perform(t, srv.URL(), `
vars: {a: "{{ random(1, 1000000) }}"}
fragments:
  talk:
    - repeat:
        times: 5
        do:
          - send: {json: {uuid: "{{ uuid }}", a: "{{ a }}", name: "{{ fake('name') }}", seq: "{{ seq }}"}}
          - think: {exponential: 1ms}
          - choose: [{do: [{send: left}]}, {do: [{send: right}]}]
players:
  talker: {weight: 3, steps: [connect, {send: "talker {{ n }}"}, {call: talk}]}
  other: {weight: 1, steps: [connect, {send: "other {{ n }}"}, {call: talk}]}
`, 20, func(o *CastOptions) { o.Seed = seed })
		if tr.iterations != 20 {
			t.Errorf("got %d iterations, want 20", tr.iterations)
		}
		srv.Kill()
		return said
	}
	one, again, another := play(7), play(7), play(8)
	if len(one) != 20 {
		t.Fatalf("got %d players, want 20", len(one))
	}
	others := 0
	for who, what := range one {
		if again[who] != what {
			t.Errorf("%s said\n%s\nand then\n%s", who, what, again[who])
		}
		if another[who] == what {
			t.Errorf("%s said the same with another seed", who)
		}
		if strings.HasPrefix(who, "other") {
			others++
		}
	}
	if others != 5 {
		t.Errorf("got %d of the 20 in the population of weight 1 of 4, want 5", others)
	}
}

// TestHTTP: a step fetches what the connection needs, off the shard, and a failure goes its own way.
func TestHTTP(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/seat" || r.Header.Get("X-N") != "0" || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"seat":{"no":17},"token":"abc"}`))
	}))
	defer web.Close()
	srv := scripted(t, func(p *wstest.Peer) error {
		if p.Request.URL.RawQuery != "seat=17" {
			return fmt.Errorf("got the query %q", p.Request.URL.RawQuery)
		}
		return hear(p, "abc")
	})
	tr := perform(t, "ws://127.0.0.1:1/", `
players:
  one:
    steps:
      - http: {name: seat, method: POST, url: "`+web.URL+`/seat", headers: {X-N: "{{ n }}"}, json: {a: 1}, save: {seat: seat.no, token: token}}
      - http: {name: wrong, url: "`+web.URL+`/nowhere", else: [{log: no such page}]}
      - connect: {url: "`+strings.TrimSuffix(srv.URL(), "/")+`/?seat={{ seat }}"}
      - send: "{{ token }}"
`, 1, nil)
	if tr.requests[0] != 1 || tr.lost[1] != 1 || tr.iterations != 1 || !slices.Equal(tr.logs.messages(), []string{"no such page"}) {
		t.Errorf("got %+v, logged %q", tr.tally, tr.logs.messages())
	}
}

// TestDeliveries: what is published to an audience is expected by all its members, and what comes is told
// apart: in order, late, twice, and from elsewhere.
func TestDeliveries(t *testing.T) {
	room := wstest.Serve(t, func(c net.Conn) {
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		var said []string
		for len(said) < 3 {
			f, err := p.Next()
			if err != nil {
				return
			}
			said = append(said, string(f.Payload))
		}
		for _, i := range []int{0, 2, 1} { // the second late
			_, _ = p.Write(wstest.Text(said[i]))
		}
		// The third twice, and now with something before the JSON, as headers of STOMP are.
		_, _ = p.Write(wstest.Text("MESSAGE\ndestination:/topic/r\n\n" + said[2]))
		_, _ = p.Write(wstest.Text(`{"say":"x","stamp":"lr-0-1-2-3"}`)) // made up
		_, _ = p.Write(wstest.Text("over"))
		if _, _, err := p.AwaitClose(); err == nil {
			_, _ = p.Write(wstest.Close(1000, ""))
		}
	})
	tr := perform(t, room.URL(), `
vars: {room: "r{{ n }}"}
players:
  one:
    on:
      - {contains: stamp, delivery: chat, stamp: $.stamp}
    steps:
      - connect
      - join: "{{ room }}"
      - repeat: {times: 3, do: [{publish: {name: chat, audience: "{{ room }}", json: {say: "{{ seq }}", stamp: "{{ stamp }}"}}}]}
      - expect: {text: over}
      - leave: "{{ room }}"
`, 2, nil)
	// 2 players × 3 messages, each to an audience of 1; 2 × (2 in order, 1 late, 1 twice).
	if tr.published != 6 || tr.expected != 6 || tr.delivered[messages.OrderKept] != 4 || tr.delivered[messages.OrderLate] != 2 || tr.delivered[messages.OrderDuplicate] != 2 || tr.iterations != 2 {
		t.Errorf("got %+v", tr.tally)
	}
}
