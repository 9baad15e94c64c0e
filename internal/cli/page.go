package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/rig"
	"github.com/loadrig/loadrig/rundir"
	"github.com/loadrig/loadrig/timeline"
	"github.com/loadrig/loadrig/web"
)

// show has a run be looked at while it happens, where an address is given to serve that on.
func show(cfg *rig.Config) {
	if cfg.HTTP == "" {
		return
	}
	course := timeline.New()
	name := cfg.Name
	switch {
	case name != "":
	case cfg.URL == embeddedURL: // it is not known yet where that listens
		name = "run"
	default:
		name = rig.SafeURL(cfg.URL)
	}
	cfg.Sinks = append(cfg.Sinks, course)
	if cfg.Extra == nil {
		cfg.Extra = make(map[string]http.Handler)
	}
	for pattern, h := range web.NewLive(course, name).Handlers() {
		cfg.Extra[pattern] = h
	}
}

// drawn is the course of a run that is read only while somebody waits for it.
type drawn struct {
	*timeline.Timeline
	ctx context.Context
}

// Record implements report.Sink.
func (d drawn) Record(r *metrics.Record) error {
	if d.ctx.Err() != nil {
		return errors.New("it was interrupted; loadrig report --html draws it")
	}
	return d.Timeline.Record(r)
}

// draw keeps a page beside a run that was kept, and gives its address for a browser. It is made of what is on the disk,
// when the run is over: nothing has to be remembered for it while the run lasts. It ends early when ctx does.
func draw(ctx context.Context, path string) (address string, err error) {
	r, err := rundir.Open(path)
	if err != nil {
		return "", err
	}
	course := timeline.New()
	if err := r.Replay(drawn{course, ctx}); err != nil {
		return "", err
	}
	run := course.Run()
	if run == nil {
		return "", errors.New("there is nothing to draw")
	}
	var b bytes.Buffer
	if err := web.WriteReport(&b, run); err != nil {
		return "", err
	}
	page, err := r.WritePage(b.Bytes())
	if err != nil {
		return "", err
	}
	if page, err = filepath.Abs(page); err != nil {
		return "", err
	}
	return fileURL(filepath.ToSlash(page)), nil
}

// fileURL gives the address of a file, of a whole path with slashes; of Windows it begins with a drive.
func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(path, "/")}).String()
}
