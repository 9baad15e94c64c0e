package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/loadrig/loadrig/outputs"
	"github.com/loadrig/loadrig/outputs/otlp"
	"github.com/loadrig/loadrig/outputs/remotewrite"
	"github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/scenario"
	"github.com/loadrig/loadrig/web"
)

// outHelp says what -o takes.
const outHelp = "`FORMAT=DESTINATION` where results go, as json=summary.json; repeatable; a format is text, json, csv, junit, markdown, hgrm, html, remote-write or otlp, and the destination - is stdout"

// opener turns outputs, as they are asked for, into sinks.
type opener struct {
	p       *Process
	logger  *slog.Logger
	from    string // what names them: a flag, or a file
	patient bool   // for a run that is read again: wait for servers, rather than drop
}

// open gives the sinks of some FORMAT=DESTINATION, after every check that can be made before; all mistakes are told
// at once. stdout tells that one of them prints.
func (o opener) open(texts []string) (sinks []report.Sink, stdout bool, err error) {
	var errs []error
	taken := make(map[string]bool) // places
	for _, text := range texts {
		spec, sink, err := o.one(text)
		if err == nil && taken[place(spec)] {
			err = fmt.Errorf("%s: got two outputs to that place, want one", spec)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.from, err))
			continue
		}
		taken[place(spec)] = true
		sinks = append(sinks, sink)
		stdout = stdout || spec.Destination == outputs.Stdout
	}
	if len(errs) > 0 {
		return nil, false, &exitError{ExitUsage, errors.Join(errs...)}
	}
	return sinks, stdout, nil
}

// place is what two outputs cannot both have.
func place(spec outputs.Spec) string {
	if spec.Format.Pushed() || spec.Destination == outputs.Stdout {
		return spec.Destination
	}
	path, err := filepath.Abs(spec.Destination)
	if err != nil {
		return spec.Destination
	}
	return path
}

// one gives one output. Nothing is written or sent before it begins.
func (o opener) one(text string) (outputs.Spec, report.Sink, error) {
	spec, err := outputs.Parse(text)
	if err == nil {
		err = spec.Check()
	}
	if err != nil {
		return spec, nil, err
	}
	sink, err := o.sink(spec)
	return spec, sink, err
}

func (o opener) sink(spec outputs.Spec) (report.Sink, error) {
	switch spec.Format {
	case outputs.RemoteWrite:
		return remotewrite.New(spec.Destination, remotewrite.Options{Getenv: o.p.Getenv, Logger: o.logger, Patient: o.patient})
	case outputs.OTLP:
		return otlp.New(spec.Destination, otlp.Options{Getenv: o.p.Getenv, Logger: o.logger, Patient: o.patient})
	case outputs.HTML:
		return web.NewOutput(spec, outputs.Options{Stdout: o.p.Stdout, Getenv: o.p.Getenv}), nil
	default:
		return spec.Sink(outputs.Options{Stdout: o.p.Stdout, Getenv: o.p.Getenv})
	}
}

// outs gives the sinks of a run: those of the flags, or else of the scenario.
func (f *runFlags) outs(p *Process, sc *scenario.Scenario, path string, logger *slog.Logger) (sinks []report.Sink, stdout bool, err error) {
	o := opener{p: p, logger: logger, from: "-o/--out"}
	texts := f.out
	if len(texts) == 0 && sc != nil {
		o.from, texts = nameOf(path)+": outputs", sc.File.Outputs
	}
	sinks, stdout, err = o.open(texts)
	if err == nil && stdout && f.json {
		err = usage("--json: got it, and %s that prints too; want one of them", o.from)
	}
	return sinks, stdout, err
}

// outputProblems gives the mistakes in the outputs of a scenario.
func outputProblems(sc *scenario.Scenario, path string) error {
	var list []scenario.Problem
	for _, text := range sc.File.Outputs {
		if _, err := outputs.Parse(text); err != nil {
			list = append(list, scenario.Problem{Message: "outputs: " + err.Error()})
		}
	}
	if list == nil {
		return nil
	}
	return &scenario.Problems{File: nameOf(path), List: list}
}
