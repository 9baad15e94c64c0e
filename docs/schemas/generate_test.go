package schemas

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	generate "github.com/invopop/jsonschema"

	"github.com/google/go-cmp/cmp"

	"github.com/loadrig/loadrig/metrics"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/threshold"
)

var update = flag.Bool("update", false, "write the schemas")

const home = "https://github.com/loadrig/loadrig/docs/schemas/"

// reflector makes schemas of Go types: what has no omitempty is required, and what is not in the schema is allowed,
// as fields may be added.
func reflector(t *testing.T) *generate.Reflector {
	t.Helper()
	r := &generate.Reflector{Anonymous: true, AllowAdditionalProperties: true, Mapper: special}
	for _, dir := range []string{"report", "metrics"} {
		// Paths are relative to the module's folder, so that they are those of the imports.
		if err := r.AddGoComments("github.com/loadrig/loadrig", "./"+dir); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// special gives the schemas of types that write their JSON themselves, or are one of a few texts.
func special(of reflect.Type) *generate.Schema {
	switch of {
	case reflect.TypeFor[report.Verdict]():
		return &generate.Schema{Type: "string", Enum: []any{report.Pass, report.Fail, report.Untrustworthy}}
	case reflect.TypeFor[threshold.Unit]():
		return &generate.Schema{Type: "string", Enum: []any{
			threshold.Seconds, threshold.Share, threshold.Count, threshold.PerSecond, threshold.Number, threshold.Truth,
		}}
	case reflect.TypeFor[metrics.Histogram]():
		whole := func(about string) *generate.Schema {
			return &generate.Schema{Type: "integer", Minimum: "0", Description: about}
		}
		s := &generate.Schema{
			Type: "object", Description: "A histogram of durations, exactly.",
			Properties: generate.NewProperties(), Required: []string{"count", "sum_s", "sum_ns", "min_ns", "max_ns"},
		}
		s.Properties.Set("count", whole(""))
		s.Properties.Set("sum_s", whole("whole seconds of the sum"))
		s.Properties.Set("sum_ns", whole("the rest, in ns"))
		s.Properties.Set("min_ns", whole(""))
		s.Properties.Set("max_ns", whole(""))
		s.Properties.Set("under", whole("how many were below 1 µs"))
		s.Properties.Set("over", whole("how many were above 60 s"))
		s.Properties.Set("hdr_us", &generate.Schema{Type: "string", Description: "HdrHistogram V2, compressed, in base64; values in µs"})
		return s
	}
	return nil
}

// made gives all schemas, by file.
func made(t *testing.T) map[string]*generate.Schema {
	t.Chdir("../..")
	r := reflector(t)
	summary := r.Reflect(new(report.Summary))
	summary.ID, summary.Title = generate.ID(home+"summary-v1.json"), "The summary of a run, "+report.Schema
	constant(summary.Definitions["Summary"], report.Schema)
	nullable(reflect.TypeFor[report.Summary](), summary.Definitions)

	run := &generate.Schema{
		Version: generate.Version, ID: generate.ID(home + "run-v1.json"), Title: "A file or line of a run's directory, " + report.ManifestSchema,
		Definitions: make(generate.Definitions),
	}
	for _, v := range []any{new(report.Manifest), new(metrics.Record), new(report.Event)} {
		one := r.Reflect(v)
		nullable(reflect.TypeOf(v).Elem(), one.Definitions)
		maps.Copy(run.Definitions, one.Definitions)
		run.AnyOf = append(run.AnyOf, &generate.Schema{Ref: one.Ref})
	}
	constant(run.Definitions["Manifest"], report.ManifestSchema)
	return map[string]*generate.Schema{"summary-v1.json": summary, "run-v1.json": run}
}

// nullable has the schema of each pointer that is always written allow null, in the structs that are in of.
func nullable(of reflect.Type, all generate.Definitions) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		nullable(of.Elem(), all)
		return
	case reflect.Struct:
	default:
		return
	}
	def := all[of.Name()]
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() || special(of) != nil {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omit") {
			if p, ok := def.Properties.Get(name); ok && p.AnyOf == nil {
				about := p.Description
				p.Description = ""
				def.Properties.Set(name, &generate.Schema{AnyOf: []*generate.Schema{p, {Type: "null"}}, Description: about})
			}
		}
		nullable(f.Type, all)
	}
}

// constant says what the key schema has to be.
func constant(s *generate.Schema, value string) {
	p, _ := s.Properties.Get("schema")
	p.Const = value
}

// TestGenerated holds the schemas to the types; -update writes them.
func TestGenerated(t *testing.T) {
	all := made(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		var got bytes.Buffer
		e := json.NewEncoder(&got)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(all[file]); err != nil {
			t.Fatal(err)
		}
		path := "docs/schemas/" + file
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s is not what the types say (-want +got; go test ./docs/schemas -update writes it):\n%s", file, d)
		}
	}
}
