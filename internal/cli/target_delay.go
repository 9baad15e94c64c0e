package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/target"
)

// delayFlags say how a target holds back its answers, and where it tells of that.
type delayFlags struct {
	delay, stall, log string
}

func (d *delayFlags) register(f *pflag.FlagSet, o *target.Options) {
	f.StringVar(&d.delay, "delay", "", "`law` by which an echo or json-auth target holds back each answer: "+target.Laws)
	f.Uint64Var(&o.DelaySeed, "delay-seed", 0, "`seed` that the delays are drawn from")
	f.StringVar(&d.stall, "stall", "", "`for/every`: stand still, as 1s/10s for a second in every ten, the first after ten")
	f.StringVar(&d.log, "delay-log", "", "`file` to append to when each answer was read and sent, and when it stood still")
}

// read reports every mistake.
func (d *delayFlags) read(o *target.Options) error {
	var errs []error
	var err error
	if d.delay != "" {
		if o.Delay, err = target.ParseLaw(d.delay); err != nil {
			errs = append(errs, fmt.Errorf("--delay: %w", err))
		}
	}
	if d.stall != "" {
		if o.Stall, err = target.ParseStall(d.stall); err != nil {
			errs = append(errs, fmt.Errorf("--stall: %w", err))
		}
	}
	if len(errs) > 0 {
		return &exitError{ExitUsage, errors.Join(errs...)}
	}
	return nil
}

// logged has the log open while it serves.
func (d *delayFlags) logged(o *target.Options, serve func() error) error {
	if d.log == "" {
		return serve()
	}
	f, err := os.OpenFile(d.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return usage("--delay-log: %w", err)
	}
	o.DelayLog = f
	err = serve()
	if cerr := f.Close(); err == nil && cerr != nil {
		err = internal(cerr)
	}
	return err
}
