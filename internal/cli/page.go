package cli

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"

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
	if name == "" {
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

// draw keeps a page beside a run that was kept, and gives its address for a browser. It is made of what is on the disk,
// when the run is over: nothing has to be remembered for it while the run lasts.
func draw(path string) (address string, err error) {
	r, err := rundir.Open(path)
	if err != nil {
		return "", err
	}
	course := timeline.New()
	if err := r.Replay(course); err != nil {
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
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(page)}).String(), nil
}
