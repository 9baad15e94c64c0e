package realservers

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadrig/loadrig/compare"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/timeline"
	"github.com/loadrig/loadrig/web"
)

// drawn is what a page has of a run.
type drawn struct {
	Summary report.Summary
	Columns []string
	Data    [][]*float64
}

// total adds up a column.
func (d *drawn) total(t *testing.T, key string) (n float64) {
	t.Helper()
	i := slices.Index(d.Columns, key)
	if i < 0 {
		t.Fatalf("got no column %s", key)
	}
	for _, v := range d.Data[i] {
		if v != nil {
			n += *v
		}
	}
	return n
}

// dataOf gives what a page that was written has in it.
func dataOf(t *testing.T, page []byte) (runs []drawn) {
	t.Helper()
	_, rest, ok := strings.Cut(string(page), `data-encoding="gzip+base64">`)
	packed, _, _ := strings.Cut(rest, "</script>")
	if !ok {
		t.Fatal("got a page without data")
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Runs []drawn }
	if err := json.NewDecoder(z).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d.Runs
}

// TestDrawn: reports of runs against Node's ws, straight and through nginx, and their comparison, show what the server
// counted.
func TestDrawn(t *testing.T) {
	const n = 300
	var (
		courses [2]*timeline.Timeline
		sides   [2]*compare.Side
		sums    [2]*report.Summary
	)
	for i, through := range []bool{false, true} {
		srv := node(t)
		addr := srv.addr
		if through {
			addr, _ = nginx(t, srv, false, "")
		}
		courses[i], sides[i] = timeline.New(), compare.NewSide()
		s, err := rig.Run(t.Context(), rig.Config{
			URL: "ws://" + addr + "/", Connections: n, Duration: 5 * time.Second, Traffic: players.Paced, MessageRate: 5, Size: 64,
			MaxLag: time.Minute, Interval: 500 * time.Millisecond, Sinks: []report.Sink{courses[i], sides[i]},
		})
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = s
		var page bytes.Buffer
		if err := web.WriteReport(&page, courses[i].Run()); err != nil {
			t.Fatal(err)
		}
		d, saw := dataOf(t, page.Bytes())[0], srv.stop()
		for what, pair := range map[string][2]float64{
			"opened":   {d.total(t, "opened"), float64(saw.Connections)},
			"sent":     {d.total(t, "sent"), float64(saw.Received)},
			"received": {d.total(t, "received"), float64(saw.Sent)},
			"answers":  {d.total(t, "time:response:n"), float64(saw.Sent)},
			"summary":  {float64(d.Summary.Messages.Sent), float64(saw.Received)},
		} {
			if pair[0] != pair[1] {
				t.Errorf("through nginx %t: %s: the page has %v, the server %v", through, what, pair[0], pair[1])
			}
		}
	}
	var page bytes.Buffer
	if err := web.WriteComparison(&page, courses[0].Run(), courses[1].Run(), compare.Runs(sides[0], sides[1], compare.Options{})); err != nil {
		t.Fatal(err)
	}
	for i, d := range dataOf(t, page.Bytes()) {
		if got, want := d.total(t, "time:response:n"), float64(sums[i].Response.Count); got != want || math.Abs(d.Summary.Response.P99-sums[i].Response.P99) > 0 {
			t.Errorf("run %d of the comparison: got %v answers with p99 %v, want %v with %v", i, got, d.Summary.Response.P99, want, sums[i].Response.P99)
		}
	}
}
