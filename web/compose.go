package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// page is the document, apart at where the data of a report goes.
type page struct {
	html   string // with the marks in it
	script []string
	styles string
}

// The marks of index.html that something is put in place of.
const (
	markPolicy = "<!--loadrig:policy-->" // the content security policy of a report
	markTitle  = "<!--loadrig:title-->"
	markStyle  = "<!--loadrig:style-->"
	markText   = "<!--loadrig:text-->" // what a page without scripts shows
	markData   = "<!--loadrig:data-->"
	markScript = "<!--loadrig:script-->"
)

// compose reads the files of the page.
func compose(files fs.FS) (*page, error) {
	html, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, err
	}
	p := &page{html: string(html)}
	for _, mark := range []string{markPolicy, markTitle, markStyle, markText, markData, markScript} {
		if n := strings.Count(p.html, mark); n != 1 {
			return nil, fmt.Errorf("index.html: got %s %d times, want it once", mark, n)
		}
	}
	sheets, err := fs.Glob(files, "css/*.css") // sorted
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{"vendor/uPlot.min.css"}, sheets...) {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(cssComment.ReplaceAllString(string(b), "")) {
			p.styles += cssBlanks.Replace(spare(line))
		}
	}
	plot, err := fs.ReadFile(files, "vendor/uPlot.iife.min.js")
	if err != nil {
		return nil, err
	}
	own, err := join(files, "js/main.js")
	if err != nil {
		return nil, err
	}
	p.script = []string{string(plot), own}
	for _, s := range append([]string{p.styles}, p.script...) {
		if strings.Contains(strings.ToLower(s), "</script") || strings.Contains(strings.ToLower(s), "</style") || strings.Contains(s, "<!--") {
			return nil, fmt.Errorf("a script or style sheet has what would end it early")
		}
	}
	return p, nil
}

var (
	importLine = regexp.MustCompile(`^import \{ ([\w$, ]+) \} from "\./([\w-]+\.js)";$`)
	anyImport  = regexp.MustCompile(`^\s*import\b|\bimport\(`)
	topLevel   = regexp.MustCompile(`^(?:export )?(?:async )?(?:function\*?|const|let|class) ([\w$]+)`)
	exported   = regexp.MustCompile(`^export (?:async )?(?:function\*?|const|let|class) `)
)

// joiner puts modules one behind the other.
type joiner struct {
	files fs.FS
	out   strings.Builder
	state map[string]int    // of each module: 0 for not seen, 1 under way, 2 done
	names map[string]string // top-level names, and the module that has them
	gives map[string]map[string]bool
}

// join makes one module of that and all that it imports, each after what it imports. Imports and exports go, so that
// top-level names have to differ between modules, which is checked.
func join(files fs.FS, main string) (string, error) {
	j := &joiner{files: files, state: make(map[string]int), names: make(map[string]string), gives: make(map[string]map[string]bool)}
	if err := j.add(main); err != nil {
		return "", err
	}
	return j.out.String(), nil
}

func (j *joiner) add(name string) error {
	switch j.state[name] {
	case 1:
		return fmt.Errorf("%s: it imports itself, by others", name)
	case 2:
		return nil
	}
	j.state[name], j.gives[name] = 1, make(map[string]bool)
	b, err := fs.ReadFile(j.files, name)
	if err != nil {
		return err
	}
	var own strings.Builder
	for i, line := range strings.Split(string(b), "\n") {
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("%s line %d: %s", name, i+1, fmt.Sprintf(format, args...))
		}
		if m := importLine.FindStringSubmatch(line); m != nil {
			from := path.Join(path.Dir(name), m[2])
			if err := j.add(from); err != nil {
				return err
			}
			for what := range strings.SplitSeq(m[1], ", ") {
				if !j.gives[from][what] {
					return wrong("got an import of %s, which %s does not export", what, m[2])
				}
			}
			continue
		}
		if anyImport.MatchString(line) {
			return wrong(`got %.60q, want imports as import { a, b } from "./other.js";`, line)
		}
		if m := topLevel.FindStringSubmatch(line); m != nil {
			if other, ok := j.names[m[1]]; ok {
				return wrong("got the name %s, which %s has at its top level too", m[1], other)
			}
			j.names[m[1]] = name
			if exported.MatchString(line) {
				j.gives[name][m[1]] = true
			}
		} else if strings.HasPrefix(line, "export") {
			return wrong("got %.60q, want export before a function, const or class", line)
		}
		if strings.Count(line, "`")%2 != 0 {
			return wrong("got text that goes over lines, want each on one")
		}
		own.WriteString(spare(strings.TrimPrefix(line, "export ")))
	}
	j.state[name] = 2
	j.out.WriteString(own.String())
	return nil
}

// spare leaves out what only readers of the source need: indents, empty lines, and comments that have a line of their own.
func spare(line string) string {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "//") {
		return ""
	}
	return line + "\n"
}

var (
	// cssComment is a comment of a style sheet.
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	// cssBlanks takes away blanks that mean nothing; ours have no texts that could have some.
	cssBlanks = strings.NewReplacer(": ", ":", " {", "{", "{ ", "{", "; ", ";", " }", "}", ", ", ",")
)

// policy gives the content security policy: what is in the page may run, and nothing else; connections go where connect
// says.
func (p *page) policy(connect string) string {
	var hashes []string
	for _, s := range p.script {
		hashes = append(hashes, hashOf(s))
	}
	return "default-src 'none'; script-src " + strings.Join(hashes, " ") + "; style-src " + hashOf(p.styles) +
		"; connect-src " + connect + "; img-src data:; base-uri 'none'; form-action 'none'"
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// fill gives the document. What it is given is HTML already.
func (p *page) fill(policy, title, text, data string) string {
	return strings.NewReplacer(
		markPolicy, policy, markTitle, title, markText, text, markData, data,
		markStyle, "<style>"+p.styles+"</style>",
		markScript, "<script>"+p.script[0]+"</script>\n<script type=\"module\">"+p.script[1]+"</script>",
	).Replace(p.html)
}
