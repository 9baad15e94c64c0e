package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidwall/gjson"
)

// checkJSON is the script command json FILE PATH WANT…: the file is one JSON document, and what is at
// each path, as gjson reads it, prints as wanted, or with a ! before it, otherwise.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args)%2 != 1 {
		ts.Fatalf("usage: json FILE PATH WANT [PATH WANT]...")
	}
	text := ts.ReadFile(args[0])
	if !json.Valid([]byte(text)) {
		ts.Fatalf("%s: not one JSON document: %q", args[0], text)
	}
	for i := 1; i < len(args); i += 2 {
		unwanted, not := strings.CutPrefix(args[i+1], "!")
		got := fmt.Sprint(gjson.Get(text, args[i]))
		if not && got == unwanted || !not && got != args[i+1] {
			ts.Fatalf("%s: %s: got %s, want %s", args[0], args[i], got, args[i+1])
		}
	}
}
