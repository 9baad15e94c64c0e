package realservers

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/loadrig/loadrig/authctx"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/players"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
)

// run is a run in which everything must go well.
func run(t *testing.T, c rig.Config) *report.Summary {
	t.Helper()
	s, err := rig.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	_ = s.WriteText(&text)
	t.Log(text.String())
	if s.Rig.Conservation != "ok" {
		t.Errorf("the counts do not add up: %s", s.Rig.Conservation)
	}
	return s
}

// agree checks a summary against what was asked and what the server saw.
func agree(t *testing.T, s *report.Summary, saw counts) {
	t.Helper()
	n := s.Players
	for _, c := range []struct {
		what      string
		got, want uint64
	}{
		{"opened", s.Connections.Opened, uint64(n)},
		{"peak", uint64(s.Connections.Peak), uint64(n)},
		{"failed", s.Connections.Failed, 0},
		{"dropped", s.Messages.Dropped, 0},
		{"received", s.Messages.Received, s.Messages.Sent},
		{"round trips", s.RoundTrip.Count, s.Messages.Sent},
		{"the server's connections", uint64(saw.Connections), uint64(n)},
		{"the server's received messages", saw.Received, s.Messages.Sent},
		{"the server's sent messages", saw.Sent, s.Messages.Received},
		{"the server's normal closes", uint64(saw.Closes["1000"]), uint64(n)},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, c.got, c.want)
		}
	}
	if s.Messages.Sent == 0 {
		t.Error("nothing was sent")
	}
}

// paced is a run of n players for a few seconds.
func paced(url string, n int) rig.Config {
	return rig.Config{
		URL: url, Connections: n, Duration: 6 * time.Second, Traffic: players.Paced, MessageRate: 0.5, Size: 64,
		MaxLag: time.Minute, Settle: 20 * time.Second, // these servers are slow when they share two cores with the race detector
	}
}

// TestNode runs 5,000 players against Node's ws. At every scrape their states add up to 5,000, and at the
// end the server has counted what loadrig did.
func TestNode(t *testing.T) {
	const n = 5000
	srv := node(t)
	c := paced(srv.url(), n)
	c.HTTP = "127.0.0.1:0"
	scraped := make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	c.Serving = func(addr string) { go func() { scraped <- scrape(ctx, t, "http://"+addr+"/metrics", n) }() }
	s := run(t, c)
	cancel()
	if scrapes := <-scraped; scrapes < 3 {
		t.Errorf("scraped %d times, want 3 or more", scrapes)
	}
	agree(t, s, srv.stop())
}

var stateSeries = regexp.MustCompile(`(?m)^loadrig_connections\{state="[a-z]+"\} (\d+)$`)

// scrape reads the metrics until ctx ends or the run does, checks the sum of the states each time, and
// gives the number of scrapes.
func scrape(ctx context.Context, t *testing.T, url string, want int) (scrapes int) {
	promtool, err := exec.LookPath("promtool")
	for ctx.Err() == nil {
		body, ok := get(ctx, url)
		if !ok {
			return scrapes
		}
		sum, found := 0, stateSeries.FindAllSubmatch(body, -1)
		for _, m := range found {
			n, _ := strconv.Atoi(string(m[1]))
			sum += n
		}
		// Before the players are opened there are none.
		if len(found) != messages.NumStates || (sum != want && (sum != 0 || scrapes > 0)) {
			t.Errorf("scrape %d: %d states that add up to %d, want %d and %d", scrapes, len(found), sum, messages.NumStates, want)
		}
		if sum == want {
			scrapes++
		}
		if err == nil && scrapes == 2 {
			cmd := exec.Command(promtool, "check", "metrics")
			cmd.Stdin = bytes.NewReader(body)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("promtool check metrics: %v\n%s", err, out)
			}
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return scrapes
}

func get(ctx context.Context, url string) ([]byte, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return b, err == nil
}

func TestPython(t *testing.T) {
	srv := python(t)
	s := run(t, paced(srv.url(), 500))
	agree(t, s, srv.stop())
}

// TestNginx has a proxy between.
func TestNginx(t *testing.T) {
	srv := node(t)
	addr, _ := nginx(t, srv, false, "")
	s := run(t, paced("ws://"+addr+"/", 1000))
	agree(t, s, srv.stop())
}

// TestSubprotocol offers two; ws picks the first.
func TestSubprotocol(t *testing.T) {
	srv := node(t)
	c := paced(srv.url(), 20)
	c.Duration = 2 * time.Second
	c.Subprotocols = []string{"morpheus.v2", "morpheus.v1"}
	s := run(t, c)
	agree(t, s, srv.stop())
}

const tokenLife = 8 * time.Second

// worldAuth gives each player an identity of its own, and a policy whose tokens the key set verifies.
func worldAuth(t *testing.T) (auth func(n int) messages.Authorizer, jwks string) {
	t.Helper()
	key, err := authctx.GenerateKey(authctx.ES256)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := authctx.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	jwks = t.TempDir() + "/jwks.json"
	if err := keys.WriteFile(jwks); err != nil {
		t.Fatal(err)
	}
	// The tokens live so shortly that a reconnection after tokenLife needs a new one, and long enough for a
	// thousand handshakes with the race detector on.
	mint, err := authctx.NewMinter(authctx.MintOptions{Key: key, Audience: []string{"game"}, Lifetime: tokenLife, Skew: -1})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := authctx.NewPolicy(authctx.PolicyOptions{Scope: authctx.ScopeWorld, Tokens: mint})
	if err != nil {
		t.Fatal(err)
	}
	return func(n int) messages.Authorizer {
		return policy.For(authctx.Identity{UserID: "player-" + strconv.Itoa(n), Organization: "o", Project: "p", World: "w"})
	}, jwks
}

// TestAuth: a server that demands the delegated token and the World headers lets in the players that have
// them, and 401 is what the others get.
func TestAuth(t *testing.T) {
	const n = 300
	auth, jwks := worldAuth(t)
	srv := node(t, "JWKS_FILE="+jwks)
	c := paced(srv.url(), n)
	c.Duration = 3 * time.Second
	c.Auth = auth
	s := run(t, c)

	c.Auth = nil
	refused := run(t, c)
	saw := srv.stop()
	agree(t, s, saw)
	if saw.Users != n || saw.Rejected != n {
		t.Errorf("the server saw %d users and rejected %d, want %d and %d", saw.Users, saw.Rejected, n, n)
	}
	want := report.Disconnect{Cause: "upgrade_status", Initiator: "remote", Count: n}
	if len(refused.Disconnects) != 1 || refused.Disconnects[0] != want || refused.Verdict != report.Fail {
		t.Errorf("without a token: %s, %+v, want fail, %+v", refused.Verdict, refused.Disconnects, want)
	}
}

func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
	os.Exit(m.Run())
}
