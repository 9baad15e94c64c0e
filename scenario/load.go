package scenario

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	src.secrets = append(src.secrets, secretsIn(root)...)
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
	sum := sha256.Sum256(b)
	c.out.source, c.out.SHA256 = b, hex.EncodeToString(sum[:])
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

// secretsIn gives the texts that may be a token, so that no message and no excerpt shows one: those under
// auth.token, but for what is known to be none, and the target's headers.
func secretsIn(root *yaml.Node) (secrets []string) {
	public := []string{"key", "issuer", "audience", "lifetime"}
	for _, path := range [][]string{{"auth", "token"}, {"target", "headers"}} {
		n := root
		for _, key := range path {
			n = child(n, key)
		}
		if n == nil {
			continue
		}
		if n.Kind == yaml.ScalarNode {
			secrets = append(secrets, n.Value)
		}
		for i := 1; i < len(n.Content); i += 2 {
			if !slices.Contains(public, n.Content[i-1].Value) {
				secrets = append(secrets, n.Content[i].Value)
			}
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
}

// minSecret is from how many bytes on a text is hidden; shorter ones are in every other word.
const minSecret = 8

// child gives the value of a key, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
