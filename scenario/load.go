package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds a scenario file, in bytes.
const MaxFile = 1 << 20

// Load reads and compiles a scenario file, in YAML or JSON, and the files that it names, which are looked for
// from its own folder. What is wrong with it is in a *Problems; other errors are of the file system.
func Load(path string, o Options) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, path, filepath.Dir(path), o)
}

// Read is Load from a reader; name is for messages, and dir where the files that it names are looked for.
func Read(in io.Reader, name, dir string, o Options) (*Scenario, error) {
	src, b, err := readSource(in, name)
	if err != nil {
		return nil, err
	}
	root := src.parse(b)
	if root == nil {
		return nil, src.err()
	}
	src.secrets = append(secretsIn(root), longOnes(o.Vars)...)
	file := new(File)
	r := &reader{source: src}
	r.object(root, "scenario", file.fields())
	c := newCompiler(src, file, dir, o)
	c.broken = len(src.list) > 0
	if r.lost {
		c.hidden = make(map[string]bool)
		scalarsIn(root, c.hidden)
	}
	c.all() // also after a mistake, so that all are told at once
	if err := src.err(); err != nil {
		return nil, err
	}
	return c.out, nil
}

// readSource reads a file that is to be parsed, and refuses one that is too large.
func readSource(in io.Reader, name string) (*source, []byte, error) {
	b, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > MaxFile {
		src := newSource(name, nil)
		src.wrong(Pos{}, "got more than %d KiB, want at most that; rows of data have files of their own, under data", MaxFile>>10)
		return nil, nil, src.err()
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if json.Valid(b) {
		b = surrogates.ReplaceAllFunc(b, unescape)
	}
	return newSource(name, b), b, nil
}

// surrogates are how JSON may write a character beyond U+FFFF, which YAML may not, and all other escapes.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\.`)

func unescape(b []byte) []byte {
	var s string
	if len(b) == len(`\ud83d\ude00`) && json.Unmarshal(fmt.Appendf(nil, `"%s"`, b), &s) == nil {
		return []byte(s)
	}
	return b
}

// scalarsIn gathers all that is written in a file by itself, and so may be a name.
func scalarsIn(n *yaml.Node, into map[string]bool) {
	if n.Kind == yaml.ScalarNode {
		into[n.Value] = true
	}
	for _, child := range n.Content {
		scalarsIn(child, into)
	}
}

// secretsIn gives the texts under auth.token, whatever their keys, so that no message and no excerpt shows
// one.
func secretsIn(root *yaml.Node) (secrets []string) {
	for _, section := range []string{"auth", "token"} {
		at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == section })
		if at < 0 || at+1 >= len(root.Content) {
			return nil
		}
		root = root.Content[at+1]
	}
	for _, n := range append(root.Content, root) {
		if n.Kind == yaml.ScalarNode && isSecret(n.Value) {
			secrets = append(secrets, n.Value)
		}
	}
	return secrets
}

func longOnes(vars map[string]string) (secrets []string) {
	for _, v := range vars {
		if isSecret(v) {
			secrets = append(secrets, v)
		}
	}
	return secrets
}

// isSecret tells texts that are long enough to be a token, and not a word that messages need.
func isSecret(s string) bool { return len(s) >= 20 }
