package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/rundir"
)

// keepFlags say what is kept of a run, and under which name.
type keepFlags struct {
	dir      string
	interval time.Duration
	name     string
	tags     []string
}

// keepNothing is the run directory of a run that is not kept.
const keepNothing = "none"

func (f *keepFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.dir, "run-dir", "", "`directory` to keep the run in, new or empty, for loadrig report and compare; none keeps nothing (default one of its own under ~/.local/state/loadrig/runs)")
	fs.DurationVar(&f.interval, "interval", 0, "`how long` the intervals are that figures are kept of (default 1s; 10s for a load of more than an hour)")
	fs.StringVar(&f.name, "name", "", "`name` of the run, by which loadrig report finds it too")
	fs.StringArrayVar(&f.tags, "tag", nil, "`KEY=VALUE` that marks the run in reports; repeatable")
}

// Bounds of what marks a run.
const (
	maxTags = 32
	maxMark = 200 // bytes of a name, a key or a value
)

// build adds what the flags say to c, with the tags of the scenario; a flag goes before them.
func (f *keepFlags) build(c *rig.Config, tags map[string]string) error {
	c.Interval, c.Name = f.interval, f.name
	var errs []error
	if !markable(f.name) {
		errs = append(errs, fmt.Errorf("--name: got one of %d bytes or with control characters, want at most %d bytes of text", len(f.name), maxMark))
	}
	c.Tags = make(map[string]string)
	for k, v := range tags {
		c.Tags[k] = v
	}
	for _, tag := range f.tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" || !markable(k) || !markable(v) {
			errs = append(errs, fmt.Errorf("--tag: got %.60q, want KEY=VALUE, each at most %d bytes of text", tag, maxMark))
			continue
		}
		c.Tags[k] = v
	}
	if len(c.Tags) > maxTags {
		errs = append(errs, fmt.Errorf("--tag: got %d tags, want at most %d", len(c.Tags), maxTags))
	}
	return errors.Join(errs...)
}

func markable(s string) bool { return len(s) <= maxMark && !strings.ContainsFunc(s, unicode.IsControl) }

// sink gives what keeps the run; nil if nothing is to be kept, or can be.
func (f *keepFlags) sink(p *Process, talk *talker) *rundir.Writer {
	switch f.dir {
	case keepNothing:
		return nil
	case "":
		parent, err := rundir.Default(p.Getenv)
		if err == nil {
			err = os.MkdirAll(parent, 0o700)
		}
		if err != nil { // a container may have no home; that is no reason not to run
			talk.note("the run is not kept: %v; --run-dir DIR says where to", err)
			return nil
		}
		return rundir.NewWriter(parent, "")
	default:
		return rundir.NewWriter("", f.dir)
	}
}

// longToDraw is how long a run lasts, in seconds, that takes more than a moment to draw.
const longToDraw = 600

// told says where the run was kept, and draws it, unless ctx ends.
func (f *keepFlags) told(ctx context.Context, talk *talker, w *rundir.Writer, s *report.Summary) {
	switch {
	case w == nil || s == nil:
		return
	case f.dir == "":
		talk.note("%s; kept as %s; loadrig report prints it again", s.Title(), s.Run) // fits 80 columns; the folder is in the line below
	default:
		talk.note("%s; kept in %s; loadrig report %s prints it again", s.Title(), w.Path(), w.Path())
	}
	if s.Duration > longToDraw {
		talk.note("drawing it, which takes some seconds for each hour")
	}
	if address, err := draw(ctx, w.Path()); err == nil {
		talk.note("look at it: %s", address)
	} else {
		talk.note("the run, which is in %s, could not be drawn: %v", w.Path(), err)
	}
}
