package transport

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// resolver keeps the answers of name lookups for a while, asks once for any number of connections that
// wait for the same name, and hands each of them the addresses starting with another one.
type resolver struct {
	ask  Resolver
	ttl  time.Duration
	jobs *jobs

	mu    sync.Mutex
	names map[string]*resolved
}

type resolved struct {
	addrs   []netip.Addr
	until   time.Time
	asking  bool
	waiting []func([]netip.Addr, error)
	next    uint32 // whose turn it is
}

// maxNames bounds the cache; a run that dials more names than this only loses the caching.
const maxNames = 4096

// lookupTimeout bounds one lookup, which many connections may wait for; each of them also has its own
// limit, Options.DialTimeout.
const lookupTimeout = 30 * time.Second

var errNoAddress = errors.New("the name has no address")

// lookup gives the addresses of host at once where they are known (ok), else calls answer later, from
// another goroutine. Failures are not kept.
func (r *resolver) lookup(host string, answer func([]netip.Addr, error)) (addrs []netip.Addr, ok bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.names[host]
	if e == nil {
		if len(r.names) >= maxNames {
			clear(r.names)
		}
		e = new(resolved)
		r.names[host] = e
	}
	if len(e.addrs) > 0 && time.Now().Before(e.until) {
		return e.turn(), true
	}
	e.waiting = append(e.waiting, answer)
	if !e.asking {
		e.asking = true
		r.jobs.do(func() { r.fetch(host, e) })
	}
	return nil, false
}

// turn gives the addresses rotated by one more than the last time.
func (e *resolved) turn() []netip.Addr {
	n := len(e.addrs)
	if n == 1 {
		return e.addrs
	}
	at := int(e.next) % n
	e.next++
	return append(append(make([]netip.Addr, 0, n), e.addrs[at:]...), e.addrs[:at]...)
}

func (r *resolver) fetch(host string, e *resolved) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := r.ask.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	addrs = slices.Clone(addrs) // the Resolver may keep or share what it gave
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	r.mu.Lock()
	e.addrs, e.asking = addrs, false
	e.until = time.Now().Add(r.ttl)
	waiting := e.waiting
	e.waiting = nil
	answers := make([][]netip.Addr, len(waiting))
	for i := range waiting {
		if err == nil {
			answers[i] = e.turn()
		}
	}
	r.mu.Unlock()
	for i, answer := range waiting {
		answer(answers[i], err)
	}
}
