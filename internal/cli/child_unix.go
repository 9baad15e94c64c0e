//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// detach keeps a Ctrl-C on the terminal from the child, which the rig still has to close its connections
// with.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
