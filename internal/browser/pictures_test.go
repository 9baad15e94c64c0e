package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// highest is how much of a page a picture has, in pixels.
const highest = 7000

// TestPictures draws every view, light and dark, wide and narrow. Without -pictures they go nowhere: that a view can be
// drawn is a test by itself.
func TestPictures(t *testing.T) {
	browser := chromium(t)
	for name, address := range views(t) {
		pictured(t, browser, name, address)
	}
	url := served(t, "echo", "--delay", "bimodal:8ms,60ms,5%", "--stall", "300ms/9s")
	r := start(t, "--url", url, "-c", "500", "-d", "2m", "--rate", "40/s", "--msg-rate", "2/s", "--threshold", "p(95)<100ms", "--name", "evening load")
	seconds := 3
	if *pictures {
		seconds = 30 // so that there is something to look at
	}
	b := look(t, browser)
	b.open(r.address)
	b.until("the run has gone on for a while", fmt.Sprintf(`Number(document.querySelector('[data-figure="messages.sent"]').dataset.value) > %d`, 400*seconds))
	pictured(t, browser, "live", r.address)
	b.theme("light")
	if *pictures {
		b.picture("readme-page", 1280, 2050, 70)
	}
}

// pictured draws a view.
func pictured(t *testing.T, browser context.Context, name, address string) {
	t.Helper()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			if !*pictures && (theme == "light" || width == 1280) {
				continue // one of each will do
			}
			b := look(t, browser)
			b.theme(theme)
			b.size(width, 3*tall)
			do(t, b.ctx, chromedp.Navigate(address))
			b.until("the page has drawn", `document.querySelectorAll("canvas").length > 3`)
			height := min(eval[float64](b, `document.documentElement.getBoundingClientRect().height`), highest)
			b.picture(fmt.Sprintf("page-%s-%d-%s", name, width, theme), float64(width), height, 60)
		}
	}
}

// picture draws the upper part of a page.
func (b *tab) picture(name string, width, height float64, quality int64) {
	b.t.Helper()
	// What a chart shows of what came meanwhile is drawn in one of the next frames.
	b.until("frames have been drawn", `new Promise(done => { let n = 5; const step = () => --n ? requestAnimationFrame(step) : done(true); step() })`)
	shot, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: "webp", Quality: &quality, CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: width, Height: height, Scale: 1},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if len(shot.Data) < 10_000 {
		b.t.Errorf("%s: got a picture of %d bytes: there is nothing on it", name, len(shot.Data))
	}
	if *pictures {
		if err := os.WriteFile(filepath.Join("../../docs/img", name+".webp"), shot.Data, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}
