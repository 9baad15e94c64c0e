package web

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestSize: scripts and style sheets are small enough for any line.
func TestSize(t *testing.T) {
	const bound = 120_000
	p := ours()
	n := len(p.styles)
	for _, s := range p.script {
		n += len(s)
	}
	if n > bound {
		t.Errorf("got %d bytes of scripts and styles, want at most %d", n, bound)
	}
	t.Logf("%d bytes of scripts and styles, of that uPlot %d", n, len(p.script[0]))
}

// TestSelfContained: the page asks nobody else for anything, and has nothing that its policy forbids.
func TestSelfContained(t *testing.T) {
	p := ours()
	html := p.fill("", "", "", "")
	for _, bad := range []string{"src=", "style=", "onclick=", "onload=", "@import", "url(", "<link", "<iframe", "<base"} {
		own := strings.ReplaceAll(html, p.script[0], "")
		own = strings.Replace(own, `<link rel="icon" href="data:,">`, "", 1) // so that no browser asks for one
		if bad == "style=" || bad == "src=" {
			own = strings.ReplaceAll(own, p.script[1], "")
		}
		if i := strings.Index(own, bad); i >= 0 {
			t.Errorf("got %q in the page: …%.80s", bad, own[max(0, i-20):])
		}
	}
	for _, bad := range []string{"innerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://", "https://"} {
		if i := strings.Index(p.script[1], bad); i >= 0 {
			t.Errorf("got %q in our scripts: …%.80s", bad, p.script[1][max(0, i-20):])
		}
	}
}

func modules(files map[string]string) fstest.MapFS {
	m := make(fstest.MapFS)
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestJoin(t *testing.T) {
	got, err := join(modules(map[string]string{
		"js/main.js": "import { a, B } from \"./a.js\";\nimport { c } from \"./c.js\";\n\nconst main = a(c);\n",
		"js/a.js":    "import { c } from \"./c.js\";\nexport function a() {\n  return c;\n}\nexport class B {}\n",
		"js/c.js":    "// About c.\nexport const c = 1;\n\n\tfunction hidden() {}\n",
	}), "js/main.js")
	if err != nil {
		t.Fatal(err)
	}
	want := "const c = 1;\nfunction hidden() {}\nfunction a() {\nreturn c;\n}\nclass B {}\nconst main = a(c);\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJoinRefuses(t *testing.T) {
	for name, c := range map[string]struct{ main, a, want string }{
		"same name":   {"import { a } from \"./a.js\";\nconst b = 1;", "export const a = 1;\nconst b = 2;", "main.js line 2: got the name b, which js/a.js has"},
		"not given":   {"import { b } from \"./a.js\";", "const b = 2;", "main.js line 1: got an import of b, which a.js does not export"},
		"other form":  {"import * as a from \"./a.js\";", "", "main.js line 1: got \"import *"},
		"at run time": {"const a = await import(\"./a.js\");", "", "main.js line 1: got"},
		"default":     {"export default 1;", "", "main.js line 1: got \"export default"},
		"two lines":   {"const a = `b", "", "main.js line 1: got text that goes over lines"},
		"circle":      {"import { a } from \"./a.js\";", "import { b } from \"./main.js\";", "js/main.js: it imports itself"},
		"not there":   {"import { a } from \"./z.js\";", "", "z.js"},
	} {
		_, err := join(modules(map[string]string{"js/main.js": c.main, "js/a.js": c.a}), "js/main.js")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestComposeRefuses(t *testing.T) {
	whole := markPolicy + markTitle + markStyle + markText + markData + markScript
	good := map[string]string{"index.html": whole, "vendor/uPlot.min.css": "a{}", "vendor/uPlot.iife.min.js": "x", "js/main.js": "y", "css/a.css": "b{}"}
	if _, err := compose(modules(good)); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"index.html": whole + markData, "js/main.js": `const a = "</script>";`, "css/a.css": "</style>", "vendor/uPlot.iife.min.js": "<!--",
	} {
		bad := modules(good)
		bad[file] = &fstest.MapFile{Data: []byte(text)}
		if _, err := compose(bad); err == nil {
			t.Errorf("%s with %q: got no error", file, text)
		}
	}
	for file := range good {
		bad := modules(good)
		delete(bad, file)
		if _, err := compose(bad); err == nil && file != "css/a.css" {
			t.Errorf("without %s: got no error", file)
		}
	}
}
