package authctx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func user(name string) Request { return Request{Identity: Identity{UserID: name}} }

// counting gives tokens that live for life and counts how often it was asked.
func counting(life time.Duration, calls *atomic.Int64) sourceFunc {
	return func(_ context.Context, r Request) (Token, error) {
		var expiry time.Time
		if life != 0 {
			expiry = time.Now().Add(life)
		}
		return NewToken(fmt.Sprintf("t-%s-%d", r.Identity.UserID, calls.Add(1)), expiry)
	}
}

func newCache(t testing.TB, s TokenSource, o CacheOptions) *Cache {
	t.Helper()
	c, err := NewCache(s, o)
	return must(t, c, err)
}

func TestCacheRenewal(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name         string
		life, margin time.Duration
		good         time.Duration // the token is still given out then
		renewed      time.Duration // and renewed then
	}{
		{"default margin of 30 s", 300 * s, 0, 269 * s, 270 * s},
		{"own margin", 300 * s, 60 * s, 239 * s, 240 * s},
		{"capped at a quarter: 40 s / 4 = 10 s", 40 * s, 0, 29 * s, 30 * s},
		{"a second: 250 ms", s, 0, 749 * time.Millisecond, 750 * time.Millisecond},
		{"no margin", 300 * s, -1, 299 * s, 300 * s},
		{"never expires", 0, 0, 1000 * time.Hour, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				c := newCache(t, counting(tt.life, &calls), CacheOptions{Margin: tt.margin})
				ask := func(want int64) {
					t.Helper()
					if _, err := c.Token(t.Context(), user("u")); err != nil || calls.Load() != want {
						t.Errorf("got %d calls, %v, want %d", calls.Load(), err, want)
					}
				}
				ask(1)
				advance(tt.good)
				ask(1)
				if tt.renewed >= 0 {
					advance(tt.renewed - tt.good)
					ask(2)
				}
			})
		})
	}
}

func TestCacheSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		inner := counting(time.Minute, &calls)
		c := newCache(t, sourceFunc(func(ctx context.Context, r Request) (Token, error) {
			advance(time.Second)
			return inner(ctx, r)
		}), CacheOptions{})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				if _, err := c.Token(t.Context(), user(fmt.Sprint(i%3))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 3 || c.Len() != 3 || time.Since(start) != time.Second {
			t.Errorf("got %d calls, %d tokens, %s, want 3, 3, 1s", calls.Load(), c.Len(), time.Since(start))
		}
	})
}

func TestCacheSharesAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		boom := errors.New("boom")
		c := newCache(t, sourceFunc(func(context.Context, Request) (Token, error) {
			calls.Add(1)
			advance(time.Second)
			return Token{}, boom
		}), CacheOptions{})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := c.Token(t.Context(), user("u")); err != boom {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if _, err := c.Token(t.Context(), user("u")); err != boom || calls.Load() != 2 || c.Len() != 0 {
			t.Errorf("got %v, %d calls, %d tokens: want the error, 2 calls (errors are not kept), 0", err, calls.Load(), c.Len())
		}
	})
}

// The one who leads gives up; one of those who wait takes over, and the others get its token.
func TestCacheLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		inner := counting(time.Minute, &calls)
		c := newCache(t, sourceFunc(func(ctx context.Context, r Request) (Token, error) {
			select {
			case <-ctx.Done():
				calls.Add(1)
				return Token{}, ctx.Err()
			case <-time.After(10 * time.Second):
				return inner(ctx, r)
			}
		}), CacheOptions{})
		leader, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Token(leader, user("u")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("leader: got %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				if token, err := c.Token(t.Context(), user("u")); err != nil || token.Reveal() != "t-u-2" {
					t.Errorf("got %q, %v", token.Reveal(), err)
				}
			})
		}
		impatient, stop := context.WithTimeout(t.Context(), time.Second/2)
		defer stop()
		wg.Go(func() {
			_, err := c.Token(impatient, user("u"))
			const want = "no token from cache: gave up waiting: context deadline exceeded"
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrNoToken) || err.Error() != want {
				t.Errorf("impatient: got %v, want %s", err, want)
			}
		})
		wg.Wait()
		if calls.Load() != 2 {
			t.Errorf("got %d calls, want 2", calls.Load())
		}
	})
}

func TestCacheSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		inner := counting(time.Minute, &calls)
		c := newCache(t, sourceFunc(func(ctx context.Context, r Request) (Token, error) {
			advance(time.Second)
			if calls.Load() == 0 {
				calls.Add(1)
				panic("a bug in a source")
			}
			return inner(ctx, r)
		}), CacheOptions{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = c.Token(t.Context(), user("u"))
		})
		synctest.Wait()
		wg.Go(func() {
			if token, err := c.Token(t.Context(), user("u")); err != nil || token.Reveal() != "t-u-2" {
				t.Errorf("got %q, %v", token.Reveal(), err)
			}
		})
		wg.Wait()
	})
}

func TestCacheEnded(t *testing.T) {
	var calls atomic.Int64
	c := newCache(t, counting(time.Minute, &calls), CacheOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(ctx, user("u")); !errors.Is(err, context.Canceled) || calls.Load() != 0 {
		t.Errorf("got %v, %d calls", err, calls.Load())
	}
}

func TestCacheRefusesNothing(t *testing.T) {
	c := newCache(t, sourceFunc(func(context.Context, Request) (Token, error) { return Token{}, nil }), CacheOptions{})
	if _, err := c.Token(t.Context(), user("u")); !errors.Is(err, ErrBadToken) || !errors.Is(err, ErrNoToken) {
		t.Errorf("got %v, want ErrBadToken", err)
	}
}

// A token that this machine's clock calls expired goes to the server, which knows better, and is not
// kept.
func TestCacheDoesNotKeepTheExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := newCache(t, counting(-time.Minute, &calls), CacheOptions{})
		for want := range 3 {
			token, err := c.Token(t.Context(), user("u"))
			if err != nil || token.Reveal() != fmt.Sprintf("t-u-%d", want+1) || c.Len() != 0 {
				t.Errorf("got %q, %v, %d kept", token.Reveal(), err, c.Len())
			}
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := newCache(t, counting(time.Hour, &calls), CacheOptions{Capacity: 10})
		for i := range 100 {
			_, err := c.Token(t.Context(), user(fmt.Sprint(i)))
			must(t, 0, err)
		}
		if c.Len() != 10 {
			t.Errorf("got %d, want 10", c.Len())
		}
		if _, err := c.Token(t.Context(), user("90")); err != nil || calls.Load() != 100 {
			t.Errorf("got %d calls, %v: want the youngest ten kept", calls.Load(), err)
		}
		if _, err := c.Token(t.Context(), user("89")); err != nil || calls.Load() != 101 {
			t.Errorf("got %d calls, %v: want the oldest gone", calls.Load(), err)
		}
	})
}

// Players that come and never return leave nothing behind: each insertion removes two of the dead.
func TestCacheSweepsTheExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := newCache(t, counting(time.Minute, &calls), CacheOptions{})
		for i := range 100 {
			_, err := c.Token(t.Context(), user(fmt.Sprint("early", i)))
			must(t, 0, err)
		}
		advance(time.Minute)
		for i := range 50 {
			_, err := c.Token(t.Context(), user(fmt.Sprint("late", i)))
			must(t, 0, err)
		}
		if c.Len() != 50 { // 100 - 2×50 + 50
			t.Errorf("got %d, want 50", c.Len())
		}
	})
}

func TestCacheKeyed(t *testing.T) {
	static, err := NewStatic("same")
	c := newCache(t, must(t, static, err), CacheOptions{})
	for i := range 5 {
		if token, err := c.Token(t.Context(), user(fmt.Sprint(i))); err != nil || token.Reveal() != "same" {
			t.Fatalf("got %v", err)
		}
	}
	if c.Len() != 1 {
		t.Errorf("got %d tokens, want 1: a static source looks at nothing", c.Len())
	}
}

func TestCacheOptions(t *testing.T) {
	const want = "bad option: token cache: source: got nil, want a token source\ntoken cache: capacity: got -1, want 0 or more"
	if _, err := NewCache(nil, CacheOptions{Capacity: -1}); !errors.Is(err, ErrBadOption) || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// Against a model: whatever the order of requests and waits, a token that is given out has not
// reached its margin, belongs to who asked, and the list agrees with the map and the capacity.
func TestCacheProperty(t *testing.T) {
	type step struct {
		wait time.Duration
		who  string
	}
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{time.Duration(rapid.IntRange(0, 60).Draw(t, "wait")) * time.Second, rapid.StringMatching(`[a-h]`).Draw(t, "who")}
	}), 1, 40)
	rapid.Check(t, func(rt *rapid.T) {
		life := time.Duration(rapid.IntRange(1, 120).Draw(rt, "life")) * time.Second
		capacity := rapid.IntRange(1, 6).Draw(rt, "capacity")
		todo := steps.Draw(rt, "steps")
		var flaw string
		synctest.Test(t, func(*testing.T) { // rapid itself cannot run in a bubble
			var calls atomic.Int64
			c, err := NewCache(counting(life, &calls), CacheOptions{Capacity: capacity})
			if err != nil {
				flaw = err.Error()
				return
			}
			for _, s := range todo {
				advance(s.wait)
				if flaw = cacheFlaw(c, s.who, min(DefaultMargin, life/4)); flaw != "" {
					return
				}
			}
		})
		if flaw != "" {
			rt.Fatal(flaw)
		}
	})
}

// cacheFlaw asks for a token and tells what is wrong with it, or with the cache then.
func cacheFlaw(c *Cache, who string, margin time.Duration) string {
	token, err := c.Token(context.Background(), user(who))
	if err != nil || token.Reveal()[2:3] != who {
		return fmt.Sprintf("got %q, %v for %s", token.Reveal(), err, who)
	}
	if left := time.Until(token.Expiry()); left <= margin {
		return fmt.Sprintf("got a token with %s left, want more than %s", left, margin)
	}
	n := 0
	for e := c.oldest; e != nil; e = e.newer {
		if c.entries[e.key] != e || (e.newer == nil) != (e == c.newest) || (e.older == nil) != (e == c.oldest) {
			return "the list and the map disagree"
		}
		n++
	}
	if n != c.Len() || n > c.capacity || len(c.flights) != 0 {
		return fmt.Sprintf("got %d in the list, %d in the map, capacity %d, %d flights", n, c.Len(), c.capacity, len(c.flights))
	}
	return ""
}
