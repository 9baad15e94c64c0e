package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/tidwall/gjson"
)

var pictures = flag.Bool("pictures", false, "make the pictures in docs/img anew")

// program is the path of loadrig, which is built once.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "loadrig-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "loadrig")
	code := 1
	// GOFLAGS may have the race detector on: that is for the tests themselves.
	build := exec.Command("go", "build", "-o", program, "../../cmd/loadrig")
	build.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build loadrig: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// need skips the test because something is not installed, which in CI is a failure.
func need(t *testing.T, what, remedy string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and must be in CI: %s", what, remedy)
	}
	t.Skipf("SKIPPED: %s is not installed: %s", what, remedy)
}

// loadrig runs a command line in dir, and gives its stdout. The exit code must be one of want.
func loadrig(t *testing.T, dir string, args []string, want ...int) string {
	t.Helper()
	out, talk, code := try(t, dir, args)
	for _, w := range want {
		if code == w {
			return out
		}
	}
	t.Fatalf("loadrig %s: got exit code %d, want one of %v\n%s\n%s", strings.Join(args, " "), code, want, out, talk)
	return ""
}

func try(t *testing.T, dir string, args []string) (out, talk string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// tab is a page in Chromium.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// Guarded by mu.
	complaints []string // of the console, and of the policy
	requests   []string
}

// chromium starts a browser, which ends with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		need(t, "chromium", "apt-get install chromium")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Headless,
		chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-pings", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	do(t, ctx, chromedp.Navigate("about:blank"))
	return ctx
}

// look opens a tab.
func look(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(t, ctx, log.Enable, cdp.Empty{})
	call(t, ctx, network.Enable, network.EnableParams{})
	call(t, ctx, runtime.Enable, cdp.Empty{})
	b.size(1280, tall)
	return b
}

// tall is a window in which all of a page can be seen: what is out of sight is not drawn.
const tall = 12_000

func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console %s: %+v", e.Type, e.Args))
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// heard gives what was complained of, and asked for.
func (b *tab) heard() (complaints, requests []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complaints, b.requests
}

// quiet checks that the page complained of nothing and asked nobody else.
func (b *tab) quiet(home string) {
	b.t.Helper()
	complaints, requests := b.heard()
	for _, c := range complaints {
		b.t.Errorf("the page complains: %s", c)
	}
	for _, r := range requests {
		if !strings.HasPrefix(r, home) && !strings.HasPrefix(r, "data:") && r != "about:blank" {
			b.t.Errorf("the page asks %s, want none but %s", r, home)
		}
	}
}

// open goes to an address, and waits until the page has drawn.
func (b *tab) open(address string) {
	b.t.Helper()
	do(b.t, b.ctx, chromedp.Navigate(address))
	b.until("the page has drawn", drawn)
}

// drawn is true of a page that shows a run.
const drawn = `document.querySelectorAll("[data-figure]").length > 0`

// until waits for what an expression says.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(30*time.Second), chromedp.WithPollingInterval(50*time.Millisecond))); err != nil {
		complaints, _ := b.heard()
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 2000)`))
		b.t.Fatalf("waited for: %s: %v\n%s\n%s", what, err, strings.Join(complaints, "\n"), text)
	}
}

// size sets the window, and theme the colors that the user prefers.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	do(b.t, b.ctx, chromedp.EmulateViewport(width, height))
}

func (b *tab) theme(name string) {
	b.t.Helper()
	call(b.t, b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// before has a script run in the page before its own.
func (b *tab) before(script string) {
	b.t.Helper()
	call(b.t, b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// fileURL gives the address of a file.
func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// figure is a value of the summary that the page shows.
type figure struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
	Text  string          `json:"text"`
	Run   string          `json:"run"`
}

// figures compares all that the page shows with the summary, and gives how many there are.
func (b *tab) figures(summary string) int {
	b.t.Helper()
	shown := eval[[]figure](b, `[...document.querySelectorAll("[data-figure]")].map(e => ({path: e.dataset.figure, value: JSON.parse(e.dataset.value ?? "null"), text: e.textContent}))`)
	for _, f := range shown {
		want := gjson.Get(summary, f.Path)
		var got any
		if err := json.Unmarshal(f.Value, &got); err != nil {
			b.t.Errorf("%s: %v", f.Path, err)
		}
		switch {
		case !want.Exists() && got == nil:
		case !want.Exists():
			b.t.Errorf("%s: the page shows %v (%q), and the summary has none", f.Path, got, f.Text)
		case got != want.Value():
			b.t.Errorf("%s: the page shows %v (%q), want %v", f.Path, got, f.Text, want.Value())
		case strings.TrimSpace(f.Text) == "":
			b.t.Errorf("%s: the page shows nothing", f.Path)
		}
	}
	return len(shown)
}

func call[P, R any](t *testing.T, ctx context.Context, cmd cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}
