package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOADRIG_TEST_AS_PROGRAM") != "" {
		os.Exit(Main(ThisProcess()))
	}
	testscript.Main(m, map[string]func(){
		"loadrig": func() { os.Exit(Main(ThisProcess())) },
	})
}

// TestScripts runs the command line as a user does. Each script in testdata says what it is about.
func TestScripts(t *testing.T) {
	servers := startServers(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			for name, address := range servers {
				e.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"json": checkJSON,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
