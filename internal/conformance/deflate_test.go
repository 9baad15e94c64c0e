package conformance

import (
	stdbytes "bytes"
	"compress/flate"
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// The compressed messages of these cases are made by the standard library, which the client has no part of.
// The client sends its echoes uncompressed, as it may for each message, so that they can be compared.

const plainOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// compressing has the client offer compression, and send what is short of a megabyte without.
func compressing(change func(*transport.Compression)) func(*transport.Options) {
	return func(o *transport.Options) {
		o.MaxMessage = 1 << 20
		o.Compress = &transport.Compression{Threshold: 1 << 20}
		if change != nil {
			change(o.Compress)
		}
	}
}

func takeover(c *transport.Compression)    { c.Takeover = true }
func smallWindow(c *transport.Compression) { c.ServerWindow, c.ClientWindow = 9, 9 }

// accepting answers the request with extensions, and goes on with a script.
func accepting(extensions string, script func(*session)) func(*session) {
	return func(s *session) {
		s.Answer(wstest.Accepted().With("Sec-WebSocket-Extensions: " + extensions))
		s.Listen()
		script(s)
	}
}

// deflated gives the payload of a compressed message (RFC 7692 §7.2.1).
func deflated(level int, s string) string { return newStream(level).message(s) }

// stream compresses messages with one context.
type stream struct {
	buf stdbytes.Buffer
	w   *flate.Writer
}

func newStream(level int) *stream {
	s := new(stream)
	s.w, _ = flate.NewWriter(&s.buf, level) // the levels are those of this file
	return s
}

func (s *stream) message(text string) string {
	s.buf.Reset()
	_, _ = s.w.Write([]byte(text))
	_ = s.w.Flush()
	return strings.TrimSuffix(s.buf.String(), "\x00\x00\xff\xff")
}

func packed(op byte, payload string) []byte { return frame(fin|rsv1|op, payload) }

// compression is sections 12 and 13: permessage-deflate (RFC 7692).
func compression() (cases []Case) {
	add := func(id, title, answer string, o func(*transport.Options), script func(*session), want reaction) {
		cases = append(cases, Case{id: id, title: title, options: o, request: accepting(answer, script), want: want})
	}
	plain := compressing(nil)

	// 12.1 to 12.5: sizes, at several levels, whole and in pieces.
	for i, level := range []int{flate.BestSpeed, flate.DefaultCompression, flate.BestCompression, flate.HuffmanOnly, flate.NoCompression} {
		for j, n := range []int{0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072} {
			say := strings.Repeat("{\"op\":\"move\",\"x\":1234567890,\"y\":-1}", n/32+1)[:n]
			add(fmt.Sprintf("12.%d.%d", i+1, j+1), fmt.Sprintf("%d bytes at level %d", n, level), plainOffer, plain,
				says(packed(opText, deflated(level, say))), stays(txt(say)))
		}
	}
	hello := deflated(6, "Hello, compressed world")
	add("12.6.1", "binary", plainOffer, plain, says(packed(opBinary, deflated(6, "\xff\x00\xfe"))), stays(bin("\xff\x00\xfe")))
	add("12.6.2", "a byte at a time", plainOffer, plain, octets(packed(opText, hello)), stays(txt("Hello, compressed world")))
	add("12.6.3", "in three fragments, RSV1 on the first", plainOffer, plain,
		says(frame(rsv1|opText, hello[:3]), more(hello[3:9]), last(hello[9:])), stays(txt("Hello, compressed world")))
	add("12.6.4", "in fragments of a byte, with pings between", plainOffer, plain, func(s *session) {
		s.Say(frame(rsv1|opText, hello[:1]))
		for i := 1; i < len(hello); i++ {
			s.Say(more(hello[i:i+1]), ping("p"))
		}
		s.Say(last(""))
	}, stays(append(pingedTimes(len(hello)-1), txt("Hello, compressed world"))...))
	add("12.6.5", "uncompressed between compressed", plainOffer, plain,
		says(packed(opText, hello), text("plain"), packed(opText, hello)), stays(txt("Hello, compressed world"), txt("plain"), txt("Hello, compressed world")))
	add("12.6.6", "ended by a final block", plainOffer, plain, says(packed(opText, finalBlock("final")+"\x00")), stays(txt("final")))
	add("12.6.7", "a final block and more behind it", plainOffer, plain, says(packed(opText, finalBlock("final")+deflated(6, " and more"))), stays(txt("final and more")))
	add("12.6.8", "glued to the 101", plainOffer, plain, func(s *session) {}, stays(txt("Hello, compressed world")))
	cases[len(cases)-1].request = func(s *session) {
		s.Answer(wstest.Accepted().With("Sec-WebSocket-Extensions: " + plainOffer).Behind(packed(opText, hello)...))
		s.Listen()
	}

	// 12.7: what must fail, and how.
	broken, bad := fails(messages.CloseProtocolError), fails(messages.CloseInvalidPayload)
	big := fails(messages.CloseTooBig)
	add("12.7.1", "RSV1 on a ping", plainOffer, plain, says(frame(fin|rsv1|opPing, "x")), broken)
	add("12.7.2", "RSV1 on a close frame", plainOffer, plain, says(frame(fin|rsv1|opClose, "")), broken)
	add("12.7.3", "RSV1 on a continuation", plainOffer, plain, says(frame(rsv1|opText, hello[:3]), frame(fin|rsv1|opCont, hello[3:])), broken)
	add("12.7.4", "RSV2", plainOffer, plain, says(frame(fin|rsv1|rsv2|opText, hello)), broken)
	add("12.7.5", "RSV1 without having agreed", "", plain, says(packed(opText, hello)), broken)
	cases[len(cases)-1].request, cases[len(cases)-1].script = nil, says(packed(opText, hello))
	add("12.7.6", "no deflate stream", plainOffer, plain, says(packed(opText, "\xff\xff\xff")), broken)
	add("12.7.7", "a stream cut off", plainOffer, plain, says(packed(opText, deflated(6, strings.Repeat("abcdefgh", 200))[:9])), broken)
	add("12.7.8", "text that is not utf-8 inside", plainOffer, plain, says(packed(opText, deflated(6, "abc\xff"))), bad)
	add("12.7.9", "a reference before the message, without takeover", plainOffer, plain, func(s *session) {
		st := newStream(6)
		say := strings.Repeat("takeover ", 30)
		s.Say(packed(opText, st.message(say)), packed(opText, st.message(say)))
	}, fails(messages.CloseProtocolError, txt(strings.Repeat("takeover ", 30))))
	bomb := deflated(9, strings.Repeat("\x00", 64<<20))
	add("12.7.10", "a bomb of 64 MiB in 64 KiB", plainOffer, plain, says(packed(opBinary, bomb)), big)
	add("12.7.11", "a bomb in fragments", plainOffer, plain, func(s *session) {
		s.Say(frame(rsv1|opBinary, bomb[:1000]))
		s.Say(more(bomb[1000:2000]), last(bomb[2000:]))
	}, big)
	add("12.7.12", "compressed over the limit", plainOffer, plain, says(wstest.Header(fin|rsv1|opBinary, 64, 1<<20+1)), big)

	// 13: what is agreed on.
	with := func(id, title, answer string, o func(*transport.Options), want reaction) {
		add(id, title, answer, o, says(packed(opText, hello)), want)
	}
	ok := stays(txt("Hello, compressed world"))
	with("13.1.1", "both without takeover, as offered", plainOffer, plain, ok)
	with("13.1.2", "a smaller window of the server's own choice", plainOffer+"; server_max_window_bits=10", compressing(func(c *transport.Compression) { c.ServerWindow = 12 }), ok)
	with("13.1.3", "parameters quoted", `permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits="9"`, compressing(func(c *transport.Compression) { c.ClientWindow = 10 }), ok)
	with("13.1.4", "windows of 9 bits both ways", plainOffer+"; server_max_window_bits=9; client_max_window_bits=9", compressing(smallWindow), ok)
	with("13.1.5", "takeover: both keep their context", "permessage-deflate", compressing(takeover), ok)
	with("13.1.6", "takeover: the server does not", "permessage-deflate; server_no_context_takeover", compressing(takeover), ok)
	with("13.1.7", "takeover: the client is not to", "permessage-deflate; client_no_context_takeover", compressing(takeover), ok)
	add("13.1.8", "takeover: a reference before the message", "permessage-deflate", compressing(takeover), func(s *session) {
		st := newStream(6)
		say := strings.Repeat("takeover ", 30)
		s.Say(packed(opText, st.message(say)), packed(opText, st.message(say)), packed(opText, st.message("again "+say)))
	}, stays(txt(strings.Repeat("takeover ", 30)), txt(strings.Repeat("takeover ", 30)), txt("again "+strings.Repeat("takeover ", 30))))
	add("13.1.9", "offered, and not taken", "", plain, nil, stays(txt("plain")))
	cases[len(cases)-1].request, cases[len(cases)-1].script = nil, says(text("plain"))
	for i, c := range []struct{ title, answer string }{
		{"server_no_context_takeover left out", "permessage-deflate; client_no_context_takeover"},
		{"an unknown parameter", plainOffer + "; level=9"},
		{"a parameter twice", plainOffer + "; server_no_context_takeover"},
		{"a value where there is none", "permessage-deflate; server_no_context_takeover=1; client_no_context_takeover"},
		{"server window of 7 bits", plainOffer + "; server_max_window_bits=7"},
		{"server window of 16 bits", plainOffer + "; server_max_window_bits=16"},
		{"window with a leading zero", plainOffer + "; server_max_window_bits=09"},
		{"client window without a value", plainOffer + "; client_max_window_bits"},
		{"window that is no number", plainOffer + "; server_max_window_bits=ten"},
		{"the extension twice", plainOffer + ", " + plainOffer},
		{"another extension", "permessage-bzip2"},
		{"another besides", plainOffer + ", x-other"},
		{"no token", "permessage-deflate; =x"},
		{"a quote that does not end", `permessage-deflate; server_max_window_bits="10`},
		{"a lone comma", plainOffer + ",,"},
	} {
		want := invalid()
		if strings.HasPrefix(c.title, "a lone") {
			want = ok // empty elements of a list mean nothing (RFC 9110 §5.6.1)
		}
		with(fmt.Sprintf("13.2.%d", i+1), c.title, c.answer, plain, want)
	}
	return cases
}

// pingedTimes is a ping for each frame but the first.
func pingedTimes(n int) (all []message) {
	for range n {
		all = append(all, pinged("p"))
	}
	return all
}

// finalBlock gives a stream that ends, as those of some servers do, instead of being flushed only. Another
// may follow it in the same message (RFC 7692 §7.2.1); the last of a message needs an empty block behind it,
// of which "\x00" is what is sent.
func finalBlock(s string) string {
	var b stdbytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}
