package cli

import (
	"errors"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/transport"
)

// compressFlag is --compress: off, on, or takeover.
type compressFlag string

const (
	compressOff      compressFlag = "off"
	compressOn       compressFlag = "on"
	compressTakeover compressFlag = "takeover"
)

func (f *compressFlag) register(fs *pflag.FlagSet) {
	*f = compressOff
	fs.Var(f, "compress", "offer compression (permessage-deflate); `how` is on, off, or takeover: messages may refer back to earlier ones, at up to 40 KiB a player")
	fs.Lookup("compress").NoOptDefVal = string(compressOn)
}

// options gives what to offer; nil for nothing.
func (f compressFlag) options() *transport.Compression {
	if f == compressOff {
		return nil
	}
	return &transport.Compression{Takeover: f == compressTakeover}
}

// forChild gives the arguments of an embedded target that is to take the offer.
func (f compressFlag) forChild() []string {
	if f == compressOff {
		return nil
	}
	return []string{"--compress"}
}

// String implements pflag.Value.
func (f *compressFlag) String() string {
	if *f == compressOff {
		return "" // which is not worth showing as the default
	}
	return string(*f)
}

// Type implements pflag.Value.
func (f *compressFlag) Type() string { return "compress" }

var errNotCompress = errors.New("not on, off or takeover")

// Set implements pflag.Value. In the environment one writes 1 or true for on.
func (f *compressFlag) Set(s string) error {
	switch v := compressFlag(s); v {
	case compressOff, compressOn, compressTakeover:
		*f = v
		return nil
	}
	yes, err := strconv.ParseBool(s)
	if err != nil {
		return errNotCompress
	}
	*f = compressOff
	if yes {
		*f = compressOn
	}
	return nil
}

// talk says so if not all connections compress, as the summary of a run without any looks like any other.
func (f compressFlag) talk(t *talker, compressed, opened uint64) {
	if f != compressOff && compressed < opened {
		t.note("--compress: the server took the offer on %d of %d connections; the others ran without", compressed, opened)
	}
}
