package authctx

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Defaults of CacheOptions.
const (
	DefaultMargin   = 30 * time.Second
	DefaultCapacity = 1 << 18

	// marginShare caps the margin at that part of a token's lifetime: with a margin longer than the
	// lifetime no token would ever be reused.
	marginShare = 4
)

// CacheOptions tunes a Cache. The zero value is fit for use.
type CacheOptions struct {
	// Margin is how long before its expiry a token is renewed. 0 means DefaultMargin, negative means
	// none. It is capped at a quarter of the token's lifetime.
	Margin time.Duration
	// Capacity is the number of tokens held; beyond it the oldest goes. 0 means DefaultCapacity;
	// negative is refused. A token of 700 bytes takes about 1.3 KiB.
	Capacity int
}

// Cache keeps the tokens of another source, one for each request (or for each CacheKey, where the
// source is Keyed). Callers that ask for the same token at the same time wait for one call of the
// source. A token is renewed by the first call that finds less than the margin left, never on its
// own; if the source then fails, the call fails, though the old token had a little left: a rig that
// hid the fault would measure something else. Cache is safe for concurrent use.
type Cache struct {
	// Static after construction.
	source   TokenSource
	margin   time.Duration
	capacity int

	// Guarded by mu.
	mu      sync.Mutex
	entries map[Request]*entry
	flights map[Request]*flight
	oldest  *entry // ends of the list in order of insertion
	newest  *entry
}

// entry is one token. Tokens of one source live about equally long, so the order of insertion is the
// order of expiry, and what expired sits at the old end.
type entry struct {
	key          Request
	token        Token
	renewAt      time.Time // zero: never
	older, newer *entry
}

// flight is one call of the source that others may wait for. token, err and abandoned are written
// before done is closed and read after.
type flight struct {
	done      chan struct{}
	token     Token
	err       error
	abandoned bool // the caller gave up, or panicked: says nothing about the source
}

// NewCache puts a cache before a source.
func NewCache(source TokenSource, o CacheOptions) (*Cache, error) {
	bad := optionErrors{what: "token cache"}
	if source == nil {
		bad.add("source: got nil, want a token source")
	}
	if o.Capacity < 0 {
		bad.add("capacity: got %d, want 0 or more", o.Capacity)
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	if o.Capacity == 0 {
		o.Capacity = DefaultCapacity
	}
	return &Cache{
		source:   source,
		margin:   max(0, o.Margin),
		capacity: o.Capacity,
		entries:  make(map[Request]*entry),
		flights:  make(map[Request]*flight),
	}, nil
}

// Len gives the number of tokens held.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// CacheKey implements Keyed, as the source does.
func (c *Cache) CacheKey(req Request) Request {
	if k, ok := c.source.(Keyed); ok {
		return k.CacheKey(req)
	}
	return req
}

func (c *Cache) needs(req Request) idSet {
	if n, ok := c.source.(needy); ok {
		return n.needs(req)
	}
	return 0
}

// Format prints a name, whatever the verb.
func (c *Cache) Format(f fmt.State, _ rune) { writeName(f, "token cache") }

// Token implements TokenSource. A caller whose ctx ends while another one's call is under way leaves
// alone; if it was its own call, one of those who wait takes over.
func (c *Cache) Token(ctx context.Context, req Request) (Token, error) {
	key := c.CacheKey(req)
	for {
		if err := ctx.Err(); err != nil {
			return Token{}, waitError(err)
		}
		token, ok, f, mine := c.lookUp(key)
		if ok {
			return token, nil
		}
		if mine {
			return c.lead(ctx, key, req, f)
		}
		select {
		case <-f.done:
			if !f.abandoned {
				return f.token, f.err
			}
		case <-ctx.Done():
			return Token{}, waitError(ctx.Err())
		}
	}
}

// lookUp gives a token that is fresh, or the flight to wait for, or a flight of one's own to lead.
func (c *Cache) lookUp(key Request) (token Token, ok bool, f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil && (e.renewAt.IsZero() || time.Now().Before(e.renewAt)) {
		return e.token, true, nil, false
	}
	if f := c.flights[key]; f != nil {
		return Token{}, false, f, false
	}
	f = &flight{done: make(chan struct{}), abandoned: true}
	c.flights[key] = f
	return Token{}, false, f, true
}

// lead calls the source on the caller's own goroutine.
func (c *Cache) lead(ctx context.Context, key, req Request, f *flight) (Token, error) {
	start := time.Now()
	defer func() { // also after a panic of the source, or those who wait would wait for ever
		c.mu.Lock()
		delete(c.flights, key)
		if f.err == nil && !f.abandoned {
			c.store(key, f.token, start)
		}
		c.mu.Unlock()
		close(f.done)
	}()
	token, err := c.source.Token(ctx, req)
	if err == nil && token.IsZero() {
		err = &TokenError{Source: fmt.Sprintf("%T", c.source), Err: fmt.Errorf("%w: got nothing", ErrBadToken)}
	}
	f.token, f.err = token, err
	f.abandoned = err != nil && ctx.Err() != nil
	return token, err
}

// store keeps a token that was asked for at start, which is the safe side of when it was issued. A
// token that is already expired by this machine's clock is not kept: whether it is good is for the
// server to say. Callers hold mu.
func (c *Cache) store(key Request, token Token, start time.Time) {
	var renewAt time.Time
	if expiry := token.Expiry(); !expiry.IsZero() {
		lifetime := expiry.Sub(start)
		if lifetime <= 0 {
			c.remove(c.entries[key])
			return
		}
		renewAt = expiry.Add(-min(c.margin, lifetime/marginShare))
	}
	c.remove(c.entries[key])
	c.sweep(time.Now())
	if len(c.entries) >= c.capacity {
		c.remove(c.oldest)
	}
	c.insert(&entry{key: key, token: token, renewAt: renewAt})
}

// sweep removes what needs renewal anyway from the old end; two for each insertion, so that no call
// pays for all and the dead never outgrow the living for long.
func (c *Cache) sweep(now time.Time) {
	for range 2 {
		if e := c.oldest; e == nil || e.renewAt.IsZero() || now.Before(e.renewAt) {
			return
		}
		c.remove(c.oldest)
	}
}

func (c *Cache) insert(e *entry) {
	c.entries[e.key] = e
	e.older = c.newest
	if c.newest != nil {
		c.newest.newer = e
	} else {
		c.oldest = e
	}
	c.newest = e
}

func (c *Cache) remove(e *entry) {
	if e == nil {
		return
	}
	delete(c.entries, e.key)
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		c.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
}

// waitError names the wait that ctx ended.
func waitError(err error) error {
	return &TokenError{Source: "cache", Err: fmt.Errorf("gave up waiting: %w", err)}
}
