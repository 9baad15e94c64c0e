package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// child is an embedded target in a process of its own, so that its descriptors and CPU are not the
// rig's. It ends with this process, however that ends, as its standard input does.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	url   string
}

// startChild starts a target of that kind and waits until it listens. The args are more flags of the target
// command; a JWKS is best given as the JSON itself, which needs no file.
func startChild(p *Process, kind string, args ...string) (*child, error) {
	self, err := p.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the embedded target: %w", err)
	}
	c := &child{cmd: exec.Command(self, append([]string{"target", kind, "--with-parent"}, args...)...)}
	c.cmd.Stderr = p.Stderr
	c.cmd.Env = withoutFlags(os.Environ())
	detach(c.cmd)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded target: %w", err)
	}
	c.stdin, c.out = in, bufio.NewReader(out)
	line, err := c.out.ReadString('\n')
	if err != nil {
		_, _ = c.stop()
		return nil, fmt.Errorf("the embedded target did not start: %w", err)
	}
	c.url = strings.TrimSpace(line)
	return c, nil
}

// withoutFlags leaves out of an environment what gives flags their values: it is meant for the rig's.
func withoutFlags(env []string) []string {
	flags := map[string]bool{}
	newTargetCommand(&Process{}).Flags().VisitAll(func(f *pflag.Flag) { flags[variable(f.Name)] = true })
	return slices.DeleteFunc(env, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return flags[name]
	})
}

// stop has the target end and gives what it counted.
func (c *child) stop() (targetStats, error) {
	var s targetStats
	_ = c.stdin.Close()
	kill := time.AfterFunc(2*shutdownTimeout, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	err := json.NewDecoder(c.out).Decode(&s)
	return s, errors.Join(err, c.cmd.Wait())
}
