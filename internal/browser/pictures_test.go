package browser

import (
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
	url := served(t, "echo", "--delay", "bimodal:5ms,40ms,5%", "--lose-every", "997")
	r := start(t, "--url", url, "-c", "500", "-d", "1m", "--rate", "50/s", "--msg-rate", "2/s", "--threshold", "p(99)<100ms", "--name", "a live run")
	list := views(t)
	list["live"] = r.address
	for name, address := range list {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390} {
				b := look(t, browser)
				b.theme(theme)
				b.size(width, 3*tall)
				do(t, b.ctx, chromedp.Navigate(address))
				b.until("the page has drawn", `document.querySelectorAll("canvas").length > 3`)
				height := min(eval[float64](b, `document.documentElement.getBoundingClientRect().height`), highest)
				// Twice: what a chart shows of what came meanwhile is drawn in the next frame.
				eval[int](b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1)))) && 1`)
				shot, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
					Format: "webp", Quality: new(int64(70)), CaptureBeyondViewport: new(true),
					Clip: &page.Viewport{Width: float64(width), Height: height, Scale: 1},
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(shot.Data) < 10_000 {
					t.Errorf("%s %s %d: got a picture of %d bytes: there is nothing on it", name, theme, width, len(shot.Data))
				}
				if *pictures {
					path := filepath.Join("../../docs/img", fmt.Sprintf("page-%s-%d-%s.webp", name, width, theme))
					if err := os.WriteFile(path, shot.Data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
