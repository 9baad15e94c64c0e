package layering

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// root is the module's folder.
const root = "../.."

// goFiles lists the module's Go files. What lies in a hidden folder, in testdata, in node_modules or in
// a module of its own is not the module's.
func goFiles(fsys fs.FS) (files []string, err error) {
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			if strings.HasSuffix(p, ".go") {
				files = append(files, p)
			}
			return nil
		case p == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."), d.Name() == "node_modules", d.Name() == "testdata":
			return fs.SkipDir
		}
		if _, err := fs.Stat(fsys, path.Join(p, "go.mod")); err == nil {
			return fs.SkipDir
		}
		return nil
	})
	return files, err
}

// imports gives what each folder's Go files import outside of tests, on any system: build constraints
// are not looked at. A folder that has only tests is there too, with no imports.
func imports(fsys fs.FS) (map[string][]string, error) {
	files, err := goFiles(fsys)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]string)
	for _, p := range files {
		dir := path.Dir(p)
		if _, ok := all[dir]; !ok {
			all[dir] = nil
		}
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, i := range f.Imports {
			if imp := strings.Trim(i.Path.Value, `"`); !slices.Contains(all[dir], imp) {
				all[dir] = append(all[dir], imp)
			}
		}
	}
	return all, nil
}

func ruleOf(pkg string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.pkg == pkg })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// within says whether imp is the package or module at p, or in it.
func within(imp, p string) bool { return imp == p || strings.HasPrefix(imp, p+"/") }

// violations gives every breach of a rule in fsys, each with its reason.
func violations(fsys fs.FS) (found []string, err error) {
	all, err := imports(fsys)
	if err != nil {
		return nil, err
	}
	for pkg, imps := range all {
		if slices.Contains(vagueNames, path.Base(pkg)) {
			found = append(found, fmt.Sprintf("%s: name it after what it is for; anything ends up in a package of that name", pkg))
			continue
		}
		r, ok := ruleOf(pkg)
		if !ok {
			found = append(found, fmt.Sprintf("%s is in no rule: give it a row in internal/layering/rules_test.go and a line in docs/architecture.md", pkg))
			continue
		}
		for _, imp := range imps {
			found = append(found, breaches(r, imp)...)
		}
	}
	slices.Sort(found)
	return found, nil
}

// breaches gives what is wrong with the package of r importing imp.
func breaches(r rule, imp string) (found []string) {
	for _, f := range fences {
		if within(imp, f.path) && !within(imp, module+"/"+r.pkg) && !slices.Contains(f.by, r.pkg) {
			found = append(found, fmt.Sprintf("%s imports %s, which only %v may: %s", r.pkg, imp, f.by, f.reason))
		}
	}
	of, own := strings.CutPrefix(imp, module+"/")
	if !own {
		return found
	}
	if r.only != nil && !slices.Contains(r.only, of) {
		found = append(found, fmt.Sprintf("%s imports %s, and may import only %v: %s", r.pkg, of, r.only, r.reason))
	}
	below, ok := ruleOf(of)
	vocabulary := of == "messages" && r.pkg != "messages"
	if ok && r.floor != beside && below.floor >= r.floor && !vocabulary {
		found = append(found, fmt.Sprintf("%s (floor %d) imports %s (floor %d): %s", r.pkg, r.floor, of, below.floor, pointDown))
	}
	return found
}

func TestImports(t *testing.T) {
	t.Log(pointDown)
	for _, r := range rules {
		if r.only == nil {
			t.Logf("%s (floor %d): anything below: %s", r.pkg, r.floor, r.reason)
		} else {
			t.Logf("%s imports only %v: %s", r.pkg, r.only, r.reason)
		}
	}
	for _, f := range fences {
		t.Logf("%s: only %v may import it: %s", f.path, f.by, f.reason)
	}
	t.Logf("no package is called %v: anything ends up there", vagueNames)

	fsys := os.DirFS(root)
	found, err := violations(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
	all, err := imports(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if _, ok := all[r.pkg]; !ok {
			t.Errorf("%s has a rule and does not exist: remove its row", r.pkg)
		}
	}
}

// TestImportsFinds: rules that find nothing wrong anywhere would be no rules.
func TestImportsFinds(t *testing.T) {
	for _, c := range []struct {
		file, imp string
		want      []string // a part of each breach, in order
	}{
		{"messages/x.go", module + "/authctx", []string{"below everything", pointDown}},
		{"transport/x.go", module + "/metrics", []string{"knows no actors", pointDown}},
		{"transport/x_windows.go", module + "/metrics", []string{"knows no actors", pointDown}},
		{"actors/x.go", module + "/metrics", []string{"do not import metrics"}},
		{"players/x.go", module + "/report", []string{pointDown}},
		{"report/x.go", module + "/rig", []string{pointDown}},
		{"rig/x.go", module + "/outputs", []string{pointDown}},
		{"rig/x.go", module + "/outputs/remotewrite", []string{"opt-in", pointDown}},
		{"outputs/x.go", "go.opentelemetry.io/proto/otlp/metrics/v1", []string{"by those who ask for it"}},
		{"rig/x.go", "github.com/asynkron/protoactor-go/actor", []string{"behind one wall"}},
		{"rig/x.go", "github.com/gobwas/ws", []string{"own sockets"}},
		{"players/x.go", "github.com/prometheus/client_golang/prometheus", []string{"plain fields"}},
		{"rig/x.go", "github.com/spf13/cobra", []string{"has no flags"}},
		{"transport/x.go", "github.com/lxzan/gws", []string{"no part of the product"}},
		{"rig/x.go", module + "/target", []string{"without a server of its own"}},
		{"rig/x.go", module + "/bench", []string{"the product no benchmark"}},
		{"players/x.go", module + "/internal/wstest", []string{"not linked into the binary"}},
		{"players/x_test.go", module + "/internal/wstest", nil},
		{"cmd/loadrig/main.go", module + "/rig", []string{"main is one line"}},
		{"cmd/loadrig/main.go", module + "/internal/cli", nil},
		{"target/x.go", module + "/transport", []string{"share its mistakes"}},
		{"players/x.go", module + "/actors", nil},
		{"newroom/x.go", "fmt", []string{"is in no rule"}},
		{"newroom/x_test.go", "fmt", []string{"is in no rule"}},
		{"internal/helpers/x.go", "fmt", []string{"name it after what it is for"}},
		{"testdata/x.go", "fmt", nil},
	} {
		name, _, _ := strings.Cut(path.Base(c.file), ".")
		fsys := fstest.MapFS{c.file: {Data: fmt.Appendf(nil, "package %s\n\nimport _ %q\n", name, c.imp)}}
		found, err := violations(fsys)
		ok := err == nil && len(found) == len(c.want)
		for i := 0; ok && i < len(found); i++ {
			ok = slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.want[i]) })
		}
		if !ok {
			t.Errorf("%s importing %s: got %q, %v, want %q", c.file, c.imp, found, err, c.want)
		}
	}
	nested := fstest.MapFS{"tools/go.mod": {}, "tools/x.go": {Data: []byte("package tools\n")}}
	if found, err := violations(nested); err != nil || found != nil {
		t.Errorf("a module of its own: got %q, %v, want nothing", found, err)
	}
}
