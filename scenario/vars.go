package scenario

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Options are what a scenario is loaded with. The zero value is ready.
type Options struct {
	// Vars are values given from outside, as with -e NAME=VALUE: first values of variables, instead of the
	// file's, and what env("NAME") gives. They are no templates. A name that the scenario does not have is
	// a mistake.
	//
	// A value is of the file's own type: where that is a text, any text; else JSON, as 10, true or [1, 2].
	// Where the file has nothing or an expression, it may be of any type.
	Vars map[string]string
}

// ParseVar cuts NAME=VALUE.
func ParseVar(s string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !isName(strings.TrimLeft(name, "_")) {
		// What is behind a wrong name may be a secret.
		return "", "", fmt.Errorf("got %q, want NAME=VALUE, as room=lobby", clip(name, 40))
	}
	return name, value, nil
}

// LoadVars reads values from a file in YAML or JSON, a mapping from names to values. What is wrong with it
// is in a *Problems; other errors are of the file system.
func LoadVars(path string) (map[string]string, error) {
	src, b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string)
	if root := src.parse(b); root != nil && root.Kind != yaml.MappingNode {
		src.wrong(posOf(root), "vars: got no mapping, want one from names to values, as room: lobby")
	} else if root != nil {
		r := &reader{source: src, key: "vars"}
		var all []*Var
		values(&all).read(r, root)
		c := newCompiler(src, new(File), "", Options{})
		for _, v := range all {
			if v.Tree == nil {
				continue
			}
			if isText(v.Tree) {
				out[v.Name] = v.Tree.Value
				continue
			}
			t := new(Template)
			c.jsonNode(t, v.Tree, false)
			out[v.Name] = string(t.Text())
		}
	}
	for i := range src.list {
		src.list[i].Excerpt = "" // the values may be secrets
	}
	if err := src.err(); err != nil {
		return nil, err
	}
	return out, nil
}

func readFile(path string) (*source, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readSource(f, path)
}

// first gives the first value of a variable: the file's, or the one that was given from outside.
func (c *compiler) first(v *Var) *Template {
	given, ok := c.vars[v.Name]
	if !ok {
		return c.valueOf(v.Tree)
	}
	t := &Template{At: v.At, Constant: true}
	_, expression := whole(v.Tree.Value)
	free := isNull(v.Tree) || isText(v.Tree) && expression // of any type
	kind, text, ok := parseGiven(given)
	switch {
	case isText(v.Tree) && !free:
		c.plain(t, given)
	case ok && (free || kind == kindName(v.Tree)):
		t.JSON = true
		c.plain(t, text)
	case free:
		c.plain(t, given)
	default:
		c.wrong(Pos{}, "-e %s: got a value of another type, want %s, as in the file", v.Name, kindName(v.Tree))
	}
	return t
}

// parseGiven reads a value that need not be a text, and gives it as JSON.
func parseGiven(s string) (kind, text string, ok bool) {
	src := newSource("", []byte(s))
	root := src.parse([]byte(s))
	if root == nil || depthOf(root) > maxDepth {
		return "", "", false
	}
	t := new(Template)
	newCompiler(src, new(File), "", Options{}).jsonNode(t, root, false)
	return kindName(root), string(t.Text()), len(src.list) == 0
}

// kindName says what a value is, as it is wanted.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "a text"
}

// outside finds values that were given from outside and that nothing asks for.
func (c *compiler) outside() {
	names := make(map[string]bool)
	for _, v := range c.file.Vars {
		names[v.Name] = true
	}
	for _, p := range c.file.Populations {
		for _, v := range p.Vars {
			names[v.Name] = true
		}
	}
	for _, name := range c.asked {
		names[name] = true
	}
	known := slices.Sorted(maps.Keys(names))
	for _, name := range slices.Sorted(maps.Keys(c.vars)) {
		if !names[name] && !c.hidden[name] {
			c.wrong(Pos{}, "-e %s: unknown variable: %s", clip(name, 60), among(name, known))
		}
	}
}
