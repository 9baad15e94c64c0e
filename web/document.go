package web

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"

	"github.com/loadrig/loadrig/compare"
	"github.com/loadrig/loadrig/timeline"
)

// Schema names the format of what the page draws. It is the page's own: what others read are the outputs.
const Schema = "loadrig.page/v1"

// document is what the page draws.
type document struct {
	Schema     string          `json:"schema"`
	Mode       string          `json:"mode"`
	Runs       []*timeline.Run `json:"runs"`
	Comparison *compare.Result `json:"comparison,omitempty"`
}

// The modes.
const (
	live     = "live"
	aReport  = "report"
	aCompare = "compare"
)

// WriteReport writes the page with a run in it, as one file that needs nothing else.
func WriteReport(w io.Writer, r *timeline.Run) error {
	var text bytes.Buffer
	if r.Summary != nil {
		if err := r.Summary.WriteText(&text); err != nil {
			return err
		}
	}
	if r.Damage != "" {
		fmt.Fprintf(&text, "\nThe run directory is damaged: %s\n", r.Damage)
	}
	return write(w, "loadrig "+nameOf(r), text.String(), &document{Mode: aReport, Runs: []*timeline.Run{r}})
}

// WriteComparison writes the page with two runs in it and how they differ, as one file that needs nothing else.
func WriteComparison(w io.Writer, a, b *timeline.Run, of *compare.Result) error {
	var text bytes.Buffer
	if err := of.WriteText(&text); err != nil {
		return err
	}
	return write(w, "loadrig "+nameOf(a)+" and "+nameOf(b), text.String(), &document{Mode: aCompare, Runs: []*timeline.Run{a, b}, Comparison: of})
}

// nameOf gives what a run is called.
func nameOf(r *timeline.Run) string {
	if r.Manifest.Name != "" {
		return r.Manifest.Name
	}
	return r.Manifest.ID
}

func write(w io.Writer, title, text string, d *document) error {
	d.Schema = Schema
	packed, err := pack(d, gzip.DefaultCompression)
	if err != nil {
		return err
	}
	for len(packed) > maxPacked*len(d.Runs) {
		fewer := false
		for i, r := range d.Runs {
			d.Runs[i] = r.Halved()
			fewer = fewer || d.Runs[i] != r
		}
		if !fewer {
			break
		}
		if packed, err = pack(d, gzip.DefaultCompression); err != nil {
			return err
		}
	}
	p := ours()
	_, err = io.WriteString(w, p.fill(
		`<meta http-equiv="Content-Security-Policy" content="`+p.policy("'none'")+`">`,
		html.EscapeString(title), html.EscapeString(text),
		`<script type="application/json" id="loadrig-data" data-encoding="gzip+base64">`+base64.StdEncoding.EncodeToString(packed)+`</script>`))
	return err
}

// maxPacked is how much a run may weigh in a file that is to be mailed: what is more than that has fewer rows. With the
// page, and as text, it is less than 2 MB.
const maxPacked = 1_350_000

// pack gives JSON, compressed.
func pack(v any, level int) ([]byte, error) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, level)
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
