package target

import (
	"strings"

	"github.com/gobwas/ws"
)

// wireLimit is the MaxMessage that wireCases expect.
const wireLimit = 70_000

// wireCases say what a server answers to frames, byte by byte. The session, both engines, and the
// fuzzer's seeds all read this table. ends tells whether the server closes after it.
var wireCases = []struct {
	name string
	in   []byte
	want []byte
	ends bool
}{
	{"text", cf(ws.OpText, true, "Grüße"), sf(ws.OpText, "Grüße"), false},
	{"binary", cf(ws.OpBinary, true, "\xff\x00"), sf(ws.OpBinary, "\xff\x00"), false},
	{"empty", cf(ws.OpText, true, ""), sf(ws.OpText, ""), false},
	{"16 bit length", cf(ws.OpText, true, big(126)), sf(ws.OpText, big(126)), false},
	{"64 bit length", cf(ws.OpBinary, true, big(1<<16)), sf(ws.OpBinary, big(1<<16)), false},
	{"at the limit", cf(ws.OpBinary, true, big(wireLimit)), sf(ws.OpBinary, big(wireLimit)), false},
	{
		"several at once",
		join(cf(ws.OpText, true, "a"), cf(ws.OpBinary, true, "b"), cf(ws.OpText, true, big(300))),
		join(sf(ws.OpText, "a"), sf(ws.OpBinary, "b"), sf(ws.OpText, big(300))), false,
	},
	{
		"fragments",
		join(cf(ws.OpText, false, "one "), cf(ws.OpContinuation, false, ""), cf(ws.OpContinuation, true, "message")),
		sf(ws.OpText, "one message"), false,
	},
	{
		"empty fragments",
		join(cf(ws.OpBinary, false, ""), cf(ws.OpContinuation, true, "")),
		sf(ws.OpBinary, ""), false,
	},
	{
		"a character in two fragments",
		join(cf(ws.OpText, false, "\xc3"), cf(ws.OpContinuation, true, "\xbc")),
		sf(ws.OpText, "ü"), false,
	},
	{
		"ping between fragments",
		join(cf(ws.OpText, false, "a"), cf(ws.OpPing, true, "p"), cf(ws.OpContinuation, true, "b")),
		join(sf(ws.OpPong, "p"), sf(ws.OpText, "ab")), false,
	},
	{"ping", cf(ws.OpPing, true, big(125)), sf(ws.OpPong, big(125)), false},
	{"empty ping", cf(ws.OpPing, true, ""), sf(ws.OpPong, ""), false},
	{"pong", join(cf(ws.OpPong, true, "x"), cf(ws.OpText, true, "y")), sf(ws.OpText, "y"), false},

	{"close", cclose(1000, "bye"), sclose(1000, ""), true},
	{"close without a code", cf(ws.OpClose, true, ""), sf(ws.OpClose, ""), true},
	{"close with a private code", cclose(4999, ""), sclose(4999, ""), true},
	{"close with 1013", cclose(1013, ""), sclose(1013, ""), true},
	{
		"nothing after close",
		join(cf(ws.OpText, true, "a"), cclose(1001, ""), cf(ws.OpText, true, "b")),
		join(sf(ws.OpText, "a"), sclose(1001, "")), true,
	},
	{"close with one byte", cf(ws.OpClose, true, "\x03"), sclose(1002, "close frame with half a code"), true},
	{"close with 1005", cclose(1005, ""), sclose(1002, "close code 1005"), true},
	{"close with 999", cclose(999, ""), sclose(1002, "close code 999"), true},
	{"close with 5000", cclose(5000, ""), sclose(1002, "close code 5000"), true},
	{"close with a bad reason", cclose(1000, "\xff"), sclose(1007, "not utf-8"), true},

	{"unmasked", sf(ws.OpText, "a"), sclose(1002, string(ws.ErrProtocolMaskRequired)), true},
	{"unmasked and empty", sf(ws.OpText, ""), sclose(1002, string(ws.ErrProtocolMaskRequired)), true},
	{"reserved opcode", cf(0x3, true, ""), sclose(1002, string(ws.ErrProtocolOpCodeReserved)), true},
	{"reserved control opcode", cf(0xb, true, ""), sclose(1002, string(ws.ErrProtocolOpCodeReserved)), true},
	{"rsv bit", append([]byte{0xc1}, cf(ws.OpText, true, "")[1:]...), sclose(1002, string(ws.ErrProtocolNonZeroRsv)), true},
	{"long ping", cf(ws.OpPing, true, big(126)), sclose(1002, string(ws.ErrProtocolControlPayloadOverflow)), true},
	{"ping in fragments", cf(ws.OpPing, false, ""), sclose(1002, string(ws.ErrProtocolControlNotFinal)), true},
	{
		"continuation of nothing", cf(ws.OpContinuation, true, "a"),
		sclose(1002, string(ws.ErrProtocolContinuationUnexpected)), true,
	},
	{
		"message within a message", join(cf(ws.OpText, false, "a"), cf(ws.OpText, true, "b")),
		sclose(1002, string(ws.ErrProtocolContinuationExpected)), true,
	},
	{
		"16 bit length for 125", join([]byte{0x82, 0x80 | 126, 0, 125}, testMask[:]),
		sclose(1002, errLengthForm.Error()), true,
	},
	{
		"64 bit length for 65535", join([]byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, testMask[:]),
		sclose(1002, errLengthForm.Error()), true,
	},
	{
		"length with its sign set", join([]byte{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, testMask[:]),
		sclose(1002, errLengthSign.Error()), true,
	},

	{"bad text", cf(ws.OpText, true, "a\xff"), sclose(1007, "not utf-8"), true},
	{
		"bad text in fragments", join(cf(ws.OpText, false, "a\xc3"), cf(ws.OpContinuation, true, "a")),
		sclose(1007, "not utf-8"), true,
	},
	{
		"good before bad", join(cf(ws.OpText, true, "a"), cf(ws.OpText, true, "\xff"), cf(ws.OpText, true, "b")),
		join(sf(ws.OpText, "a"), sclose(1007, "not utf-8")), true,
	},
	{
		"too big", cf(ws.OpBinary, true, big(wireLimit+1)),
		sclose(1009, "more than 70000 bytes"), true,
	},
	{
		"too big by its header alone", join([]byte{0x82, 0x80 | 127, 0x7f, 0, 0, 0, 0, 0, 0, 0}, testMask[:]),
		sclose(1009, "more than 70000 bytes"), true,
	},
	{
		"too big in fragments", // 40,000 + 40,000 > 70,000
		join(cf(ws.OpBinary, false, big(40_000)), cf(ws.OpContinuation, true, big(40_000))),
		sclose(1009, "more than 70000 bytes"), true,
	},
}

// big gives n bytes of ASCII that do not repeat with the mask.
func big(n int) string { return strings.Repeat("loadrig", n/7+1)[:n] }
