package scenario

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// Starter is a scenario to begin with: it runs as it is, and its comments say what to change.
type Starter struct {
	Name string
	Doc  string // one line
	Text []byte
}

//go:embed starters/*.yaml
var starters embed.FS

// Starters lists them, by name.
func Starters() (all []Starter) {
	files, err := fs.Glob(starters, "starters/*.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, file := range files {
		text, err := starters.ReadFile(file)
		if err != nil {
			panic(err) // it was just listed
		}
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		first, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Starter{Name: name, Doc: strings.TrimPrefix(first, "# "+name+": "), Text: text})
	}
	return all
}
