package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/load"
)

// TestRepeated: all of what a scenario lists for a flag that is repeatable counts, unless the flag was given.
func TestRepeated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yaml")
	text := "target: {url: ws://127.0.0.1:1/, subprotocols: [first, second]}\nplayers: {one: {steps: [connect]}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ given, want []string }{
		{nil, []string{"first", "second"}},
		{[]string{"--subprotocol", "third"}, []string{"third"}},
	} {
		f := new(runFlags)
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		f.register(fs)
		if err := fs.Parse(c.given); err != nil {
			t.Fatal(err)
		}
		if _, err := f.read(&Process{}, fs, file); err != nil || !slices.Equal(f.subprotocols, c.want) {
			t.Errorf("%v: got %v, %v, want %v", c.given, f.subprotocols, err, c.want)
		}
	}
}

// TestOpenPlayers: there is room for all that arrive by chance, who are 20 in the mean.
func TestOpenPlayers(t *testing.T) {
	plan := load.Plan{Model: load.Open, Stages: []load.Stage{{Duration: time.Second, Rate: 20, Step: true}}, Poisson: true}
	arrivals, err := plan.Arrivals()
	if err != nil {
		t.Fatal(err)
	}
	above := 0
	for seed := range uint64(50) {
		want := 0
		for stream := arrivals.Poisson(seed); ; want++ {
			if _, more := stream.Next(); !more {
				break
			}
		}
		if got := openPlayers(plan, seed); got != max(1, want) {
			t.Errorf("seed %d: got room for %d, want %d", seed, got, want)
		}
		if want > arrivals.Total() {
			above++
		}
	}
	if above == 0 {
		t.Errorf("no seed of 50 has more than %d arrive", arrivals.Total())
	}
	plan.Poisson = false
	if got := openPlayers(plan, 1); got != 20 {
		t.Errorf("at equal distances: got room for %d, want 20", got)
	}
}

func TestPlaceOf(t *testing.T) {
	for template, want := range map[string]string{
		"ws://h:1/x{{ n }}?a={{ n }}": "ws://h:1/", "wss://h?n={{ n }}": "wss://h/", "ws://h/": "ws://h/",
		"ws://{{ host }}/x": "", "ws://a.{{ zone }}/x": "", "{{ all }}": "",
	} {
		if got := placeOf(template); got != want {
			t.Errorf("%s: got %q, want %q", template, got, want)
		}
	}
}
