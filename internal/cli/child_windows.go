package cli

import (
	"os/exec"
	"syscall"
)

// detach keeps a Ctrl-C on the console from the child, which the rig still has to close its connections
// with.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
