package authctx

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a string that prints as REDACTED wherever it ends up: under every verb of fmt, in slog,
// in JSON, in text and so in YAML and XML. The zero Secret is empty. Secrets do not compare with ==.
//
// The string hides in a closure: printers that walk unexported fields by reflection, as fmt itself
// does when a Secret sits in one, find the address of a function and no bytes.
type Secret struct{ reveal func() string }

// NewSecret hides s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// Reveal gives the string. It is the only method that does; what it returns must not be logged, put
// into an error or written to a report.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero tells whether there is nothing to hide.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String gives REDACTED.
func (Secret) String() string { return redacted }

// GoString gives REDACTED.
func (Secret) GoString() string { return redacted }

// Format writes REDACTED, whatever the verb and the flags.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue gives REDACTED.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "REDACTED".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText gives REDACTED.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// writeName is the Format of the types that hold secrets or keys: whatever the verb, it prints their
// name and nothing of their fields.
func writeName(f fmt.State, name string) { _, _ = io.WriteString(f, name) }
