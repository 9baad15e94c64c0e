package cli

import (
	"testing"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/transport"
)

// TestCompressFlag: what is offered, by what is given.
func TestCompressFlag(t *testing.T) {
	for _, c := range []struct {
		args []string
		want *transport.Compression
	}{
		{nil, nil},
		{[]string{"--compress"}, &transport.Compression{}},
		{[]string{"--compress=on"}, &transport.Compression{}},
		{[]string{"--compress=1"}, &transport.Compression{}},
		{[]string{"--compress=true"}, &transport.Compression{}},
		{[]string{"--compress=takeover"}, &transport.Compression{Takeover: true}},
		{[]string{"--compress", "--compress=off"}, nil},
		{[]string{"--compress=false"}, nil},
	} {
		f := new(runFlags)
		f.network.getenv = func(string) string { return "" }
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		f.register(fs)
		if err := fs.Parse(c.args); err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		cfg, err := f.config(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := cfg.Transport.Compress
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%v: offers %+v, want %+v", c.args, got, c.want)
		}
		if child := len(f.compress.forChild()) > 0; child != (c.want != nil) {
			t.Errorf("%v: the embedded target takes offers: %v", c.args, child)
		}
	}
	for _, bad := range []string{"", "zip", "Takeover", "2"} {
		var f compressFlag
		if f.Set(bad) == nil {
			t.Errorf("%q was taken for %q", bad, f)
		}
	}
}
