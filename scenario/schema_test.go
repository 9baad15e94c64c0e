package scenario

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// compiled is the schema as a validator reads it.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("scenario.json")
})

// bySchema is what the schema says of a file that YAML can read.
func bySchema(t *testing.T, text []byte) error {
	t.Helper()
	schema, err := compiled()
	if err != nil {
		t.Fatalf("the schema is not one: %v", err)
	}
	src, b, err := readSource(bytes.NewReader(text), "x")
	if err != nil {
		return err
	}
	root := src.parse(b)
	if root == nil {
		return src.err()
	}
	return schema.Validate(plainValue(root))
}

// plainValue gives what YAML means as JSON has it.
func plainValue(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := make(map[string]any)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainValue(n.Content[i+1])
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plainValue(c))
		}
		return list
	case isText(n):
		return n.Value
	case isNull(n):
		return nil
	case n.ShortTag() == "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	if s, ok := jsonLiteral(n); ok {
		return json.Number(s)
	}
	return n.Value // as .inf
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	for _, dir := range []string{"testdata/good", "../examples"} {
		for _, file := range fixtures(t, dir) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := bySchema(t, b); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// bySight are mistakes of form, which a schema can see and so an editor shows.
var bySight = []string{
	"unknown-key", "unknown-key-at-the-top", "unknown-step", "unknown-step-alone", "two-keys-in-a-step", "step-is-a-list",
	"step-is-nothing", "step-without-body", "step-with-an-empty-body", "step-alone-with-a-body", "players-missing",
	"players-list", "steps-missing", "steps-a-text", "text-for-a-number", "quoted-number", "number-too-large",
	"fraction-for-a-whole-number", "truth", "list-for-a-text", "nothing-for-a-text", "nothing-for-a-section",
	"list-for-a-section", "mapping-for-a-list", "mapping-for-texts", "list-in-a-list", "choice", "negative-duration",
	"duration", "rate", "size", "stages-empty", "stage", "header-name", "variable-name", "names", "think",
	"choose-nothing", "loop-times", "close-code-range", "status", "statuses-mapping", "message-is-no-object", "save-as",
	"request-without-id", "null-for-either", "data-list", "data-order", "data-without-file", "auth-scope", "tags",
	"thresholds", "fragments-list", "rules-mapping", "json-types", "list", "not-a-mapping", "empty-name",
}

func TestSchemaRefusesBadFiles(t *testing.T) {
	for _, name := range bySight {
		found, err := filepath.Glob("testdata/bad/" + name + ".*")
		if err != nil {
			t.Fatal(err)
		}
		read := false
		for _, file := range found {
			if strings.HasSuffix(file, ".txt") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read = true
			if bySchema(t, b) == nil {
				t.Errorf("%s: the schema takes it", file)
			}
		}
		if !read {
			t.Errorf("there is no fixture %s", name)
		}
	}
}

// TestSchemaIsTheSameEachTime: it goes into files that people keep.
func TestSchemaIsTheSameEachTime(t *testing.T) {
	if !bytes.Equal(Schema(), Schema()) {
		t.Error("two calls give two schemas")
	}
}
