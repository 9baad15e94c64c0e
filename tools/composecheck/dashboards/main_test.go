package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommitted holds the committed dashboards to what is written here.
func TestCommitted(t *testing.T) {
	dir := filepath.FromSlash("../../../deploy/grafana/dashboards")
	for name, build := range boards {
		want, err := render(build())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what is generated: run cd tools/composecheck && go run ./dashboards", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != len(boards) {
		t.Errorf("got %d dashboards in %s, want the %d that are written here (%v)", len(files), dir, len(boards), err)
	}
}
