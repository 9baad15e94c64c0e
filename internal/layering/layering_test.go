package layering

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/messages"
)

const (
	module = "github.com/loadrig/loadrig/"
	root   = "../.."
)

// floors are the packages by the floor they are on. A package imports only from floors below its own, so
// that each can be read, tested and replaced without those above it. A new package needs a line here and
// in docs/architecture.md. The vocabulary is below everything, also below the rest of its own floor.
var floors = map[string]int{
	"messages": 0, "authctx": 0,
	"transport": 1, "metrics": 1, "load": 1, "machine": 1,
	"actors":  2,
	"players": 3, "report": 3,
	"rig":          4,
	"internal/cli": 6,
	"cmd/loadrig":  7,
}

// kits stand beside the floors; each names what it may import of this module.
var kits = map[string][]string{
	"target":               {"messages", "internal/epoll"},
	"bench":                {"actors", "messages", "metrics", "players", "target", "internal/epoll"},
	"internal/epoll":       nil,
	"internal/nearest":     nil,
	"internal/wstest":      nil,
	"internal/layering":    nil,
	"internal/realservers": nil,
}

// keepers are modules that few may import.
var keepers = []struct {
	path   string
	by     []string
	reason string
}{
	{"github.com/asynkron/protoactor-go", []string{"actors"}, "its upstream is slow and it has defects to stay clear of, so it is behind one wall (ADR 2)"},
	{"github.com/gobwas/ws", []string{"transport", "target", "bench", "internal/wstest"}, "frames are the transport's business"},
	{"github.com/prometheus/", []string{"metrics", "rig"}, "everything else counts in plain fields"},
	{"github.com/spf13/", []string{"internal/cli"}, "a user of the library has no flags"},
	{"github.com/lxzan/gws", []string{"bench"}, "a peer to compare with is no part of the product"},
	{module + "internal/wstest", nil, "test doubles are not linked into the binary"},
	{module + "internal/epoll", []string{"transport", "target", "bench"}, "system calls of sockets belong to those who own sockets"},
	{module + "target", []string{"internal/cli", "bench"}, "a rig must work without a server of its own"},
}

// imports gives the imports of each package in fsys outside of tests, by folder.
func imports(fsys fs.FS) (map[string]map[string]bool, error) {
	all := make(map[string]map[string]bool)
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(fsys, path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if all[dir] == nil {
			all[dir] = make(map[string]bool)
		}
		for _, i := range f.Imports {
			all[dir][strings.Trim(i.Path.Value, `"`)] = true
		}
		return nil
	})
	return all, err
}

// violations checks every import against the rules.
func violations(all map[string]map[string]bool) (found []string) {
	for pkg, imps := range all {
		floor, onFloor := floors[pkg]
		allowed, isKit := kits[pkg]
		if !onFloor && !isKit {
			found = append(found, fmt.Sprintf("%s is in no rule: give it a floor in internal/layering and a line in docs/architecture.md", pkg))
			continue
		}
		for imp := range imps {
			for _, k := range keepers {
				if strings.HasPrefix(imp+"/", strings.TrimSuffix(k.path, "/")+"/") && !slices.Contains(k.by, pkg) {
					found = append(found, fmt.Sprintf("%s imports %s, which only %v may: %s", pkg, imp, k.by, k.reason))
				}
			}
			of, own := strings.CutPrefix(imp, module)
			if !own {
				continue
			}
			if below, ok := floors[of]; onFloor && ok && below >= floor && (of != "messages" || pkg == of) {
				found = append(found, fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports point down only, so that each package can be read without those above it", pkg, floor, of, below))
			}
			if isKit && !slices.Contains(allowed, of) {
				found = append(found, fmt.Sprintf("%s imports %s: it stands beside the floors and may import only %v", pkg, of, allowed))
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestImports(t *testing.T) {
	t.Log("imports point down only, so that each package can be read, tested and replaced without those above it")
	for _, k := range keepers {
		t.Logf("%s: only %v, as %s", k.path, k.by, k.reason)
	}
	all, err := imports(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations(all) {
		t.Error(v)
	}
	for pkg := range floors {
		if all[pkg] == nil {
			t.Errorf("%s has a floor and does not exist", pkg)
		}
	}
}

// TestImportsFinds: rules that find nothing wrong anywhere would be no rules.
func TestImportsFinds(t *testing.T) {
	for _, c := range []struct{ pkg, imp, want string }{
		{"messages", module + "actors", "imports point down only"},
		{"transport", module + "metrics", "imports point down only"},
		{"rig", "github.com/asynkron/protoactor-go/actor", "behind one wall"},
		{"rig", module + "target", "without a server of its own"},
		{"actors", module + "internal/wstest", "not linked into the binary"},
		{"target", module + "actors", "stands beside the floors"},
		{"helpers", "fmt", "is in no rule"},
	} {
		found := violations(map[string]map[string]bool{c.pkg: {c.imp: true}})
		if len(found) != 1 || !strings.Contains(found[0], c.want) {
			t.Errorf("%s importing %s: got %q, want %q", c.pkg, c.imp, found, c.want)
		}
	}
}

// TestDocs: each folder says what may live there and what may not.
func TestDocs(t *testing.T) {
	for pkg := range floors {
		checkDoc(t, pkg)
	}
	for pkg := range kits {
		checkDoc(t, pkg)
	}
}

func checkDoc(t *testing.T, pkg string) {
	if pkg == "cmd/loadrig" {
		return // one line of code
	}
	files, err := filepath.Glob(filepath.Join(root, pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "\n// ", " ")
		if strings.Contains(text, "What may live here") && strings.Contains(text, "What may not") {
			return
		}
	}
	t.Errorf("%s has no package comment that says what may live here and what may not", pkg)
}

// TestOneCommand: the README, the Makefile and CI run the tests by the same command.
func TestOneCommand(t *testing.T) {
	for file, line := range map[string]string{"README.md": "\ngo test ./... ", "Makefile": "\n\tgo test ./...\n", ".ci/run": "\ngo test ./...\n"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), line) {
			t.Errorf("%s does not run the tests by %q", file, strings.TrimSpace(line))
		}
	}
}

// TestTable holds the table in docs/architecture.md to the one in the code.
func TestTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range messages.States() {
		row := "| " + from.String() + " |"
		for in := range messages.Input(messages.NumInputs) {
			if next := messages.Next(from, in); next.Err != nil {
				row += " |"
			} else {
				row += " " + next.To.String() + " |"
			}
		}
		if !strings.Contains(string(b), "\n"+row+"\n") {
			t.Errorf("docs/architecture.md lacks the row %s", row)
		}
	}
}
