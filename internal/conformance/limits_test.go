package conformance

import (
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// split cuts a message into frames of n bytes.
func split(op byte, payload string, n int) (frames []byte) {
	for first := op; ; first = opCont {
		if len(payload) <= n {
			return append(frames, frame(fin|first, payload)...)
		}
		frames = append(frames, frame(first, payload[:n])...)
		payload = payload[n:]
	}
}

// limits is section 9: large messages, many messages, and messages that are too large; and 10, automatic
// fragmentation. Sizes are a sixteenth of the catalogue's, so that the whole is done in seconds.
func limits() (cases []Case) {
	const kib = 1 << 10
	size := func(n int) string {
		if n < kib {
			return fmt.Sprintf("%d bytes", n)
		}
		return fmt.Sprintf("%d KiB", n/kib)
	}
	add := func(part, i int, title string, script func(*session), want reaction) {
		cases = append(cases, Case{id: fmt.Sprintf("9.%d.%d", part, i+1), title: title, script: script, want: want})
	}
	for part, kind := range []struct {
		name string
		op   byte
		got  func(string) message
		fill string
	}{
		{"text", opText, txt, "BAsd7&jh23"},
		{"binary", opBinary, bin, "\x00\xfe23456789"},
	} {
		payload := func(n int) string { return strings.Repeat(kind.fill, n/10+1)[:n] }
		for i, n := range []int{4 * kib, 16 * kib, 64 * kib, 256 * kib, 512 * kib, 1024 * kib} {
			add(1+part, i, fmt.Sprintf("%s of %s", kind.name, size(n)), says(frame(fin|kind.op, payload(n))), stays(kind.got(payload(n))))
		}
		whole := payload(256 * kib)
		for i, n := range []int{4, 16, 64, 256, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib} {
			add(3+part, i, fmt.Sprintf("%s of 256 KiB in fragments of %s", kind.name, size(n)), says(split(kind.op, whole, n)), stays(kind.got(whole)))
		}
		chopped := payload(64 * kib)
		for i, n := range []int{64, 128, 256, 512, kib, 2 * kib} {
			add(5+part, i, fmt.Sprintf("%s of 64 KiB in writes of %s", kind.name, size(n)), chops(n, frame(fin|kind.op, chopped)), stays(kind.got(chopped)))
		}
		for i, n := range []int{0, 16, 64, 256, kib, 4 * kib} {
			const turns = 60
			var got []message
			for range turns {
				got = append(got, kind.got(payload(n)))
			}
			add(7+part, i, fmt.Sprintf("%d times %s of %s, each when the last is echoed", turns, kind.name, size(n)), func(s *session) {
				for i := range turns {
					s.Say(frame(fin|kind.op, payload(n)))
					s.Await(i + 1)
				}
			}, stays(got...))
		}
	}
	big := strings.Repeat("x", 64*kib)
	cases = append(cases, Case{id: "10.1.1", title: "text of 64 KiB in fragments of 1300 bytes", script: says(split(opText, big, 1300)), want: stays(txt(big))})
	return append(cases, tooBig()...)
}

// tooBig is 9.9: messages over the limit, and lengths that are not true. The limit is 1000 bytes.
func tooBig() []Case {
	at, over := strings.Repeat("x", 1000), strings.Repeat("x", 1001)
	closed := fails(messages.CloseTooBig)
	cut := lost(messages.CauseEOF).ending(wstest.EndFIN)
	cases := []Case{
		{title: "at the limit", script: says(text(at), binary(at)), want: stays(txt(at), bin(at))},
		{title: "1 byte over the limit", script: says(text(over)), want: closed},
		{title: "over the limit: given up at the header", script: func(s *session) {
			s.Say(wstest.Header(fin|opBinary, 16, 1001))
			s.AwaitClose()
			s.Say([]byte(over))
		}, want: closed},
		{title: "at the limit in fragments", script: says(split(opText, at, 300)), want: stays(txt(at))},
		{title: "1 byte over the limit in fragments", script: says(split(opText, over, 300)), want: closed},
		{title: "control frames do not count", script: says(begin(at[:600]), ping(at[:125]), ping(at[:125]), last(at[600:])), want: stays(pinged(at[:125]), pinged(at[:125]), txt(at))},
		{title: "a message before one over the limit", script: says(text("fine"), binary(over), text("more")), want: fails(messages.CloseTooBig, txt("fine"))},
		{title: "a length of 2⁶³-1", script: says(append(wstest.Header(fin|opBinary, 64, 1<<63-1), "and this"...)), want: closed},
		{title: "a last fragment that claims 2⁶³-1 bytes", script: says(begin("a"), wstest.Header(fin|opCont, 64, 1<<63-1)), want: closed},
		{title: "fragments for ever", script: func(s *session) { s.Say(begin("")); s.Flood([]byte(strings.Repeat(string(more("xxxx")), 100))) }, options: func(o *transport.Options) { limit(1000)(o); closeTimeout(o) }, want: closed.unseen()},
		{title: "a length that lies: more was announced than comes", script: func(s *session) {
			s.Say(append(wstest.Header(fin|opBinary, 16, 1000), "only this"...))
			s.HalfClose()
		}, want: cut},
		{title: "a length that lies: 16 MiB announced, nothing comes", options: limit(16 << 20), script: func(s *session) {
			s.Say(wstest.Header(fin|opBinary, 64, 16<<20))
			s.HalfClose()
		}, want: cut},
		{title: "a length that lies: more comes than was announced", script: says(append(wstest.Header(fin|opText, 7, 2), "abcd"...)), want: fails(messages.CloseProtocolError, txt("ab"))},
	}
	for i := range cases {
		cases[i].id = fmt.Sprintf("9.9.%d", i+1)
		if cases[i].options == nil {
			cases[i].options = limit(1000)
		}
	}
	return cases
}
