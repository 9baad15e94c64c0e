package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestReport: what the report of a run with faults says is what its summary says, and it needs nothing but itself.
func TestReport(t *testing.T) {
	browser := chromium(t)
	run := faulty(t)
	b := look(t, browser)
	b.open(run.page())
	if n := b.figures(run.summary); n < 60 {
		t.Errorf("got %d figures on the page, want those of the summary", n)
	}
	for _, path := range []string{
		"connections.opened", "messages.received", "handshake_seconds.p99", "scenario.deliveries.0.lost", "scenario.deliveries.0.duplicate",
		"scenario.deliveries.0.late", "scenario.deliveries.0.corrupt", "scenario.deliveries.0.latency_seconds.p99", "scenario.requests.0.response_seconds.p99",
		"scenario.populations.1.started", "scenario.checks.0.held", "thresholds.0.value", "schedule_lag_seconds.p99", "rig.cpu_seconds",
		"disconnects.0.count",
	} {
		if !eval[bool](b, `document.querySelector('[data-figure="`+path+`"]') != null`) {
			t.Errorf("the page does not show %s", path)
		}
	}
	if got := eval[int](b, `document.querySelectorAll("s, u").length`); got != 0 {
		t.Error("a name has become HTML")
	}
	if text := eval[string](b, `document.body.innerText`); !strings.Contains(text, "<s>a name</s>") {
		t.Error("the page does not show the name of the run as it is")
	}
	// Whose figures a chart shows is in its title, as not all of them follow the switch.
	name := eval[string](b, `(() => { const of = document.getElementById("of"); of.value = of.options[1].value; of.dispatchEvent(new Event("change")); return of.options[1].text })()`)
	b.until("the title says whose figures these are", `document.querySelector("#c-response h3").innerText === "Response over time of `+name+`" && document.querySelector("#c-messages h3").innerText === "Message rate"`)
	b.quiet(run.page())
}

// TestReportOfTraffic: of a run without a scenario too.
func TestReportOfTraffic(t *testing.T) {
	browser := chromium(t)
	run := plain(t)
	b := look(t, browser)
	page := run.page()
	b.open(page)
	b.figures(run.summary)
	for _, path := range []string{"messages.corrupted", "messages.duplicated", "rig.unanswered", "response_seconds.p99", "round_trip_seconds.p50", "kernel_round_trip_seconds.p99", "thresholds.1.value"} {
		if !eval[bool](b, `document.querySelector('[data-figure="`+path+`"]') != null`) {
			t.Errorf("the page does not show %s", path)
		}
	}
	b.quiet(page)
	// Not of the moment in which connections were closed, when nobody is connected any more.
	b.until("charts tell the last interval of the load", `/connected\s*200\b/.test(document.querySelector("#c-states .legend").innerText)`)
	t.Run("data behind charts", func(t *testing.T) { b.tables(t) })
	t.Run("a moment", func(t *testing.T) {
		b := look(t, browser)
		b.open(page + "#t=2,4")
		b.until("the page shows the moment", `/t=2(\.\d+)?,4(\.\d+)?/.test(location.hash)`)
		b.quiet(page)
	})
}

// tables opens the data behind each chart: there is a table with a name for each, that has as many cells as heads.
func (b *tab) tables(t *testing.T) {
	t.Helper()
	type table struct {
		Section string `json:"section"`
		Heads   int    `json:"heads"`
		Rows    int    `json:"rows"`
		Ragged  int    `json:"ragged"`
	}
	eval[int](b, `(() => { const all = [...document.querySelectorAll("details")]; all.forEach(d => d.open = true); return all.length })()`)
	b.until("tables are there", `[...document.querySelectorAll("figure:not([hidden]) details")].every(d => d.querySelector("table"))`)
	list := eval[[]table](b, `[...document.querySelectorAll("figure:not([hidden]) details table")].map(e => {
		const heads = e.tHead ? e.tHead.rows[0].cells.length : 0, rows = [...e.tBodies[0].rows];
		return {section: e.closest("section, figure")?.id ?? "", heads, rows: rows.length, ragged: rows.filter(r => r.cells.length !== heads).length};
	})`)
	if len(list) < 5 {
		t.Errorf("got %d tables behind charts", len(list))
	}
	for _, c := range list {
		if c.Heads < 2 || c.Rows < 1 || c.Ragged > 0 {
			t.Errorf("%s: got %d heads, %d rows, %d of them with another number of cells", c.Section, c.Heads, c.Rows, c.Ragged)
		}
	}
}

// TestComparison: both runs are there, and what differs is marked.
func TestComparison(t *testing.T) {
	browser := chromium(t)
	page := different(t)
	b := look(t, browser)
	do(t, b.ctx, chromedp.Navigate(page))
	b.until("the page has drawn", `document.querySelectorAll("canvas").length > 3`)
	shown := eval[string](b, `document.body.innerText`)
	for _, want := range []string{"slower", "p50", "response"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	b.quiet(page)
}

// TestDamaged: a run that was cut off, with a gap and torn lines, is shown as far as it goes, and says so.
func TestDamaged(t *testing.T) {
	browser := chromium(t)
	dir := copied(t, plain(t))
	intervals := filepath.Join(dir, "intervals.jsonl")
	lines := strings.SplitAfter(read(t, intervals), "\n")
	damaged := strings.Join(lines[:2], "") + strings.Join(lines[4:5], "") + "{\"seq\": tor\n" + lines[5][:len(lines[5])/2]
	if err := os.WriteFile(intervals, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "summary.json")); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "damaged.html")
	loadrig(t, dir, []string{"report", dir, "--html", page}, 0)
	b := look(t, browser)
	b.open(fileURL(page))
	if text := eval[string](b, `document.body.innerText`); !strings.Contains(text, "intervals that are missing: 2") {
		t.Errorf("the page does not say that intervals are missing:\n%.1000s", text)
	}
	b.quiet(fileURL(page))

	t.Run("empty", func(t *testing.T) {
		for _, name := range []string{"intervals.jsonl", "events.jsonl"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		page := filepath.Join(dir, "empty.html")
		loadrig(t, dir, []string{"report", dir, "--html", page}, 0)
		b := look(t, browser)
		do(t, b.ctx, chromedp.Navigate(fileURL(page)))
		b.until("the page says that nothing was recorded", `/nothing was recorded|no interval/i.test(document.body.innerText)`)
		b.quiet(fileURL(page))
	})
}

// TestWithoutScripts: a report without scripts still has the summary.
func TestWithoutScripts(t *testing.T) {
	browser := chromium(t)
	dir := copied(t, plain(t))
	source := read(t, filepath.Join(dir, "report.html"))
	before, after, ok := strings.Cut(source, `<script type="module">`)
	if !ok {
		t.Fatal("got no module in the report")
	}
	_, after, _ = strings.Cut(after, "</script>")
	page := filepath.Join(dir, "without.html")
	if err := os.WriteFile(page, []byte(before+after), 0o600); err != nil {
		t.Fatal(err)
	}
	b := look(t, browser)
	do(t, b.ctx, chromedp.Navigate(fileURL(page)))
	if text := eval[string](b, `document.body.innerText`); !strings.Contains(text, "round trip") || !strings.Contains(text, "at the end") {
		t.Errorf("got\n%s", text)
	}
}
