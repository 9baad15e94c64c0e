package transport

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// Pings go out on their schedule, and each pong is timed from its own ping, also one that comes after
// further pings; one that was made up, or comes again, is not.
func TestKeepAlive(t *testing.T) {
	const every, delay = 10 * time.Second, 25 * time.Second
	synctest.Test(t, func(t *testing.T) {
		type ping struct {
			at      time.Time
			payload []byte
		}
		pings := make(chan ping, 100)
		server := func(c net.Conn) {
			p, err := wstest.Upgrade(c)
			if err != nil {
				return
			}
			for {
				f, err := p.Next()
				if err != nil {
					return
				}
				if f.Header.OpCode == ws.OpPing {
					pings <- ping{time.Now(), f.Payload}
				}
			}
		}
		b := newLab(t, Options{Dial: wstest.Pipes(t, server), PingInterval: every, IdleTimeout: -1})
		p := b.open("ws://game.example/")
		opened := time.Now()
		time.Sleep(35 * time.Second)
		var times []time.Time
		var payloads [][]byte
		for len(pings) > 0 {
			p := <-pings
			times, payloads = append(times, p.at), append(payloads, p.payload)
		}
		if n := len(times); n != 3 && n != 4 { // of the first interval at a random place, and three more
			t.Fatalf("got %d pings in 35 s, want 3 or 4", n)
		}
		if first := times[0].Sub(opened); first <= 0 || first > every+wheelTick {
			t.Errorf("the first ping came after %v, want 0 to %v", first, every)
		}
		for i := 1; i < len(times); i++ {
			if d := times[i].Sub(times[i-1]); d < every-wheelTick || d > every+wheelTick {
				t.Errorf("ping %d came %v after the last, want %v", i, d, every)
			}
		}
		// The answers come late, the second before the first.
		time.Sleep(time.Until(times[1].Add(delay)))
		for _, c := range []struct {
			what    string
			payload []byte
			want    time.Duration
		}{
			{"made up", make([]byte, pingSize), 0},
			{"of the second ping", payloads[1], delay},
			{"of the second ping again", payloads[1], 0},
			{"of the first ping, too late", payloads[0], 0},
			{"short", payloads[2][:15], 0},
			{"altered", append([]byte{payloads[2][0] ^ 1}, payloads[2][1:]...), 0},
			{"of the third ping", payloads[2], delay - every},
		} {
			var got time.Duration
			p.do(func() {
				p.loop.now = messages.Now()
				got = p.conn.pongTime(c.payload)
			})
			if got < c.want || got > c.want+2*wheelTick {
				t.Errorf("a pong %s: got %v, want %v", c.what, got, c.want)
			}
		}
		b.stop()
	})
}

// A machine that slept does not make up for the pings it missed, and keeps to the schedule.
func TestKeepAliveAfterSleep(t *testing.T) {
	l := still(t, Options{PingInterval: time.Second})
	s := &sink{limit: -1}
	c := openOn(l, new(recorder), s)
	c.startPings()
	due := c.ka.due
	c.pingDue(due.Add(60*time.Second + time.Millisecond))
	if got := l.traffic.Sent[messages.OpPing]; got != 1 {
		t.Errorf("got %d pings, want 1", got)
	}
	if got, want := c.ka.due, due.Add(61*time.Second); got != want {
		t.Errorf("the next is due %v later, want 61s", got.Sub(due))
	}
	if n := testing.AllocsPerRun(100, func() { c.pingDue(c.ka.due) }); n != 0 {
		t.Errorf("got %v allocations a ping, want 0", n)
	}
	var pong [pingSize]byte
	if n := testing.AllocsPerRun(100, func() { c.pongTime(pong[:]) }); n != 0 {
		t.Errorf("got %v allocations a pong, want 0", n)
	}
	c.Abort(messages.CauseLocal, nil)
}

// A real echo server answers, on both engines, and the handler is told.
func TestKeepAliveAnswered(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		srv := wstest.Serve(t, wstest.Echo)
		b := newLab(t, Options{Engine: e, PingInterval: 5 * time.Millisecond})
		p := b.player()
		timed := make(chan time.Duration, 1000)
		p.onMessage = func(_ *Conn, m *messages.Message) {
			if m.Op == messages.OpPong {
				select {
				case timed <- m.RoundTrip:
				default:
				}
			}
		}
		p.dial(&messages.Connect{URL: srv.URL()}).awaitOpened()
		for range 5 {
			if d := await(t, timed, "a pong"); d <= 0 {
				t.Errorf("a pong took %v", d)
			}
		}
		p.do(func() { p.conn.Close(1000, "") })
		p.awaitClosed()
	})
}
