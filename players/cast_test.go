package players

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/transport"
)

// tally is a Series that counts. It is locked only because the test reads it from elsewhere.
type tally struct {
	mu                       sync.Mutex
	requests, lost           map[int]int
	held, failed             map[int]int
	published, expected      int
	delivered                map[messages.Order]int
	ticks                    []time.Duration
	iterations, ended, fault int
	lags, responses          int
	began, over, answered    int
	arrivals                 int
}

func newTally() *tally {
	return &tally{requests: map[int]int{}, lost: map[int]int{}, held: map[int]int{}, failed: map[int]int{}, delivered: map[messages.Order]int{}}
}

func (t *tally) do(f func()) { t.mu.Lock(); defer t.mu.Unlock(); f() }

func (t *tally) Response(_, _, _ messages.Stamp) { t.do(func() { t.responses++ }) }
func (t *tally) Arrived(sent, arrived messages.Stamp) {
	t.do(func() {
		if arrived < sent {
			panic(fmt.Sprintf("a request sent at %d whose answer arrived at %d", sent, arrived))
		}
		t.arrivals++
	})
}
func (t *tally) Stray(messages.Stray) { panic("a scenario has no strays") }
func (t *tally) Lag(time.Duration)    { t.do(func() { t.lags++ }) }
func (t *tally) Request(i int, intended, sent, received messages.Stamp) {
	t.do(func() {
		if intended > sent || sent > received {
			panic(fmt.Sprintf("a request intended at %d, sent at %d and answered at %d", intended, sent, received))
		}
		t.requests[i]++
	})
}
func (t *tally) Answered(_ int, _, _, _ messages.Stamp) { t.do(func() { t.answered++ }) }
func (t *tally) RequestLost(i int)                      { t.do(func() { t.lost[i]++ }) }
func (t *tally) Check(i int, ok bool) {
	t.do(func() {
		if ok {
			t.held[i]++
		} else {
			t.failed[i]++
		}
	})
}
func (t *tally) Published(_, n int) { t.do(func() { t.published++; t.expected += n }) }
func (t *tally) Delivered(_ int, _ time.Duration, o messages.Order) {
	t.do(func() { t.delivered[o]++ })
}
func (t *tally) Tick(_ int, off time.Duration) { t.do(func() { t.ticks = append(t.ticks, off) }) }
func (t *tally) Fault()                        { t.do(func() { t.fault++ }) }
func (t *tally) Began(int)                     { t.do(func() { t.began++ }) }
func (t *tally) Ended(int)                     { t.do(func() { t.over++ }) }
func (t *tally) Iteration(int)                 { t.do(func() { t.iterations++ }) }
func (t *tally) Lost(int)                      { t.do(func() { t.ended++ }) }

// troupe is a Cast at work on a Manager.
type troupe struct {
	*tally
	cast *Cast
	mgr  *actors.Manager
	ids  []messages.ConnID
	done chan int
	logs *lines
}

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

func (l *lines) messages() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		_, s, _ = strings.Cut(s, "msg=")
		s, _, _ = strings.Cut(s, " player=")
		out = append(out, strings.Trim(s, `"`))
	}
	return out
}

// perform has n players play a scenario once, on a server, and waits until all have ended.
func perform(t *testing.T, url, text string, n int, change func(*CastOptions)) *troupe {
	t.Helper()
	return performOver(t, transport.Options{}, url, text, n, change)
}

func performOver(t *testing.T, o transport.Options, url, text string, n int, change func(*CastOptions)) *troupe {
	t.Helper()
	tr := prepareOver(t, o, url, text, n, change)
	tr.begin(t)
	tr.await(t)
	return tr
}

func prepare(t *testing.T, url, text string, n int, change func(*CastOptions)) *troupe {
	t.Helper()
	return prepareOver(t, transport.Options{}, url, text, n, change)
}

func prepareOver(t *testing.T, over transport.Options, url, text string, n int, change func(*CastOptions)) *troupe {
	t.Helper()
	s, err := scenario.Read(strings.NewReader(text), "test.yaml", ".", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr := &troupe{tally: newTally(), done: make(chan int, n), logs: new(lines)}
	o := CastOptions{
		Scenario: s, Series: []Series{tr.tally}, Seed: 1, Players: n, Iterations: 1,
		Connect: func(n int, o Opening) *messages.Connect {
			if o.URL == "" {
				o.URL = url
			}
			return &messages.Connect{URL: o.URL, Headers: o.Headers}
		},
		Done:   func(_ messages.ConnID, n int) { tr.done <- n },
		Logger: slog.New(slog.NewTextHandler(tr.logs, nil)),
	}
	if change != nil {
		change(&o)
	}
	o.Signal = func(id messages.ConnID, v any) error { return tr.mgr.Signal(id, v) }
	if tr.cast, err = NewCast(o); err != nil {
		t.Fatal(err)
	}
	if tr.mgr, err = actors.NewManager(actors.Options{Shards: 1, Transport: over}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tr.mgr.Stop(context.Background())
		tr.cast.Stop()
	})
	i := 0
	tr.ids, err = tr.mgr.OpenMany(n, func(id messages.ConnID) actors.Behavior {
		i++
		return tr.cast.Player(0, i-1)
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr *troupe) begin(t *testing.T) {
	t.Helper()
	for n, id := range tr.ids {
		if err := tr.mgr.Signal(id, Begin{n}); err != nil {
			t.Fatal(err)
		}
	}
}

func (tr *troupe) await(t *testing.T) {
	t.Helper()
	for range tr.ids {
		select {
		case <-tr.done:
		case <-time.After(20 * time.Second):
			t.Fatal("a player did not end")
		}
	}
}

// script is a server that plays its part and then answers the close.
func scripted(t *testing.T, f func(p *wstest.Peer) error) *wstest.Server {
	return wstest.Serve(t, func(c net.Conn) {
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		if err := f(p); err != nil {
			t.Errorf("server: %v", err)
			return
		}
		if _, _, err := p.AwaitClose(); err == nil {
			_, _ = p.Write(wstest.Close(1000, ""))
		}
	})
}

func hear(p *wstest.Peer, want string) error {
	f, err := p.Next()
	if err == nil && string(f.Payload) != want {
		err = fmt.Errorf("got %q, want %q", f.Payload, want)
	}
	return err
}

func TestStory(t *testing.T) {
	srv := scripted(t, func(p *wstest.Peer) error {
		if err := hear(p, `{"op":"hello","who":"player \"0\"","n":0,"big":12345678901234567890,"deep":{"list":[1,true,null,0]}}`); err != nil {
			return err
		}
		_, _ = p.Write(wstest.Text(`{"type":"welcome","token":"s3","id":12345678901234567890,"name":"Ann \"x\""}`))
		if err := hear(p, `token=s3 id=12345678901234567890`); err != nil {
			return err
		}
		_, _ = p.Write(wstest.Text(`{"type":"noise"}`))
		_, _ = p.Write(wstest.Text(`{"type":"ping","n":7}`))
		if err := hear(p, `{"type":"pong","n":7,"name":"Ann \"x\""}`); err != nil {
			return err
		}
		f, err := p.Next()
		if err != nil || f.Header.OpCode != ws.OpBinary || string(f.Payload) != "\x01\x02\xff" {
			return fmt.Errorf("got %v %q, %v, want the three bytes", f.Header.OpCode, f.Payload, err)
		}
		_, _ = p.Write(wstest.Frame(ws.OpBinary, true, []byte("\x05\x00\x01\x02abc")))
		return hear(p, "258 abc 05")
	})
	tr := perform(t, srv.URL(), `
vars: {who: "player \"{{ n }}\""}
players:
  one:
    on:
      - json: {type: ping}
        do:
          - set: {count: "{{ json('n') }}"}
          - send: {json: {type: pong, n: "{{ count }}", name: "{{ name }}"}}
    steps:
      - connect
      - send: {json: {op: hello, who: "{{ who }}", n: "{{ n }}", big: 12345678901234567890, deep: {list: [1, true, null, "{{ n }}"]}}}
      - expect: {json: {type: welcome}, save: {token: $.token, id: $.id, name: name}}
      - send: {text: "token={{ token }} id={{ id }}"}
      - expect: {json: {type: ping}}
      - send: {hex: "01 02 ff"}
      - expect: {hex: "05", save: {len: {at: 2, as: u16be}, word: {at: 4, as: text}, first: {length: 1, as: hex}}}
      - send: {text: "{{ len }} {{ word }} {{ first }}"}
      - check: {name: long, that: len > 200 and word == "abc"}
      - check: {name: short, that: "len < 200"}
      - log: "{{ who }} is done: {{ len * 2 }}"
`, 1, nil)
	if got := tr.held[3]; tr.iterations != 1 || tr.ended != 0 || tr.fault != 0 || got != 1 || tr.failed[4] != 1 {
		t.Errorf("got %+v", tr.tally)
	}
	if got, want := tr.logs.messages(), []string{`player \"0\" is done: 516`}; !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}
