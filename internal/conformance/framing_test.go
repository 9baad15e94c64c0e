package conformance

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// framing is section 1: frames of every length and form (RFC 6455 §5.2).
func framing() (cases []Case) {
	for i, kind := range []struct {
		name string
		send func(string) []byte
		got  func(string) message
		fill string
	}{
		{"text", text, txt, "*"},
		{"binary", binary, bin, "\xfe"},
	} {
		for j, n := range []int{0, 125, 126, 127, 128, 65535, 65536} {
			payload := strings.Repeat(kind.fill, n)
			cases = append(cases, Case{id: fmt.Sprintf("1.%d.%d", i+1, j+1), title: fmt.Sprintf("%s of %d bytes", kind.name, n),
				script: says(kind.send(payload)), want: stays(kind.got(payload))})
		}
		payload := strings.Repeat(kind.fill, 65536)
		cases = append(cases, Case{id: fmt.Sprintf("1.%d.8", i+1), title: kind.name + " of 65536 bytes, 997 a write",
			script: chops(997, kind.send(payload)), want: stays(kind.got(payload))})
	}

	long := func(bits int, length uint64, payload string) []byte {
		return append(wstest.Header(fin|opBinary, bits, length), payload...)
	}
	for i, c := range []struct {
		title string
		sends []byte
	}{
		{"length 0 in 16 bits", long(16, 0, "")},
		{"length 125 in 16 bits", long(16, 125, strings.Repeat("x", 125))},
		{"length 0 in 64 bits", long(64, 0, "")},
		{"length 125 in 64 bits", long(64, 125, strings.Repeat("x", 125))},
		{"length 126 in 64 bits", long(64, 126, strings.Repeat("x", 126))},
		{"length 65535 in 64 bits", long(64, 65535, strings.Repeat("x", 65535))},
		{"length in 64 bits with the highest set", long(64, 1<<63|5, "hello")},
		{"length in 64 bits, all set", long(64, 1<<64-1, "hello")},
		{"close frame's length in 16 bits", append(wstest.Header(fin|opClose, 16, 2), 0x03, 0xe8)},
	} {
		cases = append(cases, Case{id: fmt.Sprintf("1.3.%d", i+1), title: c.title,
			script: says(text("before"), c.sends), want: fails(messages.CloseProtocolError, txt("before"))})
	}
	for i, c := range []struct {
		title string
		sends []byte
	}{
		{"masked text", wstest.Masked(fin|opText, []byte("hello"))},
		{"masked empty text", wstest.Masked(fin|opText, nil)},
		{"masked ping", wstest.Masked(fin|opPing, []byte("hello"))},
		{"masked close", wstest.Masked(fin|opClose, []byte{0x03, 0xe8})},
		{"masked last fragment", bytes(begin("hel"), wstest.Masked(fin|opCont, []byte("lo")))},
	} {
		cases = append(cases, Case{id: fmt.Sprintf("1.4.%d", i+1), title: c.title,
			script: says(c.sends), want: fails(messages.CloseProtocolError)})
	}
	return cases
}

// pings is section 2: control frames that ask for an answer, and those that do not (RFC 6455 §5.5.2, §5.5.3).
func pings() []Case {
	blob := "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	full := strings.Repeat("\xfe", 125)
	var ten [][]byte
	var asked []message
	for i := range 10 {
		s := fmt.Sprintf("payload-%d", i)
		ten, asked = append(ten, ping(s)), append(asked, pinged(s))
	}
	return []Case{
		{id: "2.1", title: "ping without payload", script: says(ping("")), want: stays(pinged(""))},
		{id: "2.2", title: "ping with text", script: says(ping("Hello, world!")), want: stays(pinged("Hello, world!"))},
		{id: "2.3", title: "ping with bytes that are not utf-8", script: says(ping(blob)), want: stays(pinged(blob))},
		{id: "2.4", title: "ping of 125 bytes", script: says(ping(full)), want: stays(pinged(full))},
		{id: "2.5", title: "ping of 126 bytes", script: says(ping(full + "x")), want: fails(messages.CloseProtocolError)},
		{id: "2.6", title: "ping of 125 bytes, a byte at a time", script: octets(ping(full)), want: stays(pinged(full))},
		{id: "2.7", title: "unasked pong without payload", script: says(pong("")), want: stays(ponged(""))},
		{id: "2.8", title: "unasked pong with payload", script: says(pong("unasked")), want: stays(ponged("unasked"))},
		{id: "2.9", title: "unasked pong, then ping", script: each(pong("unasked"), ping("asked")), want: stays(ponged("unasked"), pinged("asked"))},
		{id: "2.10", title: "ten pings", script: says(ten...), want: stays(asked...)},
		{id: "2.11", title: "ten pings, a byte at a time", script: octets(ten...), want: stays(asked...)},
		{id: "2.12", title: "pong of 126 bytes", script: says(pong(full + "x")), want: fails(messages.CloseProtocolError)},
		{id: "2.13", title: "ping that claims 2⁶³-1 bytes", script: says(wstest.Header(fin|opPing, 64, 1<<63-1)), want: fails(messages.CloseProtocolError)},
	}
}

// reserved is section 3: reserved bits, where no extension was agreed on (RFC 6455 §5.2).
func reserved() []Case {
	broken := fails(messages.CloseProtocolError)
	after := fails(messages.CloseProtocolError, txt("before"))
	return []Case{
		{id: "3.1", title: "text with RSV3", script: says(frame(fin|rsv3|opText, "x")), want: broken},
		{id: "3.2", title: "text, text with RSV2, ping", script: says(text("before"), frame(fin|rsv2|opText, "x"), ping("")), want: after},
		{id: "3.3", title: "text, text with RSV2 and 3, ping, a write each", script: each(text("before"), frame(fin|rsv2|rsv3|opText, "x"), ping("")), want: after},
		{id: "3.4", title: "text, text with RSV1, ping, a byte at a time", script: octets(text("before"), frame(fin|rsv1|opText, "x"), ping("")), want: after},
		{id: "3.5", title: "binary with RSV1 and 3", script: says(frame(fin|rsv1|rsv3|opBinary, "\xff")), want: broken},
		{id: "3.6", title: "ping with RSV1 and 2", script: says(frame(fin|rsv1|rsv2|opPing, "x")), want: broken},
		{id: "3.7", title: "close with all three", script: says(frame(fin|rsv1|rsv2|rsv3|opClose, "")), want: broken},
		{id: "3.8", title: "last fragment with RSV1", script: says(begin("a"), frame(fin|rsv1|opCont, "b")), want: broken},
		{id: "3.9", title: "first fragment with RSV1", script: says(frame(rsv1|opText, "a"), last("b")), want: broken},
	}
}

// opcodes is section 4: reserved ones (RFC 6455 §5.2).
func opcodes() (cases []Case) {
	for i, first := range []byte{3, 11} {
		kind := []string{"data", "control"}[i]
		for j, c := range []struct {
			title   string
			payload string
			send    func(...[]byte) func(*session)
			between bool // text before it, a ping behind it
		}{
			{"", "", says, false},
			{", with payload", "reserved", says, false},
			{", text before, ping behind", "", each, true},
			{", with payload, text before, ping behind", "reserved", each, true},
			{", with payload, text before, ping behind, a byte at a time", "reserved", octets, true},
		} {
			op := first + byte(j)
			k := Case{id: fmt.Sprintf("4.%d.%d", i+1, j+1), title: fmt.Sprintf("%s opcode %d%s", kind, op, c.title),
				script: c.send(frame(fin|op, c.payload)), want: fails(messages.CloseProtocolError)}
			if c.between {
				k.script = c.send(text("before"), frame(fin|op, c.payload), ping(""))
				k.want = fails(messages.CloseProtocolError, txt("before"))
			}
			cases = append(cases, k)
		}
		cases = append(cases, Case{id: fmt.Sprintf("4.%d.6", i+1), title: fmt.Sprintf("%s opcode %d within a message", kind, first),
			script: says(begin("a"), frame(fin|first, "b"), last("c")), want: fails(messages.CloseProtocolError)})
	}
	return cases
}

// fragments is section 5: messages in several frames, with control frames between them (RFC 6455 §5.4).
func fragments() []Case {
	broken := fails(messages.CloseProtocolError)
	two := [][]byte{begin("fragment1"), last("fragment2")}
	both := txt("fragment1fragment2")
	between := [][]byte{begin("fragment1"), ping("between"), last("fragment2")}
	orphan, orphans := [][]byte{last("of nothing"), text("hello")}, [][]byte{more("of nothing"), text("hello")}
	late := [][]byte{begin("fragment1"), last("fragment2"), more("of nothing"), text("hello")}
	pieces := func(middle []byte) [][]byte {
		return [][]byte{middle, begin("fragment1"), last("fragment2"), middle, begin("fragment1"), last("fragment2")}
	}
	five := [][]byte{begin("1"), more("2"), ping("a"), more("3"), more("4"), ping("b"), last("5")}
	fiveGot := stays(pinged("a"), pinged("b"), txt("12345"))
	return []Case{
		{id: "5.1", title: "ping in two fragments", script: says(frame(opPing, "frag"), last("ment")), want: broken},
		{id: "5.2", title: "pong in two fragments", script: says(frame(opPong, "frag"), last("ment")), want: broken},
		{id: "5.3", title: "text in two fragments", script: says(two...), want: stays(both)},
		{id: "5.4", title: "text in two fragments, a write each", script: each(two...), want: stays(both)},
		{id: "5.5", title: "text in two fragments, a byte at a time", script: octets(two...), want: stays(both)},
		{id: "5.6", title: "a ping between two fragments", script: says(between...), want: stays(pinged("between"), both)},
		{id: "5.7", title: "a ping between two fragments, a write each", script: each(between...), want: stays(pinged("between"), both)},
		{id: "5.8", title: "a ping between two fragments, a byte at a time", script: octets(between...), want: stays(pinged("between"), both)},
		{id: "5.9", title: "last fragment of nothing, then text", script: says(orphan...), want: broken},
		{id: "5.10", title: "last fragment of nothing, then text, a write each", script: each(orphan...), want: broken},
		{id: "5.11", title: "last fragment of nothing, then text, a byte at a time", script: octets(orphan...), want: broken},
		{id: "5.12", title: "fragment of nothing, then text", script: says(orphans...), want: broken},
		{id: "5.13", title: "fragment of nothing, then text, a write each", script: each(orphans...), want: broken},
		{id: "5.14", title: "fragment of nothing, then text, a byte at a time", script: octets(orphans...), want: broken},
		{id: "5.15", title: "text in two fragments, then one of nothing, then text", script: says(late...), want: fails(messages.CloseProtocolError, both)},
		{id: "5.16", title: "fragment of nothing before each message in two", script: says(pieces(more("of nothing"))...), want: broken},
		{id: "5.17", title: "last fragment of nothing before each message in two", script: says(pieces(last("of nothing"))...), want: broken},
		{id: "5.18", title: "text begins within text", script: says(begin("fragment1"), text("fragment2")), want: broken},
		{id: "5.19", title: "text in five fragments, a pause and two pings between", script: func(s *session) {
			s.Say(bytes(five[:3]...))
			s.Await(1) // the pong says that all of it was taken
			s.Say(bytes(five[3:]...))
		}, want: fiveGot},
		{id: "5.20", title: "the same, a write each", script: func(s *session) {
			s.Say(five[:3]...)
			s.Await(1)
			s.Say(five[3:]...)
		}, want: fiveGot},
		{id: "5.21", title: "binary begins within text", script: says(begin("a"), frame(opBinary, "b"), last("c")), want: broken},
		{id: "5.22", title: "close in two fragments", script: says(frame(opClose, "\x03"), last("\xe8")), want: broken},
		{id: "5.23", title: "pongs and pings between all fragments, a byte at a time",
			script: octets(pong("0"), begin(""), pong("1"), more("x"), ping("2"), more(""), pong("3"), last("y"), ping("4")),
			want:   stays(ponged("0"), ponged("1"), pinged("2"), ponged("3"), txt("xy"), pinged("4"))},
		{id: "5.24", title: "a thousand empty fragments", script: says(begin(""), []byte(strings.Repeat(string(more("")), 1000)), last("end")), want: stays(txt("end"))},
		{id: "5.25", title: "a fault behind a first fragment", script: says(begin("kept?"), frame(fin|rsv1|opPing, "")), want: broken},
	}
}
