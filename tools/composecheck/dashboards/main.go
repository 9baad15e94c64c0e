// Command dashboards writes loadrig's Grafana dashboards: three, each for one job. They are written in Go so that
// what is asked of Prometheus is asked in one way, and so that Grafana's own schema checks them; what is committed
// is held to be what is written here by a test.
//
//	cd tools/composecheck && go run ./dashboards
//
// What may live here: what the dashboards show, and how. What may not: checks, which must also find the mistakes of
// those who write here.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// boards are the dashboards by file name.
var boards = map[string]func() *dashboard.DashboardBuilder{
	"live.json":     live,
	"soak.json":     soak,
	"capacity.json": capacity,
}

func main() {
	dir := "../../deploy/grafana/dashboards"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for name, build := range boards {
		text, err := render(build())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// render gives a dashboard as Grafana reads it.
func render(b *dashboard.DashboardBuilder) ([]byte, error) {
	d, err := b.Build()
	if err != nil {
		return nil, err
	}
	for i, p := range d.Panels { // ids are what links to a panel have
		id := uint32(i + 1)
		if p.Panel != nil {
			p.Panel.Id = &id
		} else {
			p.RowPanel.Id = id
		}
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}
