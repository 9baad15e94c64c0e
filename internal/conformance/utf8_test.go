package conformance

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/loadrig/loadrig/messages"
)

// unhex gives the bytes of a hexadecimal string with spaces.
func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// utf8Texts is section 6: text must be UTF-8 (RFC 6455 §5.6, §8.1; RFC 3629), and is given up at its first
// bad byte.
func utf8Texts() []Case {
	const greek = "κ\u1f79σμε" // 11 bytes: the accent is the one of Greek Extended
	bad := fails(messages.CloseInvalidPayload)
	good := "Hello-µ@ßöäüàá-UTF-8!!"
	wrong := greek + "\xed\xa0\x80edited"
	single := func(s string) (frames [][]byte) { // a byte a fragment
		frames = append(frames, begin(s[:1]))
		for i := 1; i < len(s)-1; i++ {
			frames = append(frames, more(s[i:i+1]))
		}
		return append(frames, last(s[len(s)-1:]))
	}
	// early sends pieces and, before the last of them, waits until the client has failed the connection: what
	// is still to come must not be needed.
	early := func(pieces ...[]byte) func(*session) {
		return func(s *session) {
			n := len(pieces) - 1
			s.Say(pieces[:n]...)
			s.AwaitClose()
			s.Say(pieces[n])
		}
	}
	head := func(n int) []byte { return text(strings.Repeat("x", n))[:2] } // of a frame of n bytes
	cases := []Case{
		{id: "6.1.1", title: "empty text", script: says(text("")), want: stays(txt(""))},
		{id: "6.1.2", title: "three empty fragments", script: says(begin(""), more(""), last("")), want: stays(txt(""))},
		{id: "6.1.3", title: "three fragments, the outer ones empty", script: says(begin(""), more("middle"), last("")), want: stays(txt("middle"))},
		{id: "6.2.1", title: "valid, in one frame", script: says(text(good)), want: stays(txt(good))},
		{id: "6.2.2", title: "valid, in two fragments cut between characters", script: says(begin(good[:8]), last(good[8:])), want: stays(txt(good))},
		{id: "6.2.3", title: "valid, a byte a fragment", script: each(single(good)...), want: stays(txt(good))},
		{id: "6.2.4", title: "greek, a byte a fragment", script: each(single(greek)...), want: stays(txt(greek))},
		{id: "6.3.1", title: "invalid, in one frame", script: says(text(wrong)), want: bad},
		{id: "6.3.2", title: "invalid, a byte a fragment", script: each(single(wrong)...), want: bad},
		{id: "6.4.1", title: "given up at the fragment with the bad character", want: bad,
			script: early(begin(greek), more("\xf4\x90\x80\x80"), last("edited"))},
		{id: "6.4.2", title: "given up at the fragment with the first bad byte", want: bad,
			script: early(begin(greek+"\xf4"), more("\x90"), last("\x80\x80edited"))},
		{id: "6.4.3", title: "given up within a frame, at the bad character", want: bad,
			script: early(head(20), []byte(greek), []byte("\xf4\x90\x80\x80"), []byte("edited"))},
		{id: "6.4.4", title: "given up within a frame, at the first bad byte", want: bad,
			script: early(head(20), []byte(greek+"\xf4"), []byte("\x90"), []byte("\x80\x80edited"))},
	}
	for _, g := range sequences(greek) {
		for i, s := range g.texts {
			c := Case{id: fmt.Sprintf("%s.%d", g.id, i+1), title: g.title + ": " + abridged(s.bytes), script: says(text(s.bytes)), want: bad}
			if s.valid {
				c.want = stays(txt(s.bytes))
			}
			cases = append(cases, c)
		}
	}
	// The client has no more than the first bad byte, of a frame of 100.
	for i, s := range []string{
		"80", "bf", "c0", "c1", "c2 41", "e0 9f", "e1 80 c0", "ed a0", "ed bf", "ef bf 41",
		"f0 8f", "f0 90 41", "f1 80 80 c2", "f4 90", "f5", "f8", "fe", "ff",
	} {
		b := unhex(s)
		cases = append(cases, Case{id: fmt.Sprintf("6.24.%d", i+1), title: "given up within a frame at the last byte of " + s, want: bad,
			script: early(head(100), []byte("good "+b[:len(b)-1]), []byte(b[len(b)-1:]), nil)})
	}
	return append(cases,
		Case{id: "6.25.1", title: "text ends within a character", script: says(text("a\xe2\x82")), want: bad},
		Case{id: "6.25.2", title: "last fragment ends within a character", script: each(begin("a\xe2"), last("\x82")), want: bad},
		Case{id: "6.25.3", title: "empty last fragment behind half a character", script: each(begin("a\xe2"), last("")), want: bad},
		Case{id: "6.25.4", title: "a ping within a character", script: each(begin("\xe2"), ping("p"), more("\x82"), last("\xac")), want: stays(pinged("p"), txt("€"))},
		Case{id: "6.25.5", title: "binary is not looked at", script: each(frame(opBinary, "\xff"), last("\xc0")), want: stays(bin("\xff\xc0"))},
		Case{id: "6.25.6", title: "good text, then bad", script: says(text("good"), text("\xff"), text("more")), want: fails(messages.CloseInvalidPayload, txt("good"))},
	)
}

// abridged gives bytes in hexadecimal, or the first of many.
func abridged(s string) string {
	if len(s) > 12 {
		return fmt.Sprintf("%x… (%d bytes)", s[:8], len(s))
	}
	return fmt.Sprintf("%x", s)
}

// sequence is a text.
type sequence struct {
	bytes string
	valid bool
}

// group is a part of section 6.
type group struct {
	id, title string
	texts     []sequence
}

// sequences are texts that a decoder may get wrong: at the borders of each length, out of place, cut short,
// overlong, and beyond what Unicode has.
func sequences(greek string) []group {
	all := func(valid bool, hexes ...string) (texts []sequence) {
		for _, h := range hexes {
			texts = append(texts, sequence{unhex(h), valid})
		}
		return texts
	}
	good := func(hexes ...string) []sequence { return all(true, hexes...) }
	bad := func(hexes ...string) []sequence { return all(false, hexes...) }

	var prefixes []sequence
	whole := make(map[int]bool) // where a character ends
	for i := range greek {
		whole[i] = true
	}
	whole[len(greek)] = true
	for n := 1; n <= len(greek); n++ {
		prefixes = append(prefixes, sequence{greek[:n], whole[n]})
	}
	lonely := func(from, to int) (s string) { // start bytes with a space behind each
		for b := from; b <= to; b++ {
			s += string([]byte{byte(b), ' '})
		}
		return s
	}
	var continuations string
	for b := 0x80; b <= 0xbf; b++ {
		continuations += string([]byte{byte(b)})
	}
	cut := []string{"c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"}
	nonCharacters := good("efbfbe", "efbfbf") // the last two of each plane
	for plane := rune(1); plane <= 16; plane++ {
		for _, r := range []rune{plane<<16 | 0xfffe, plane<<16 | 0xffff} {
			nonCharacters = append(nonCharacters, sequence{string(r), true})
		}
	}
	var specials []sequence
	for r := rune(0xfff9); r <= 0xffff; r++ {
		specials = append(specials, sequence{string(r), true})
	}
	return []group{
		{"6.5", "some text", []sequence{{"hello$world", true}, {"hello¢world", true}, {"hello€world", true}, {"hello𤭢world", true}, {greek, true}}},
		{"6.6", "prefix of greek", prefixes},
		{"6.7", "first of its length", good("00", "c280", "e0a080", "f0908080")},
		{"6.8", "first of 5 and 6 bytes", bad("f888808080", "fc8480808080")},
		{"6.9", "last of its length", good("7f", "dfbf", "efbfbf", "f48fbfbf")},
		{"6.10", "last of 4, 5 and 6 bytes", bad("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")},
		{"6.11", "other borders", append(good("ed9fbf", "ee8080", "efbfbd", "f48fbfbf"), bad("f4908080")...)},
		{"6.12", "continuation of nothing", append(bad("80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"), sequence{continuations, false})},
		{"6.13", "start bytes alone", []sequence{{lonely(0xc0, 0xdf), false}, {lonely(0xe0, 0xef), false}, {lonely(0xf0, 0xf7), false}, {lonely(0xf8, 0xfb), false}, {lonely(0xfc, 0xfd), false}}},
		{"6.14", "last byte missing", bad(cut...)},
		{"6.15", "all those in one", bad(strings.Join(cut, ""))},
		{"6.16", "impossible bytes", bad("fe", "ff", "fefeffff")},
		{"6.17", "overlong slash", bad("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")},
		{"6.18", "longest overlong", bad("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")},
		{"6.19", "overlong zero", bad("c080", "e08080", "f0808080", "f880808080", "fc8080808080")},
		{"6.20", "half a surrogate pair", bad("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")},
		{"6.21", "a surrogate pair", bad("eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf", "edae80edb080", "edae80edbfbf", "edafbfedb080", "edafbfedbfbf")},
		{"6.22", "no character, but valid", nonCharacters},
		{"6.23", "specials", specials},
	}
}
