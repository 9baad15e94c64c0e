package web

import (
	"bytes"

	"github.com/loadrig/loadrig/outputs"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/timeline"
)

// output is the output html of a run.
type output struct {
	*timeline.Timeline
	spec outputs.Spec
	o    outputs.Options
}

// NewOutput gives the output of the format html: a report that is written when the run is over.
func NewOutput(spec outputs.Spec, o outputs.Options) report.Sink {
	return &output{timeline.New(), spec, o}
}

// Begin implements report.Sink.
func (p *output) Begin(m *report.Manifest) error {
	if err := p.spec.Check(); err != nil {
		return err
	}
	return p.Timeline.Begin(m)
}

// End implements report.Sink. Of a run that has no summary there is no report.
func (p *output) End(s *report.Summary) error {
	if err := p.Timeline.End(s); err != nil || s == nil {
		return err
	}
	var b bytes.Buffer
	if err := WriteReport(&b, p.Run()); err != nil {
		return err
	}
	return p.spec.Write(p.o, b.Bytes())
}
