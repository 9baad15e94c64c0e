package scenario

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryMistakeHasAFixture: each message in the source is in the golden file of some fixture, or in a
// test.
func TestEveryMistakeHasAFixture(t *testing.T) {
	var all strings.Builder
	for _, glob := range []string{"testdata/bad/*.txt", "testdata/large/*.txt", "*_test.go"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset, messages := token.NewFileSet(), 0
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if name != "wrong" && name != "wrongAt" && name != "Errorf" {
				return true
			}
			format := literal(call.Args[0])
			if format == "" {
				format = literal(call.Args[1])
			}
			if format == "" || strings.TrimLeft(format, "%svdq: ") == "" {
				return true // it passes on what is worded elsewhere
			}
			messages++
			if !pattern(format).MatchString(all.String()) {
				t.Errorf("%v: no fixture has the message %q", fset.Position(call.Pos()), format)
			}
			return true
		})
	}
	if messages < 100 {
		t.Errorf("found %d messages in the source, want most of them: do they have other names now?", messages)
	}
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}

var verb = regexp.MustCompile(`%#?[a-zA-Z]`)

// pattern matches what a format can give.
func pattern(format string) *regexp.Regexp {
	parts := verb.Split(format, -1)
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(strings.Join(parts, `.*`))
}
