package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/loadrig/loadrig/internal/wstest"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOADRIG_TEST_AS_PROGRAM") != "" {
		os.Exit(Main(ThisProcess()))
	}
	testscript.Main(m, map[string]func(){
		"loadrig": func() { os.Exit(Main(ThisProcess())) },
	})
}

// TestScripts runs the command line as a user does. Each script in testdata says what it is about. $CERTS
// is a folder of certificates, and $WSS a server that wants one of them from its clients.
func TestScripts(t *testing.T) {
	certs := t.TempDir()
	authority := wstest.NewAuthority(t)
	authority.WriteFiles(certs, "good", "other", "player-0", "player-1")
	secure := wstest.ServeTLSConfig(t, authority.Demanding(), wstest.Echo)
	servers := startServers(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			e.Setenv("CERTS", certs)
			e.Setenv("WSS", secure.URL())
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
