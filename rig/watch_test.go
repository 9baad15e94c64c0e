package rig

import (
	"math"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/loadrig/loadrig/internal/wstest"
)

// TestProgress: what is told of a run as it goes on adds up to what its summary says.
func TestProgress(t *testing.T) {
	srv := wstest.Serve(t, func(c net.Conn) { // which says everything twice
		p, err := wstest.Upgrade(c)
		if err != nil {
			return
		}
		for {
			f, err := p.Next()
			if err != nil {
				return
			}
			say := wstest.Frame(f.Header.OpCode, true, f.Payload)
			if _, err := c.Write(say); err != nil || f.Header.OpCode == ws.OpClose {
				return
			}
			if _, err := c.Write(say); err != nil {
				return
			}
		}
	})
	cfg := paced(srv.URL())
	var last Progress
	var asked float64
	var sent uint64
	cfg.Progress = func(p Progress) {
		if p.Asked < 0 || p.Duplicated < last.Duplicated || p.Interval <= 0 || p.Answers > 0 && p.Lag <= 0 && p.P99 <= 0 {
			t.Errorf("got %+v after %+v", p, last)
		}
		asked, sent, last = asked+p.Asked, sent+p.Sent, p
	}
	s, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := 20. * 20 * min(last.Elapsed, cfg.Duration).Seconds(); math.Abs(asked-want) > 1 { // 20 players, each 20 a second
		t.Errorf("got %v messages asked for in %v, want %v", asked, last.Elapsed, want)
	}
	if last.Duplicated == 0 || last.Duplicated > s.Messages.Duplicated || last.Dropped != 0 || last.Corrupted != 0 {
		t.Errorf("got %+v, want duplicates up to the summary's %d, and nothing else", last, s.Messages.Duplicated)
	}
	if sent == 0 || sent > s.Messages.Sent || last.Elapsed > cfg.Duration+time.Minute {
		t.Errorf("got %d sent after %v, want up to %d", sent, last.Elapsed, s.Messages.Sent)
	}
}
