// Package schemas holds the JSON schemas (draft 2020-12) of what loadrig writes, for loadrig schema to print.
//
// What may live here: the schemas, and the tests that make them of the code and hold what runs write to them. What
// may not: the types that they are of.
package schemas

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.json
var files embed.FS

// version ends the names of the files: a change of meaning makes another file.
const version = "-v1.json"

// Names lists the schemas.
func Names() (names []string) {
	list, err := fs.Glob(files, "*"+version)
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, file := range list {
		names = append(names, strings.TrimSuffix(file, version))
	}
	return names
}

// Text gives the schema of that name; ok is false where there is none.
func Text(name string) (text []byte, ok bool) {
	text, err := files.ReadFile(name + version)
	return text, err == nil
}
