package messages

import "testing"

// TestRegisteredCodes is the IANA registry "WebSocket Close Code Number", as of the codes to 1015, with
// what RFC 6455 §7.4.1 says of each: may it cross the wire at all, and may a client send it.
func TestRegisteredCodes(t *testing.T) {
	for _, c := range []struct {
		code             CloseCode
		text             string
		onWire, sendable bool
	}{
		{1000, "1000 normal closure", true, true},
		{1001, "1001 going away", true, true},
		{1002, "1002 protocol error", true, true},
		{1003, "1003 unsupported data", true, true},
		{1004, "1004 reserved", false, false},
		{1005, "1005 no status received", false, false},
		{1006, "1006 abnormal closure", false, false},
		{1007, "1007 invalid frame payload data", true, true},
		{1008, "1008 policy violation", true, true},
		{1009, "1009 message too big", true, true},
		{1010, "1010 mandatory extension", true, true},
		{1011, "1011 internal error", true, true},
		{1012, "1012 service restart", true, false},
		{1013, "1013 try again later", true, false},
		{1014, "1014 bad gateway", true, false},
		{1015, "1015 tls handshake", false, false},
	} {
		if c.code.String() != c.text || c.code.OnWire() != c.onWire || c.code.Sendable() != c.sendable {
			t.Errorf("got %s, on wire %v, sendable %v, want %s, %v, %v",
				c.code, c.code.OnWire(), c.code.Sendable(), c.text, c.onWire, c.sendable)
		}
	}
}

// TestCodeRanges looks at every code there can be: RFC 6455 §7.4.2 by ranges.
func TestCodeRanges(t *testing.T) {
	labels := make(map[string]bool)
	for n := range 1 << 16 {
		c := CloseCode(n)
		labels[c.Label()] = true
		if n >= 1000 && n <= 1015 {
			continue
		}
		meaning, label, onWire := "not in use", "invalid", false
		switch {
		case n >= 1016 && n <= 2999:
			meaning = "reserved for the protocol"
		case n >= 3000 && n <= 3999:
			meaning, label, onWire = "registered by a library or framework", "3000-3999", true
		case n >= 4000 && n <= 4999:
			meaning, label, onWire = "private use", "4000-4999", true
		}
		if c.Meaning() != meaning || c.Label() != label || c.OnWire() != onWire || c.Sendable() != onWire {
			t.Errorf("%d: got %q, %q, on wire %v, sendable %v, want %q, %q, %v", n, c.Meaning(), c.Label(), c.OnWire(), c.Sendable(), meaning, label, onWire)
		}
	}
	if len(labels) != 19 { // 1000 to 1015 are 16, two ranges, invalid
		t.Errorf("close codes have %d labels, want 19: %v", len(labels), labels)
	}
}
