package messages

import "fmt"

// CloseCode is a WebSocket close code (RFC 6455 §7.4 and the IANA registry "WebSocket Close Code
// Number").
type CloseCode uint16

// The registered codes.
const (
	CloseNormal           CloseCode = 1000
	CloseGoingAway        CloseCode = 1001
	CloseProtocolError    CloseCode = 1002
	CloseUnsupportedData  CloseCode = 1003
	CloseNoStatus         CloseCode = 1005 // never on the wire: a close frame without a code
	CloseAbnormal         CloseCode = 1006 // never on the wire: no close frame at all
	CloseInvalidPayload   CloseCode = 1007
	ClosePolicyViolation  CloseCode = 1008
	CloseTooBig           CloseCode = 1009
	CloseMissingExtension CloseCode = 1010
	CloseInternalError    CloseCode = 1011
	CloseServiceRestart   CloseCode = 1012
	CloseTryAgainLater    CloseCode = 1013
	CloseBadGateway       CloseCode = 1014
	CloseTLSHandshake     CloseCode = 1015 // never on the wire: the TLS handshake failed
)

// MaxCloseReason is the most bytes a close reason may have: a control frame's 125 less the code.
const MaxCloseReason = 123

var closeMeanings = map[CloseCode]string{
	CloseNormal:           "normal closure",
	CloseGoingAway:        "going away",
	CloseProtocolError:    "protocol error",
	CloseUnsupportedData:  "unsupported data",
	1004:                  "reserved",
	CloseNoStatus:         "no status received",
	CloseAbnormal:         "abnormal closure",
	CloseInvalidPayload:   "invalid frame payload data",
	ClosePolicyViolation:  "policy violation",
	CloseTooBig:           "message too big",
	CloseMissingExtension: "mandatory extension",
	CloseInternalError:    "internal error",
	CloseServiceRestart:   "service restart",
	CloseTryAgainLater:    "try again later",
	CloseBadGateway:       "bad gateway",
	CloseTLSHandshake:     "tls handshake",
}

// Meaning gives the registry's words for the code, or the range that it is in.
func (c CloseCode) Meaning() string {
	if m, ok := closeMeanings[c]; ok {
		return m
	}
	switch {
	case c >= 3000 && c < 4000:
		return "registered by a library or framework"
	case c >= 4000 && c < 5000:
		return "private use"
	case c >= 1016 && c < 3000:
		return "reserved for the protocol"
	default:
		return "not in use"
	}
}

// String gives the code and its meaning: "1000 normal closure".
func (c CloseCode) String() string { return fmt.Sprintf("%d %s", uint16(c), c.Meaning()) }

// OnWire tells whether a close frame of a peer may carry the code. Codes that stand for the absence
// of one (1005, 1006, 1015), reserved and unregistered ones may not; 1012 to 1014 may, as IANA has
// them although RFC 6455 does not.
func (c CloseCode) OnWire() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	default:
		return false
	}
}

// Sendable tells whether a client may send the code: those on the wire less 1012 to 1014, which are a
// server's or a gateway's words.
func (c CloseCode) Sendable() bool {
	return c.OnWire() && (c < CloseServiceRestart || c > CloseBadGateway)
}

// Label gives a bounded label for metrics: the number of a registered code, else its range. Servers
// may send any of 2,000 private codes; a series for each would be theirs to create.
func (c CloseCode) Label() string {
	if _, ok := closeMeanings[c]; ok {
		return fmt.Sprint(uint16(c))
	}
	switch {
	case c >= 3000 && c < 4000:
		return "3000-3999"
	case c >= 4000 && c < 5000:
		return "4000-4999"
	default:
		return "invalid"
	}
}
