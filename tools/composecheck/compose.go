package main

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "docker-compose.yml"

// service is what other files may rely on.
type service struct {
	ports    []string // that it listens on
	networks []string
}

// pinned is a reference whose version says which image is meant: three numbers, or a digest.
var pinned = regexp.MustCompile(`:v?\d+\.\d+\.\d+[\w.-]*$|@sha256:[0-9a-f]{64}$`)

// compose reads docker-compose.yml.
func (s *stack) compose() {
	ctx := context.Background()
	details, err := loader.LoadConfigFiles(ctx, []string{s.path(composeFile)}, s.root)
	if err != nil {
		s.wrong(composeFile, "%w", err)
		return
	}
	project, err := loader.LoadWithContext(ctx, *details, func(o *loader.Options) { o.SetProjectName("check", true) })
	if err != nil {
		s.wrong(composeFile, "%w", err)
		return
	}
	s.services = make(map[string]service)
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		c := project.Services[name]
		where := composeFile + ": service " + name
		for _, mistake := range slices.Concat(reliable(&c), confined(&c), private(&c)) {
			s.wrong(where, "%s", mistake)
		}
		known := service{ports: slices.Clone(c.Expose)}
		for _, p := range c.Ports {
			known.ports = append(known.ports, fmt.Sprint(p.Target))
		}
		for network := range c.Networks {
			known.networks = append(known.networks, network)
		}
		s.services[name] = known
		if strings.Contains(c.Image, "prom/prometheus") {
			s.version(where, c.Image)
		}
	}
}

// reliable finds what makes a service another one tomorrow, or leaves it broken unnoticed.
func reliable(c *types.ServiceConfig) (mistakes []string) {
	if c.Build == nil && !pinned.MatchString(c.Image) {
		mistakes = append(mistakes, fmt.Sprintf("got the image %q, want a version of three numbers, or a digest", c.Image))
	}
	if h := c.HealthCheck; h == nil || h.Disable || len(h.Test) == 0 {
		mistakes = append(mistakes, "got no health check, want one")
	} else if c.Build != nil && h.Test[0] != "CMD" {
		mistakes = append(mistakes, fmt.Sprintf("got a health check by %s, want CMD: the image has no shell", h.Test[0]))
	}
	if c.Restart == "" {
		mistakes = append(mistakes, `got no restart policy, want one; "no" is one`)
	}
	for _, v := range c.Volumes {
		if v.Type == types.VolumeTypeBind {
			if _, err := os.Stat(v.Source); err != nil {
				mistakes = append(mistakes, err.Error())
			} else if !v.ReadOnly {
				mistakes = append(mistakes, fmt.Sprintf("got %s mounted to be written to, want it read-only", v.Source))
			}
		}
	}
	return mistakes
}

// confined finds rights that no service needs.
func confined(c *types.ServiceConfig) (mistakes []string) {
	if !slices.Contains(c.CapDrop, "ALL") || len(c.CapAdd) > 0 {
		mistakes = append(mistakes, "got capabilities, want cap_drop: [ALL]")
	}
	if !slices.Contains(c.SecurityOpt, "no-new-privileges:true") {
		mistakes = append(mistakes, "got no security_opt: [no-new-privileges:true], want it")
	}
	if !c.ReadOnly {
		mistakes = append(mistakes, "got a root file system that can be written to, want read_only: true")
	}
	if c.Privileged || c.NetworkMode == "host" || c.Pid == "host" || c.User == "0" || strings.HasPrefix(c.User, "root") {
		mistakes = append(mistakes, "got the rights of the machine, want a user, a network and processes of its own")
	}
	return mistakes
}

// private finds what others could reach.
func private(c *types.ServiceConfig) (mistakes []string) {
	for _, p := range c.Ports {
		if p.HostIP != "127.0.0.1" && p.HostIP != "::1" {
			mistakes = append(mistakes, fmt.Sprintf("got port %d published on %q, want 127.0.0.1 only", p.Target, p.HostIP))
		}
	}
	if !strings.Contains(c.Image, "grafana/grafana") {
		return mistakes
	}
	env := func(name string) string {
		if v := c.Environment[name]; v != nil {
			return *v
		}
		return ""
	}
	if env("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION") != "true" {
		mistakes = append(mistakes, "got an administrator with a password that everybody knows, want GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: true")
	}
	if env("GF_SECURITY_ADMIN_PASSWORD") != "" {
		mistakes = append(mistakes, "got a password in the file, want none")
	}
	if role := env("GF_AUTH_ANONYMOUS_ORG_ROLE"); role != "Viewer" {
		mistakes = append(mistakes, fmt.Sprintf("got anybody as %q, want Viewer", role))
	}
	return mistakes
}

// modules is which versions the checks are made with.
//
//go:embed go.mod
var modules string

var prometheusModule = regexp.MustCompile(`github.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`)

// version compares the image of Prometheus with the module that reads its files: v3.15.0 is v0.315.0.
func (s *stack) version(where, image string) {
	m := prometheusModule.FindStringSubmatch(modules)
	if m == nil {
		s.wrong("go.mod", "got no version of prometheus/prometheus, want one")
		return
	}
	if want := fmt.Sprintf(":v%s.%s.%s", m[1], strings.TrimLeft(m[2], "0"), m[3]); !strings.HasSuffix(image, want) {
		s.wrong(where, "got the image %q, want prom/prometheus%s as in tools/composecheck/go.mod, whose parser reads its files", image, want)
	}
}
