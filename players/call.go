package players

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/loadrig/loadrig/actors"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/scenario"
)

// calls makes the HTTP requests of players, off the shards, in a bounded number of goroutines that end when
// there is nothing to do. The queue is bounded by the number of players, as each waits for its own.
type calls struct {
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	queue   []func()
	running int
	done    sync.WaitGroup
}

const (
	maxCalls  = 64
	maxAnswer = 1 << 20 // bytes of an answer that are read
)

func (c *calls) start() {
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.client = &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxCalls, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
	}}
}

func (c *calls) stop() {
	c.cancel()
	c.done.Wait()
	c.client.CloseIdleConnections()
}

func (c *calls) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, f)
	if c.running < maxCalls {
		c.running++
		c.done.Add(1)
		go c.work()
	}
}

func (c *calls) work() {
	defer c.done.Done()
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.running--
			c.queue = nil
			c.mu.Unlock()
			return
		}
		f := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		f()
	}
}

// answered is what an HTTP request has come to, for the player that waits for it, if it still does.
type answered struct {
	series             int
	ok                 bool
	body               []byte
	intended, sent, at messages.Stamp
}

// call makes an HTTP request.
func (p *Player) call(c *actors.Connection, in *scenario.Instr) bool {
	x, s := in.Arg.(*scenario.HTTP), p.stage
	url := string(s.render(p, x.URL))
	header := make(http.Header)
	for _, h := range x.Headers {
		header.Set(h.Name, string(s.render(p, h.Value)))
	}
	var body []byte
	if x.Body != nil {
		body = bytes.Clone(s.render(p, x.Body))
		if x.JSON && header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/json")
		}
	}
	a := &answered{series: x.Series, intended: p.intended}
	p.extra().call = a
	id, cast := c.ID(), s.cast
	cast.calls.do(func() {
		a.sent = messages.Now()
		a.ok, a.body = cast.calls.fetch(x, url, header, body)
		a.at = messages.Now()
		_ = cast.Signal(id, a) // fails where the run has ended
	})
	return p.wait(forCall, 0)
}

// fetch tells whether the status was one that is wanted, and gives the body.
func (c *calls) fetch(x *scenario.HTTP, url string, header http.Header, body []byte) (ok bool, answer []byte) {
	ctx, cancel := context.WithTimeout(c.ctx, x.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, x.Method, url, bytes.NewReader(body))
	if err != nil {
		return false, nil
	}
	req.Header = header
	resp, err := c.client.Do(req)
	if err != nil {
		return false, nil
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return false, nil
	}
	if len(x.Statuses) > 0 {
		return slices.Contains(x.Statuses, resp.StatusCode), answer
	}
	return resp.StatusCode >= 200 && resp.StatusCode < 300, answer
}

// count counts what an HTTP request has come to, whether or not somebody still waits for it.
func (s *stage) count(a *answered) {
	if a.ok {
		s.series.Request(a.series, a.intended, a.sent, a.at)
	} else {
		s.series.RequestLost(a.series)
	}
}

// called takes what an HTTP request has come to.
func (p *Player) called(c *actors.Connection, a *answered) {
	x, s := p.prog.Code[p.pc].Arg.(*scenario.HTTP), p.stage
	p.own.call = nil
	if !a.ok {
		p.otherwise(c, messages.Now())
		return
	}
	s.save(p, x.Save, a.body)
	p.proceed(c, a.at)
}
