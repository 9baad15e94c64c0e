package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// violation is something that axe-core finds wrong.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// TestAxe: axe-core finds nothing wrong with any view, light or dark, wide or narrow, with all data opened.
func TestAxe(t *testing.T) {
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		need(t, "npm's axe-core", "cd internal/browser && npm ci")
	}
	browser := chromium(t)
	for name, page := range views(t) {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390} {
				t.Run(fmt.Sprintf("%s %s %d", name, theme, width), func(t *testing.T) {
					b := look(t, browser)
					b.theme(theme)
					b.size(width, 4*tall)
					do(t, b.ctx, chromedp.Navigate(page))
					b.until("the page has drawn", `document.querySelectorAll("canvas").length > 3`)
					eval[int](b, `(() => { const all = [...document.querySelectorAll("details")]; all.forEach(d => d.open = true); return all.length })()`)
					b.until("tables are there", `[...document.querySelectorAll("figure:not([hidden]) details")].every(d => d.querySelector("table"))`)
					b.wide(width)
					// Through the debugger, which the page's policy does not bind.
					eval[bool](b, string(source)+";true")
					found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]violation](
						`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations)`, chromedp.EvalAwaitPromise))
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range found {
						var where []string
						for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
							where = append(where, fmt.Sprintf("%.300s\n%s", n.HTML, n.Summary))
						}
						t.Errorf("%s: %s (%d times)\n%s", v.ID, v.Help, len(v.Nodes), strings.Join(where, "\n"))
					}
					t.Logf("axe-core: %d violations", len(found))
				})
			}
		}
	}
}

// views gives the addresses of pages of each kind.
func views(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"scenario": faulty(t).page(), "traffic": plain(t).page(), "compare": different(t)}
}

// wide checks that nothing makes the page wider than the window.
func (b *tab) wide(width int64) {
	b.t.Helper()
	if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
		b.t.Errorf("the page is %d wide in a window of %d", got, width)
	}
}
