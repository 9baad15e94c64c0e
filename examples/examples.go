package examples

import (
	"embed"
	"io/fs"
	"strings"
)

// Scenario is a scenario to begin with: its comments say how it is run, and what to change.
type Scenario struct {
	Name string
	Doc  string // one line
	Text []byte
}

//go:embed *.yaml
var files embed.FS

// Scenarios lists them, by name.
func Scenarios() (all []Scenario) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, file := range names {
		text, err := files.ReadFile(file)
		if err != nil {
			panic(err) // it was just listed
		}
		name := strings.TrimSuffix(file, ".yaml")
		first, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Scenario{Name: name, Doc: strings.TrimPrefix(first, "# "+name+": "), Text: text})
	}
	return all
}
