package scenario

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	referenceFile  = "../docs/scenarios.md"
	referenceBegin = "<!-- reference: begin -->\n"
	referenceEnd   = "<!-- reference: end -->\n"
)

// TestReference holds docs/scenarios.md to the tables of fields; -update writes it.
func TestReference(t *testing.T) {
	b, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), referenceBegin)
	got, after, closed := strings.Cut(rest, referenceEnd)
	if !ok || !closed {
		t.Fatalf("%s lacks %q or %q", referenceFile, referenceBegin, referenceEnd)
	}
	want := reference(t)
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the tables say (go test ./scenario -update writes it)", referenceFile)
	}
	if err := os.WriteFile(referenceFile, []byte(before+referenceBegin+want+referenceEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReferenceExamples: the scenarios that were written by hand in the reference are without mistakes. The
// others are lines of files that TestGood compiles.
func TestReferenceExamples(t *testing.T) {
	b, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	byHand, _, _ := strings.Cut(string(b), referenceBegin)
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(byHand, -1)
	for _, m := range found {
		if _, err := Read(strings.NewReader(m[1]), referenceFile, "testdata/good", Options{}); err != nil {
			t.Error(err)
		}
	}
	if len(found) == 0 {
		t.Errorf("%s has no examples", referenceFile)
	}
}

// writer writes the reference, and finds fields that have no example.
type writer struct {
	strings.Builder
	t     *testing.T
	texts []string
}

// examples are the files whose lines are shown; the first has nearly all keys.
var examples = []string{"everything.yaml", "open.yaml", "closed.yaml", "stages.yaml"}

func reference(t *testing.T) string {
	w := &writer{t: t}
	for _, name := range examples {
		b, err := os.ReadFile("testdata/good/" + name)
		if err != nil {
			t.Fatal(err)
		}
		w.texts = append(w.texts, string(b))
	}
	w.WriteString("\n## The file\n")
	fields := new(File).fields()
	w.table(fields)
	for _, f := range fields {
		w.section(f.name, f)
	}
	w.WriteString("\n## Steps\nA step is its name, or a mapping from its name to its value.\n")
	for _, k := range stepKinds() {
		w.step(k)
	}
	w.WriteString("\n## Expressions\nBesides variables and data, expressions have these names.\n\n| name | is |\n|---|---|\n")
	for _, c := range Constants() {
		fmt.Fprintf(w, "| `%s` | %s |\n", c.Name, c.Doc)
	}
	for _, f := range Functions() {
		call, doc, _ := strings.Cut(f.Doc, ": ")
		fmt.Fprintf(w, "| %s | %s |\n", call, doc)
	}
	return w.String()
}

func (w *writer) table(fields []field) {
	w.WriteString("\n| key | value | meaning |\n|---|---|---|\n")
	for _, f := range fields {
		if f.doc == "" {
			w.t.Errorf("field %s has no doc", f.name)
		}
		name := "`" + f.name + "`"
		if f.required {
			name += " (required)"
		}
		want := brief(f.value)
		if p := preset(f.value); p != nil {
			want += fmt.Sprintf("; `%v` by default", p)
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", name, strings.ReplaceAll(want, "|", "\\|"), f.doc)
	}
}

// brief says what a value is, without the keys of mappings, which have tables of their own.
func brief(v value) string {
	switch v := v.(type) {
	case setting:
		return brief(v.value)
	case duration:
		return "a time"
	case rate:
		return "a rate"
	case size:
		return "a size"
	case section:
		return "a mapping"
	case either:
		return brief(v.short) + ", or " + brief(v.long)
	case thresholdValue:
		return brief(v.parts())
	case distribution:
		return brief(v.forms())
	case list:
		return "a list of " + v.what
	}
	return v.want()
}

// tables gives the table of fields of a value, if it is a mapping or holds some.
func tables(v value) []field {
	switch v := v.(type) {
	case setting:
		return tables(v.value)
	case section:
		return v.fields
	case either:
		return tables(v.long)
	case thresholdValue:
		return tables(v.parts())
	case distribution:
		return tables(v.forms())
	case ruleValue:
		return v.own.section().fields
	case list:
		return tables(v.item())
	case named:
		return tables(v.item("NAME", new(yaml.Node)))
	}
	return nil
}

// section documents what is under a key, with its examples, and then what is under the keys within.
func (w *writer) section(path string, f field) {
	fields := tables(f.value)
	parts := strings.Split(path, ".")
	if fields == nil && len(parts) > 1 {
		return
	}
	fmt.Fprintf(w, "\n%s %s\n", strings.Repeat("#", min(1+len(parts), 4)), path)
	fmt.Fprintf(w, "%s.\n", strings.ToUpper(f.doc[:1])+f.doc[1:])
	if each := elements(f.value); each != "" {
		fmt.Fprintf(w, "Each is %s.\n", each)
	}
	if fields != nil {
		w.table(fields)
	}
	var shown []string
	if path != "players" { // the steps have examples of their own
		for _, text := range w.texts {
			if lines := cut(text, parts...); lines != "" && !slices.Contains(shown, lines) {
				shown = append(shown, lines)
			}
		}
		w.examples(path, fields, shown)
	}
	for _, inner := range fields {
		w.section(path+"."+inner.name, inner)
	}
}

// elements says what the elements of a list or of a mapping with names are, unless the key's own kind does.
func elements(v value) string {
	switch v := v.(type) {
	case setting:
		return elements(v.value)
	case list:
		return brief(v.item())
	case named:
		return brief(v.item("NAME", new(yaml.Node)))
	}
	return ""
}

// examples shows lines, in which each field must be.
func (w *writer) examples(what string, fields []field, shown []string) {
	if len(shown) == 0 {
		w.t.Errorf("%s has no example", what)
		return
	}
	for _, lines := range shown {
		fmt.Fprintf(w, "\n```yaml\n%s```\n", lines)
	}
	all := strings.Join(shown, "")
	for _, f := range fields {
		if !regexp.MustCompile(`(?m)(^|[\s{-])` + f.name + `:`).MatchString(all) {
			w.t.Errorf("%s: %s has no example", what, f.name)
		}
	}
}

func (w *writer) step(k stepKind) {
	v := k.value(new(Step))
	fields := tables(v)
	if n, ok := v.(named); ok && n.check != nil {
		fields = nil // set's variables are the user's own
	}
	fmt.Fprintf(w, "\n### %s\n%s.\n", k.name, strings.ToUpper(k.doc[:1])+k.doc[1:])
	switch v := v.(type) {
	case section:
		if len(v.fields) == 0 {
			w.WriteString("It has no value.\n")
		}
	default:
		fmt.Fprintf(w, "Its value is %s.\n", brief(v))
	}
	if len(fields) > 0 {
		w.table(fields)
	}
	var shown []string
	for _, lines := range stepsIn(w.texts[0], k.name) {
		if !slices.Contains(shown, lines) {
			shown = append(shown, lines)
		}
	}
	w.examples(k.name, fields, []string{strings.Join(shown, "")})
	for _, f := range fields {
		inner := tables(f.value)
		switch {
		case inner == nil || strings.HasPrefix(k.name, f.name):
		case f.name == "save" && k.name == "expect":
			w.WriteString("\nUnder `save`, a variable has a JSON path, or a place of bytes in a binary message:\n")
			w.table(inner)
		case f.name == "normal":
			w.WriteString("\nUnder `normal`:\n")
			w.table(inner)
		}
	}
}

// cut gives the lines of a key in a file, where mappings are written in block style.
func cut(text string, path ...string) string {
	lines := strings.SplitAfter(text, "\n")
	for depth, key := range path {
		if depth > 0 && key == "on" || depth > 0 && path[0] == "players" {
			break
		}
		lines = block(lines, strings.Repeat("  ", depth)+key+":")
	}
	if path[0] == "players" {
		lines = under(strings.SplitAfter(text, "\n"), path[len(path)-1]+":")
	}
	return dedent(lines)
}

// block gives the line that begins so, with what is indented further below it.
func block(lines []string, begin string) []string {
	at := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, begin) })
	if at < 0 {
		return nil
	}
	end := at + 1
	for end < len(lines) && (indent(lines[end]) > indent(lines[at]) || strings.TrimSpace(lines[end]) == "") && lines[end] != "" {
		end++
	}
	return lines[at:end]
}

// under is block for a key at any depth.
func under(lines []string, begin string) []string {
	at := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), begin) })
	if at < 0 {
		return nil
	}
	return block(lines[at:], lines[at])
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func dedent(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line[min(len(line)-1, indent(lines[0])):])
	}
	return b.String()
}

// stepsIn gives the steps of a kind, as they are written.
func stepsIn(text, kind string) (found []string) {
	lines := strings.SplitAfter(text, "\n")
	begin := regexp.MustCompile(`^ *- ` + kind + `(:.*)?\n$`)
	for i, line := range lines {
		if !begin.MatchString(line) {
			continue
		}
		if indent(lines[i+1]) == indent(line)+2 {
			continue // a rule, with more keys than one
		}
		found = append(found, dedent(block(lines[i:], line)))
	}
	return found
}

// TestLineLength: the reference's own lines are wrapped as the other documents are.
func TestReferenceIsWrapped(t *testing.T) {
	f, err := os.Open(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for n := 1; in.Scan() && in.Text()+"\n" != referenceBegin; n++ {
		if len([]rune(in.Text())) > 110 && !strings.HasPrefix(in.Text(), "|") {
			t.Errorf("%s:%d: got %d columns, want at most 110", referenceFile, n, len([]rune(in.Text())))
		}
	}
}
