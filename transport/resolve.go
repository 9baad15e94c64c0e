package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// resolver keeps the answers of name lookups for a while, asks once for any number of connections that
// wait for the same name, and hands each of them the addresses in an order of its own.
type resolver struct {
	ask    Resolver
	ttl    time.Duration
	pick   Selection
	policy Policy
	jobs   *jobs

	mu    sync.Mutex
	names map[string]*resolved
}

type resolved struct {
	addrs   []netip.Addr
	front   int // addrs[:front] are picked from; the others follow
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
		return []netip.Addr{ip.Unmap()}, true
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
		return e.turn(r.pick), true
	}
	e.waiting = append(e.waiting, answer)
	if !e.asking {
		e.asking = true
		r.jobs.do(func() { r.fetch(host, e) })
	}
	return nil, false
}

// turn gives the addresses in the order in which one connection tries them.
func (e *resolved) turn(pick Selection) []netip.Addr {
	at := 0
	switch {
	case e.front == 1:
	case pick == SelectRoundRobin:
		at = int(e.next) % e.front
		e.next++
	case pick == SelectRandom:
		at = rand.IntN(e.front)
	}
	if at == 0 {
		return e.addrs // which nobody changes
	}
	return slices.Concat(e.addrs[at:e.front], e.addrs[:at], e.addrs[e.front:])
}

func (r *resolver) fetch(host string, e *resolved) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := r.ask.LookupNetIP(ctx, r.policy.network(), host)
	addrs = slices.Clone(addrs) // the Resolver may keep or share what it gave
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	addrs, front := r.policy.apply(addrs)
	if err == nil && len(addrs) == 0 {
		if err = errNoAddress; r.policy != PolicyAny {
			err = fmt.Errorf("%w that %s allows", err, r.policy)
		}
	}
	r.mu.Lock()
	e.addrs, e.front, e.asking = addrs, front, false
	e.until = time.Now().Add(r.ttl)
	waiting := e.waiting
	e.waiting = nil
	answers := make([][]netip.Addr, len(waiting))
	for i := range waiting {
		if err == nil {
			answers[i] = e.turn(r.pick)
		}
	}
	r.mu.Unlock()
	for i, answer := range waiting {
		answer(answers[i], err)
	}
}
