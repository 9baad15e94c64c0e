//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// job is what one client process does.
type job struct {
	Kind        string
	URL         string
	Mode        string // closed: echo round trips, one under way on each connection; idle: only connect
	Connections int
	Seconds     float64
}

// result is what it found.
type result struct {
	Seconds    float64
	CPU        float64 // seconds, user and system, of the measured window
	Trips      uint64
	Mallocs    uint64
	RSS        int64 // bytes
	Goroutines int
	ConnectCPU float64 // seconds
	ConnectSec float64
}

func (r result) perTrip() float64 { return r.CPU * 1e6 / float64(r.Trips) }

// client is a contestant. connect opens n connections, which in closed mode begin at once to send the
// payload and to answer each echo with the next.
type client interface {
	connect(n int) error
	trips() uint64
	close()
}

// kinds are the contestants; the second is the reference.
var kinds = []string{"loadrig", "bare", "gws", "gobwas"}

var makers = map[string]func(j job) (client, error){
	"loadrig": newRig, "bare": newBare, "gws": newGWS, "gobwas": newGobwas,
}

const payloadSize = 64

var payload = make([]byte, payloadSize)

func init() {
	for i := range payload {
		payload[i] = 'a' + byte(i%26)
	}
}

func cpu() float64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, rss int64
	_, _ = fmt.Sscan(string(b), &size, &rss)
	return rss * int64(os.Getpagesize())
}

func runClient(j job) error {
	make, ok := makers[j.Kind]
	if !ok {
		return fmt.Errorf("no contestant %q", j.Kind)
	}
	c, err := make(j)
	if err != nil {
		return err
	}
	var r result
	began, used := time.Now(), cpu()
	if err := c.connect(j.Connections); err != nil {
		return err
	}
	r.ConnectCPU, r.ConnectSec = cpu()-used, time.Since(began).Seconds()
	if j.Mode == "closed" {
		time.Sleep(time.Second) // warm-up
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began, used, trips := time.Now(), cpu(), c.trips()
		time.Sleep(time.Duration(j.Seconds * float64(time.Second)))
		r.Trips, r.CPU, r.Seconds = c.trips()-trips, cpu()-used, time.Since(began).Seconds()
		runtime.ReadMemStats(&after)
		r.Mallocs = after.Mallocs - before.Mallocs
		if r.Trips == 0 {
			return fmt.Errorf("%s made no round trip", j.Kind)
		}
	} else {
		time.Sleep(300 * time.Millisecond)
		runtime.GC()
		runtime.GC()
		debug.FreeOSMemory()
		r.RSS = resident()
	}
	r.Goroutines = runtime.NumGoroutine()
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	c.close()
	return nil
}

// dialer gives the i-th connection of the goroutine clients a source address, so that none runs into the
// limit of ports for one.
func dialer(i int) *net.Dialer {
	return &net.Dialer{
		LocalAddr: &net.TCPAddr{IP: source(i)},
		KeepAlive: -1,
		Control: func(_, _ string, rc syscall.RawConn) error {
			return rc.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
			})
		},
	}
}

func source(i int) net.IP { return net.IPv4(127, 0, 0, byte(2+i/9000)) }

// latencies is the histogram of the goroutine clients: powers of two, shared by all connections.
type latencies [64]atomic.Uint64

func (l *latencies) record(d time.Duration) {
	i := 0
	for d > 1 {
		d >>= 1
		i++
	}
	l[i].Add(1)
}
