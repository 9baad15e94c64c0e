package web

import (
	"embed"
	"io/fs"
	"sync"
)

// files are those of the page.
//
//go:embed page
var files embed.FS

// ours is the page. Its files are in the binary, and the tests have put them together: it cannot fail.
var ours = sync.OnceValue(func() *page {
	sub, err := fs.Sub(files, "page")
	if err != nil {
		panic(err)
	}
	p, err := compose(sub)
	if err != nil {
		panic(err)
	}
	return p
})
