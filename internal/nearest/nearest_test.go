package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"connections", "duration", "rate", "msg-rate", "url"}
	for got, want := range map[string]string{
		"conections":  "connections", // one letter missing
		"Duration":    "duration",    // case does not count
		"rat":         "rate",
		"messagerate": "", // four edits: no slip
		"xyz":         "",
		"":            "",
	} {
		if name, ok := Name(got, names); name != want || ok != (want != "") {
			t.Errorf("Name(%q) = %q, %v, want %q", got, name, ok, want)
		}
	}
}
