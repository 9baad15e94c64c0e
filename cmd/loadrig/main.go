// Command loadrig is a rig of simulated players for WebSocket servers. See loadrig --help.
package main

import (
	"os"

	"github.com/loadrig/loadrig/internal/cli"
)

func main() { os.Exit(cli.Main(cli.ThisProcess())) }
