package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"go.yaml.in/yaml/v3"
)

const (
	dashboardDir   = "deploy/grafana/dashboards"
	datasourceFile = "deploy/grafana/provisioning/datasources/prometheus.yml"
	schemaVersion  = 42 // the last one of dashboards of this kind; newer ones Grafana makes of them itself
	gridWidth      = 24
)

// board is what of a dashboard the checks need.
type board struct {
	UID           string
	Title         string
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct {
			Name       string
			Query      string
			Datasource ref
		}
	}
}

type ref struct{ UID string }

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  ref
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []struct {
		RefID        string
		Expr         string
		LegendFormat string
		Datasource   ref
	}
}

// grafana reads what Grafana is provisioned with.
func (s *stack) grafana() {
	s.provisioned()
	plugins.RegisterDefaultPlugins()
	files, _ := filepath.Glob(s.path(dashboardDir + "/*.json"))
	if len(files) == 0 {
		s.wrong(dashboardDir, "got no dashboards, want some")
	}
	uids := make(map[string]string)
	for _, file := range files {
		name := dashboardDir + "/" + filepath.Base(file)
		b := s.board(name, file)
		if b == nil {
			continue
		}
		s.dashboards++
		if other := uids[b.UID]; b.UID == "" || other != "" {
			s.wrong(name, "got the uid %q, want one that no other dashboard has %s", b.UID, other)
		}
		uids[b.UID] = name
		s.variables(name, b)
		s.panelsOf(name, b)
	}
}

func (s *stack) provisioned() {
	s.datasources = make(map[string]string)
	var file struct {
		Datasources []struct {
			UID, Type, URL string
			JSONData       struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	text, err := os.ReadFile(s.path(datasourceFile))
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		s.wrong(datasourceFile, "%w", err)
		return
	}
	for _, d := range file.Datasources {
		s.datasources[d.UID] = d.URL
		if d.JSONData.TimeInterval != s.interval {
			s.wrong(datasourceFile, "got timeInterval %q, want %q, which is Prometheus's scrape_interval: rates would be of too little", d.JSONData.TimeInterval, s.interval)
		}
	}
}

// colour is one by number.
var colour = regexp.MustCompile(`"#[0-9a-fA-F]{3,8}"|"rgba?\(`)

// board reads a dashboard, first as strictly as Grafana's schema is.
func (s *stack) board(name, file string) *board {
	text, err := os.ReadFile(file)
	if err != nil {
		s.wrong(name, "%w", err)
		return nil
	}
	var d dashboard.Dashboard
	var mistakes cog.BuildErrors
	err = d.UnmarshalJSONStrict(text)
	if errors.As(err, &mistakes) && len(mistakes) == 0 { // what it gives where there are none
		err = d.Validate()
	}
	if err != nil {
		s.wrong(name, "%w", err)
	}
	b := new(board)
	if err := json.Unmarshal(text, b); err != nil {
		s.wrong(name, "%w", err)
		return nil
	}
	if b.SchemaVersion != schemaVersion {
		s.wrong(name, "got schemaVersion %d, want %d", b.SchemaVersion, schemaVersion)
	}
	if c := colour.FindString(string(text)); c != "" {
		s.wrong(name, "got the colour %s, want one by name or palette, which is legible in the light and in the dark theme", c)
	}
	return b
}

// asks is the query of a variable.
var asks = regexp.MustCompile(`^label_values\((\w+), \w+\)$`)

func (s *stack) variables(name string, b *board) {
	for _, v := range b.Templating.List {
		where := fmt.Sprintf("%s: variable %s", name, v.Name)
		s.known(where, v.Datasource)
		m := asks.FindStringSubmatch(v.Query)
		if m == nil {
			s.wrong(where, "got the query %q, want label_values(metric, label)", v.Query)
			continue
		}
		s.queries = append(s.queries, query{where, m[1]})
	}
}

func (s *stack) panelsOf(name string, b *board) {
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for i := range b.Panels {
		p := &b.Panels[i]
		where := fmt.Sprintf("%s: panel %d %q", name, p.ID, p.Title)
		if p.ID == 0 || ids[p.ID] {
			s.wrong(where, "got such an id, want one of its own")
		}
		ids[p.ID] = true
		if g := p.GridPos; g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > gridWidth {
			s.wrong(where, "got the place %+v, want one within a width of %d", g, gridWidth)
		} else {
			s.place(where, p, taken)
		}
		if strings.TrimSpace(p.Title) == "" {
			s.wrong(where, "got no title, want one")
		}
		if p.Type == "row" {
			continue
		}
		s.panels++
		if strings.TrimSpace(p.Description) == "" {
			s.wrong(where, "got no description, want one")
		}
		if p.FieldConfig.Defaults.Unit == "" {
			s.wrong(where, `got no unit, want one; "short" is one`)
		}
		s.known(where, p.Datasource)
		s.targets(where, b, p)
	}
}

// place finds panels that lie on each other.
func (s *stack) place(where string, p *panel, taken map[[2]int]string) {
	g := p.GridPos
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+min(g.H, 100); y++ {
			if other, ok := taken[[2]int{x, y}]; ok {
				s.wrong(where, "got a place where %q is already, want one that is free", other)
				return
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

// known checks a datasource.
func (s *stack) known(where string, d ref) {
	if _, ok := s.datasources[d.UID]; !ok {
		s.wrong(where, "got the datasource %q, want one of %q, which are provisioned", d.UID, slices.Sorted(maps.Keys(s.datasources)))
	}
}

var (
	variable = regexp.MustCompile(`\$(\w+)`)
	window   = regexp.MustCompile(`rate\([^\[]*\[([^\]]*)\]`)
)

// windows are those that rates may be over: Grafana's, and those for what changes slowly.
var windows = []string{"$__rate_interval", "1m", "15m"}

// builtIn are the variables that Grafana has itself, with values for a parser.
var builtIn = map[string]string{"__rate_interval": "1m", "__range": "1h", "__interval": "15s"}

func (s *stack) targets(where string, b *board, p *panel) {
	if len(p.Targets) == 0 {
		s.wrong(where, "got no query, want one")
	}
	refs := make(map[string]bool)
	for _, t := range p.Targets {
		if t.RefID == "" || refs[t.RefID] {
			s.wrong(where, "got the refId %q, want one of its own", t.RefID)
		}
		refs[t.RefID] = true
		s.known(where, t.Datasource)
		if t.LegendFormat == "" {
			s.wrong(where, "query %s: got no legend, want one", t.RefID)
		}
		for _, w := range window.FindAllStringSubmatch(t.Expr, -1) {
			if !slices.Contains(windows, w[1]) {
				s.wrong(where, "query %s: got a rate over %s, want one over %s", t.RefID, w[1], strings.Join(windows, ", "))
			}
		}
		expr := variable.ReplaceAllStringFunc(t.Expr, func(v string) string {
			v = v[1:]
			if value, ok := builtIn[v]; ok {
				return value
			}
			for _, known := range b.Templating.List {
				if known.Name == v {
					return ".*"
				}
			}
			s.wrong(where, "query %s: got the variable $%s, want one of the dashboard's or of Grafana's own", t.RefID, v)
			return ".*"
		})
		s.queries = append(s.queries, query{where + ": query " + t.RefID, expr})
	}
}
