package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds a scenario file, in bytes.
const MaxFile = 1 << 20

// Load reads and compiles a scenario file, in YAML or JSON. What is wrong with it is in a *Problems; other
// errors are of the file system. Files that it names are looked for from its own folder.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, path, filepath.Dir(path))
}

// Read is Load from a reader; name is for messages, and dir where the files that it names are looked for.
func Read(in io.Reader, name, dir string) (*Scenario, error) {
	b, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	src := newSource(name, b)
	if len(b) > MaxFile {
		src.wrong(Pos{1, 1}, "got more than %d KiB, want a scenario file of at most that; put data into files of their own, under data", MaxFile>>10)
		src.list[0].Excerpt = ""
		return nil, src.err()
	}
	root := src.parse(b)
	if root == nil {
		return nil, src.err()
	}
	file := new(File)
	r := &reader{source: src}
	r.object(root, "scenario", file.fields())
	if src.err() != nil {
		return nil, src.err()
	}
	c := &compiler{source: src, file: file, dir: dir, out: &Scenario{File: file, Feeds: file.Data}}
	c.all()
	if err := src.err(); err != nil {
		return nil, err
	}
	return c.out, nil
}

// parse gives the root of the document, or nil after a mistake. Aliases are refused: fragments do what they
// are for, and a file of them can grow without bound.
func (s *source) parse(b []byte) *yaml.Node {
	if !strings.Contains(string(b), ":") {
		s.wrong(Pos{1, 1}, "got no scenario; want a mapping, which loadrig init writes a commented example of")
		return nil
	}
	var doc yaml.Node
	err := yaml.Load(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), &doc)
	var one *yaml.LoadError
	var many *yaml.LoadErrors
	switch {
	case errors.As(err, &one):
		s.wrong(markOf(one), "%s", one.Message)
		return nil
	case errors.As(err, &many):
		for _, e := range many.Errors {
			s.wrong(markOf(e), "%s", e.Message)
		}
		return nil
	case err != nil:
		s.wrong(Pos{1, 1}, "%v", err)
		return nil
	case len(doc.Content) != 1:
		s.wrong(Pos{1, 1}, "got %d documents, want one", len(doc.Content))
		return nil
	}
	root := doc.Content[0]
	s.noAliases(root)
	if len(s.list) > 0 {
		return nil
	}
	return root
}

func (s *source) noAliases(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		s.wrong(posOf(n), "got an alias, *%s, which scenario files do not have; fragments and vars are for what is used twice", clip(n.Value, 40))
		return
	}
	for _, c := range n.Content {
		s.noAliases(c)
	}
}

// markOf gives the place of what the YAML parser refused; the first if it does not say.
func markOf(e *yaml.LoadError) Pos {
	return Pos{max(1, e.Mark.Line), max(1, e.Mark.Column)}
}
