package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// running is a run that can be looked at.
type running struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string
	address string
	talk    chan string // what it said after its address
}

// start starts a run that serves its page.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{t: t, dir: filepath.Join(t.TempDir(), "run"), talk: make(chan string, 1)}
	r.cmd = exec.Command(program, append([]string{"run", "--http", "127.0.0.1:0", "--run-dir", r.dir}, args...)...)
	r.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	lines := bufio.NewScanner(stderr)
	for r.address == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "look at it at "); ok {
			r.address, _, _ = strings.Cut(rest, ";")
		}
	}
	if r.address == "" {
		t.Fatal("the run did not say where to look")
	}
	go func() {
		var all bytes.Buffer
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
		}
		r.talk <- all.String()
	}()
	return r
}

func (r *running) kill() {
	if r.cmd.ProcessState == nil {
		_ = r.cmd.Process.Kill()
		<-r.talk
		_ = r.cmd.Wait()
	}
}

// wait waits for the end, and gives the summary.
func (r *running) wait() string {
	r.t.Helper()
	talk := <-r.talk
	_ = r.cmd.Wait()
	b, err := os.ReadFile(filepath.Join(r.dir, "summary.json"))
	if err != nil {
		r.t.Fatalf("%v\n%s", err, talk)
	}
	return string(b)
}

// summary waits for the summary of a run whose page is still served.
func (r *running) summary() string {
	r.t.Helper()
	until := time.Now().Add(time.Minute)
	for time.Now().Before(until) {
		if b, err := os.ReadFile(filepath.Join(r.dir, "summary.json")); err == nil {
			return string(b)
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Fatal("no summary after a minute")
	return ""
}

// over is true of a page that knows that the run is over.
const over = `/over/i.test(document.getElementById("status").textContent)`

// TestLive: who looks from the start, who has no server-sent events, and who comes when all is over see the same in the
// end, and that is the summary.
func TestLive(t *testing.T) {
	browser := chromium(t)
	url := served(t, "echo", "--delay", "uniform:5ms-30ms", "--lose-every", "53", "--duplicate-every", "101", "--corrupt-every", "97")
	r := start(t, "--url", url, "-c", "200", "-d", "6s", "--msg-rate", "5/s", "--threshold", "p(95)<1ms", "--interval", "500ms", "--linger", "1m")
	early := look(t, browser)
	early.open(r.address)
	without := look(t, browser)
	without.before("delete window.EventSource")
	without.open(r.address)
	early.until("the page says that the run goes on", `/running/i.test(document.body.innerText)`)
	at := `Number(document.querySelector('[data-figure="messages.sent"]').dataset.value)`
	seen := eval[float64](early, at)
	early.until("the page goes on", fmt.Sprintf("%s > %v", at, seen))
	early.until("the run is over", over)
	without.until("the run is over", over)
	summary := r.summary()
	late := look(t, browser)
	late.open(r.address)
	late.until("the run is over", over)
	for name, b := range map[string]*tab{"from the start": early, "without server-sent events": without, "late": late} {
		if n := b.figures(summary); n < 40 {
			t.Errorf("%s: got %d figures", name, n)
		}
		b.quiet(strings.TrimSuffix(r.address, "/"))
	}
}

// TestServerGone: a page whose run has gone says so, and stays.
func TestServerGone(t *testing.T) {
	browser := chromium(t)
	url := served(t, "echo")
	r := start(t, "--url", url, "-c", "20", "-d", "1m")
	b := look(t, browser)
	b.open(r.address)
	b.until("there are charts", `document.querySelectorAll("canvas").length > 3`)
	r.kill()
	b.until("the page says that the line is lost", `/lost|gone|again/i.test(document.getElementById("status").textContent)`)
	if n := eval[int](b, `document.querySelectorAll("[data-figure]").length`); n == 0 {
		t.Error("the figures have gone")
	}
}

// TestNextRun: a page whose run has gone, at whose address there is another one now, shows that one, all of it, and
// nothing of its own.
func TestNextRun(t *testing.T) {
	browser := chromium(t)
	url := served(t, "echo")
	r := start(t, "--url", url, "-c", "20", "-d", "1m", "--interval", "100ms", "--name", "the-first-one")
	b := look(t, browser)
	b.open(r.address)
	b.until("some of it is there", `Number(document.querySelector('[data-figure="messages.sent"]').dataset.value) > 20`)
	eval[any](b, `document.getElementById("in").click()`)
	b.until("a part of it is looked at", `!document.getElementById("reset").disabled`)
	r.kill()
	b.until("the line is lost", `/lost/i.test(document.getElementById("status").textContent)`)
	next := start(t, "--url", url, "-c", "10", "-d", "1m", "--interval", "100ms", "--name", "the-second-one",
		"--http", strings.TrimSuffix(strings.TrimPrefix(r.address, "http://"), "/"))
	b.until("the next run is there", `document.getElementById("title").textContent === "the-second-one"`)
	b.until("all of it", `document.getElementById("reset").disabled && document.getElementById("status").textContent === "Live"`)
	if text := eval[string](b, `document.body.textContent`); strings.Contains(text, "the-first-one") {
		t.Errorf("the page has something of the run before:\n%.1000s", text)
	}
	next.kill()
}

// TestManyViewers: 200 look at a run, and one of them never reads: all the others see all of it. How late the rig was with
// them and without them is printed, not judged: machines differ.
func TestManyViewers(t *testing.T) {
	lag := make(map[int]float64)
	for _, n := range []int{0, 200} {
		url := served(t, "echo")
		r := start(t, "--url", url, "-c", "1000", "-d", "6s", "--msg-rate", "1/s", "--linger", "2s")
		ctx, cancel := context.WithCancel(t.Context())
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			sent []float64
		)
		for range n {
			wg.Go(func() {
				v, err := watch(ctx, r.address)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, v)
			})
		}
		if n > 0 {
			c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(r.address, "http://"), "/"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "GET /live?gen=0&after=0&events=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		wg.Wait()
		cancel()
		summary := r.wait()
		for _, v := range sent {
			if want := gjson.Get(summary, "messages.sent").Float(); v != want {
				t.Errorf("a viewer saw %v messages in the rows, want %v", v, want)
			}
		}
		lag[n] = gjson.Get(summary, "schedule_lag_seconds.p99").Float()
		t.Logf("%d viewers: schedule lag p99 %.3f ms, %.2f s of CPU", n, 1000*lag[n], gjson.Get(summary, "rig.cpu_seconds").Float())
	}
	t.Logf("with 200 viewers the p99 of the schedule lag is %.2f times that without", lag[200]/lag[0])
}

// watch looks at a run to its end, and gives how many messages were sent according to the rows.
func watch(ctx context.Context, address string) (sent float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"live?gen=0&after=0&events=0", nil)
	if err != nil {
		return 0, err
	}
	column := -1
	for column < 0 {
		whole, err := http.Get(address + "timeline.json")
		if err != nil {
			return 0, err
		}
		var d struct {
			Runs []struct{ Columns []string }
		}
		err = json.NewDecoder(whole.Body).Decode(&d)
		whole.Body.Close()
		if whole.StatusCode == http.StatusServiceUnavailable {
			continue // the run has not begun
		}
		if err != nil {
			return 0, err
		}
		for i, c := range d.Runs[0].Columns {
			if c == "sent" {
				column = i
			}
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// What comes is looked at when all of it is there: two hundred who read each message as it comes would take the cores
	// from the rig, which viewers on other machines do not.
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(all) {
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		var m struct {
			Rows [][]*float64
			Over bool
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return 0, err
		}
		for _, row := range m.Rows {
			sent += *row[column]
		}
		if m.Over {
			return sent, nil
		}
	}
	return 0, errors.New("the stream ended before the run")
}
