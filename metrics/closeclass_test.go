package metrics

import (
	"testing"

	"github.com/loadrig/loadrig/messages"
)

// TestClassHasTheLabelOfItsCodes: all 65,536 codes a hostile server can send.
func TestClassHasTheLabelOfItsCodes(t *testing.T) {
	var labels [numCloseClasses]string
	for k := range closeClass(numCloseClasses) {
		labels[k] = k.label()
		if classOf(k.example()) != k {
			t.Errorf("class %d: its example %d is of class %d", k, k.example(), classOf(k.example()))
		}
	}
	for i := range 1 << 16 {
		c := messages.CloseCode(i)
		if got, want := labels[classOf(c)], c.Label(); got != want {
			t.Fatalf("code %d: got label %q, want %q", i, got, want)
		}
	}
}
