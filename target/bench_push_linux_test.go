package target

import (
	"fmt"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/internal/epoll"
)

// crowd is a driver whose connections have all asked for something and been answered.
func crowd(b *testing.B, c child, conns int, command string) *driver {
	b.Helper()
	d := newDriver(b, c.addr, conns, 1)
	for _, fd := range d.fds {
		if _, err := epoll.Write(fd, cf(ws.OpText, true, command)); err != nil {
			b.Fatal(err)
		}
	}
	return d
}

// wait gives how many events there are, and fails if there are none for long.
func (d *driver) wait(b *testing.B) int {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if k := d.poll.Wait(patience); k > 0 { // 0 also when interrupted
			return k
		}
	}
	b.Fatal("nothing came")
	return 0
}

// take reads until n bytes have come, on whatever connections.
func (d *driver) take(b *testing.B, n int) {
	for n > 0 {
		for i := range d.wait(b) {
			ev, _ := d.poll.Event(i)
			m, err := epoll.Read(ev.FD, d.in)
			if err != nil || m == 0 {
				b.Fatalf("read: %d, %v", m, err)
			}
			n -= m
		}
	}
}

// BenchmarkBroadcast measures what it costs the server, one loop in a process of its own, to say something to
// a room. An operation is one message of 64 bytes to all members, the speaker included; burst is how many are
// said before any is read. server-us/delivery is the CPU time of the server's process for each copy.
//
//	go test -run '^$' -bench Broadcast -benchtime 2s ./target
func BenchmarkBroadcast(b *testing.B) {
	for _, c := range []struct{ members, burst int }{{1000, 1}, {1000, 16}, {10_000, 1}} {
		b.Run(fmt.Sprintf("members=%d/burst=%d", c.members, c.burst), func(b *testing.B) {
			child := startChildOf(b, Room)
			d := crowd(b, child, c.members, `{"op":"join","room":"r"}`)
			joined := 0
			for i := range c.members {
				joined += len(sf(ws.OpText, fmt.Sprintf(`{"op":"joined","room":"r","members":%d}`, i+1)))
			}
			d.take(b, joined)
			said := `{"op":"say","room":"r","text":"` + big(64-33) + `"}`
			frame, heard := cf(ws.OpText, true, said), len(sf(ws.OpText, said))
			before := child.cpu(b)
			b.ResetTimer()
			for sent := 0; sent < b.N; {
				n := min(c.burst, b.N-sent)
				for range n {
					if _, err := epoll.Write(d.fds[sent%c.members], frame); err != nil {
						b.Fatal(err)
					}
					sent++
				}
				d.take(b, n*c.members*heard)
			}
			b.StopTimer()
			b.ReportMetric(float64((child.cpu(b)-before).Microseconds())/float64(b.N*c.members), "server-us/delivery")
			b.ReportMetric(float64(b.N*c.members)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkTick measures what a tick costs, at the default rate. An operation is one tick to all players, so
// the time for one says nothing; server-us/delivery is the CPU time of the server's process for each copy.
//
//	go test -run '^$' -bench Tick -benchtime 100x ./target
func BenchmarkTick(b *testing.B) {
	for _, players := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("players=%d", players), func(b *testing.B) {
			child := startChildOf(b, Tick)
			d := crowd(b, child, players, `{"op":"enter"}`)
			watch := d.fds[0]
			ticks := func(n int) { // as the first player counts them
				for n > 0 {
					for i := range d.wait(b) {
						ev, _ := d.poll.Event(i)
						m, err := epoll.Read(ev.FD, d.in)
						if err != nil || m == 0 {
							b.Fatalf("read: %d, %v", m, err)
						}
						if ev.FD != watch {
							continue
						}
						for _, text := range texts(b, d.in[:m]) {
							if gjson.Get(text, "op").Str == "tick" {
								n--
							}
						}
					}
				}
			}
			ticks(2)
			before := child.cpu(b)
			b.ResetTimer()
			ticks(b.N)
			b.StopTimer()
			b.ReportMetric(float64((child.cpu(b)-before).Microseconds())/float64(b.N*players), "server-us/delivery")
		})
	}
}
