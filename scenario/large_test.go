package scenario

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const one = "players: {ann: {steps: [connect]}}\n"

// bomb is fragments that call each other in pairs, so that the last is put in 2^levels times.
func bomb(levels int, leaf string) string {
	var b strings.Builder
	b.WriteString("fragments:\n")
	for i := range levels {
		fmt.Fprintf(&b, "  f%d: [{call: f%d}, {call: f%d}]\n", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "  f%d: [%s]\nplayers: {ann: {steps: [connect, {call: f0}]}}\n", levels, leaf)
	return b.String()
}

// numbered repeats a format with a number in it.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// large are files that are made to be costly: too long, too deep, or small and growing. Each is refused with
// the message of its golden file, or is taken if that is empty.
var large = map[string]string{
	"ten-megabytes":      one + strings.Repeat("# nothing\n", 1<<20),
	"one-byte-too-many":  one + strings.Repeat("#", MaxFile+1-len(one)),
	"as-long-as-may-be":  one + strings.Repeat("#", MaxFile-len(one)),
	"deep-lists":         strings.Repeat("[", 100_000),
	"deep-mappings":      strings.Repeat("{a: ", 100_000),
	"deep-dashes":        strings.Repeat("- ", 100_000),
	"deep-keys":          strings.Repeat("? ", 100_000),
	"deep-json":          "players: {ann: {steps: [connect, {send: {json: " + strings.Repeat("{a: ", 70) + strings.Repeat("}", 70) + "}}]}}\n",
	"deep-steps":         "players: {ann: {steps: [connect, " + strings.Repeat("{repeat: {times: 2, do: [", 40) + "ping" + strings.Repeat("]}}", 40) + "]}}\n",
	"deep-steps-allowed": "players: {ann: {steps: [connect, " + strings.Repeat("{repeat: {times: 2, do: [", 30) + "ping" + strings.Repeat("]}}", 30) + "]}}\n",
	"steps":              bomb(15, "ping, ping, ping, ping"),
	"messages":           bomb(14, "{send: "+strings.Repeat("x", 10_000)+"}"),
	"expressions":        bomb(14, "{if: {when: n > 1, then: [ping]}}"),
	"patterns":           "players: {ann: {steps: [connect" + numbered(1001, ", {expect: {regex: a%d}}") + "]}}\n",
	"checks":             "players: {ann: {steps: [connect" + numbered(1025, ", {check: {name: c%d, that: n > 1}}") + "]}}\n",
	"unknown-keys":       one + numbered(80_000, "key%d: 1\n"),
	"unknown-steps":      "players: {ann: {steps: [connect" + numbered(80_000, ", step%d") + "]}}\n",
	"many-variables":     one + "vars: {" + numbered(60_000, "v%d: 1, ") + "}\n",
	"many-saved":         "players: {ann: {steps: [connect, {expect: {text: a, save: {" + numbered(60_000, "v%d: a, ") + "}}}]}}\n",
	"many-names":         "players: {" + numbered(60_000, "p%d: 1, ") + "}\n",
	"many-fragments":     one + "fragments: {" + numbered(60_000, "f%d: [], ") + "}\n",
	"many-calls":         "players: {ann: {steps: [connect" + numbered(60_000, ", {call: f%d}") + "]}}\n",
	"many-steps":         "players: {ann: {steps: [connect" + strings.Repeat(", ping", 99_998) + "]}}\n",
	"many-templates":     "players: {ann: {steps: [connect, {send: \"" + strings.Repeat("{{ n }}", 140_000) + "\"}]}}\n",
	"many-mistakes":      "players: {ann: {steps: [connect, {send: \"" + strings.Repeat("{{ m }}", 140_000) + "\"}]}}\n",
	"many-anchors":       "outputs: [" + numbered(80_000, "&a%d x, ") + "]\n" + one,
	"many-aliases":       "vars: {a: &a x}\noutputs: [" + strings.Repeat("*a,", 300_000) + "]\n" + one,
	"many-nulls":         "outputs:\n" + strings.Repeat("-\n", 400_000) + one,
	"a-long-key":         one + strings.Repeat("k", 900) + ": 1\n? " + strings.Repeat("l", 900_000) + "\n: 1\n",
	"a-long-text":        "players: {ann: {steps: [connect, {send: \"" + strings.Repeat("x", 1_000_000) + "\"}]}}\n",
	"a-long-name":        "players: {? \"" + strings.Repeat("n", 1_000_000) + "\" : {steps: [connect], weight: []}}\n",
	"a-long-number":      "seed: " + strings.Repeat("9", 1_000_000) + "\n" + one,
	"a-long-line":        "outputs: [" + strings.Repeat("[], ", 250_000) + "]\n" + one,
	"a-long-excerpt":     one + "name: " + strings.Repeat("ü ", 300_000) + ": x\n",
	"a-long-tag":         "name: !<" + strings.Repeat("%41", 300_000) + "> x\n" + one,
	"long-fragments":     "fragments: {" + numbered(40, strings.Repeat("f", 20_000)+"%d: [], ") + "}\n" + one,
	"comments":           strings.Repeat("# a\n", 250_000) + one,
	"open-ends":          strings.Repeat("a: b: ", 150_000),
}

// TestLarge: what is refused is refused early, with few words, and takes memory in proportion to MaxFile.
func TestLarge(t *testing.T) {
	// The most that was measured is 307 MiB, of 10,000 expressions; a file of as many YAML nodes as can be
	// takes 120 MiB.
	const most = 512 << 20
	for name, text := range large {
		t.Run(name, func(t *testing.T) {
			in := &countingReader{r: strings.NewReader(text)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := Read(in, name+".yaml", t.TempDir(), Options{})
			runtime.ReadMemStats(&after)
			if in.n > MaxFile+1 {
				t.Errorf("read %d bytes, want at most %d", in.n, MaxFile+1)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("allocated %d MiB, want at most %d", got>>20, most>>20)
			}
			got := ""
			if err != nil {
				p := problemsOf(t, err)
				if len(p.List) > maxProblems {
					t.Errorf("got %d mistakes, want at most %d", len(p.List), maxProblems)
				}
				got = p.Error() + "\n"
				if len(got) > maxProblems*(4*maxMessage+8*maxExcerpt) {
					t.Errorf("got %d bytes of messages, want at most four for each character", len(got))
				}
				if len(p.List) > 3 {
					got = (&Problems{File: p.File, List: p.List[:3]}).Error() + fmt.Sprintf("\nand %d more, cut %v\n", len(p.List)-3, p.Cut)
				}
			} else if n := len(s.Programs[0].Code); n > maxCode {
				t.Errorf("got %d instructions, want at most %d", n, maxCode)
			}
			golden(t, "testdata/large/"+name+".txt", got)
		})
	}
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func problemsOf(t *testing.T, err error) *Problems {
	t.Helper()
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatalf("got error %v (%T), want *Problems", err, err)
	}
	return p
}

// TestPayloadFiles: files that are sent are bounded, and read only once.
func TestPayloadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"small": 10 << 20, "other": 10 << 20, "large": 16<<20 + 1} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	read := func(files ...string) (*Scenario, error) {
		text := "players: {ann: {steps: [connect"
		for _, f := range files {
			text += ", {send: {file: " + f + "}}"
		}
		return Read(strings.NewReader(text+"]}}\n"), "x.yaml", dir, Options{})
	}
	s, err := read("small", "small", "small")
	if err != nil {
		t.Fatal(err)
	}
	code := s.Programs[0].Code
	first, second := code[1].Arg.(*Message).Body.Text(), code[2].Arg.(*Message).Body.Text()
	if len(first) != 10<<20 || &first[0] != &second[0] {
		t.Errorf("got %d bytes, and a copy for each step: %v; want %d, shared", len(first), &first[0] != &second[0], 10<<20)
	}
	_, err = read("large")
	want := "x.yaml:1:48: file: got large with 16777217 bytes, want at most 16777216, and 67108864 in all files together"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
