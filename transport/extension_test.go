package transport

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestParseExtensions(t *testing.T) {
	ext := func(name string, params ...param) extension { return extension{name, params} }
	for _, c := range []struct {
		in   string
		want []extension
	}{
		{"", nil},
		{" , ,\t, ", nil},
		{"a", []extension{ext("a")}},
		{" a , b ", []extension{ext("a"), ext("b")}},
		{",a,,b,", []extension{ext("a"), ext("b")}},
		{"a;b", []extension{ext("a", param{"b", "", false})}},
		{"a;b=1", []extension{ext("a", param{"b", "1", true})}},
		{"a\t;\tb = 1 ; c", []extension{ext("a", param{"b", "1", true}, param{"c", "", false})}},
		{`a;b="1"`, []extension{ext("a", param{"b", "1", true})}},
		{`a;b="1\0";c`, []extension{ext("a", param{"b", "10", true}, param{"c", "", false})}},
		{"a;b=1, a;b=2", []extension{ext("a", param{"b", "1", true}), ext("a", param{"b", "2", true})}},
		{"!#$%&'*+-.^_`|~09aZ", []extension{ext("!#$%&'*+-.^_`|~09aZ")}},
	} {
		got, err := parseExtensions(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.in, got, err, c.want)
		}
	}
	for in, want := range map[string]string{
		";":            `got ";", want an extension's name`,
		"a b":          `got "b", want a semicolon, a comma or the end`,
		"a;":           "got its end, want a parameter's name",
		"a;;b":         `got ";b", want a parameter's name`,
		"a;b=":         "got its end, want a parameter's value",
		"a;b=,c":       `got ",c", want a parameter's value`,
		"a;b=1 2":      `got "2", want a semicolon, a comma or the end`,
		`a;b="`:        "got its end, want a closing quote",
		`a;b="1`:       "got its end, want a closing quote",
		`a;b=""`:       `got "\"" in quotes, want a token there`,
		`a;b="1 2"`:    `got " " in quotes, want a token there`,
		`a;b="\"`:      `got "\"" in quotes, want a token there`,
		`a;b="1\`:      `got "\\" in quotes, want a token there`,
		`a;b="1"2`:     `got "2", want a semicolon, a comma or the end`,
		"a;b=1=2":      `got "=2", want a semicolon, a comma or the end`,
		"a/b":          `got "/b", want a semicolon, a comma or the end`,
		"ä":            `got "ä", want an extension's name`,
		`"a"`:          `got "\"a\"", want an extension's name`,
		"a;\xff":       `got "\xff", want a parameter's name`,
		"a;b=\"\xff\"": `got "\xff" in quotes, want a token there`,
	} {
		if got, err := parseExtensions(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want %s", in, got, err, want)
		}
	}
}

// TestOffer: what is asked for, by what is set.
func TestOffer(t *testing.T) {
	for _, c := range []struct {
		o    *Compression
		want string
	}{
		{nil, ""},
		{&Compression{}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
		{&Compression{Takeover: true, Threshold: 100}, "permessage-deflate; client_max_window_bits"},
		{&Compression{Takeover: true, ServerWindow: 8, ClientWindow: 15}, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=15"},
		{&Compression{ServerWindow: 15, ClientWindow: 9}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=9"},
	} {
		got := string(c.o.offer())
		if c.want != "" {
			c.want = "Sec-WebSocket-Extensions: " + c.want + "\r\n"
		}
		if got != c.want {
			t.Errorf("%+v: got %q, want %q", c.o, got, c.want)
		}
	}
}

func TestCompressionMistakes(t *testing.T) {
	for _, c := range []struct {
		o    Compression
		want string
	}{
		{Compression{}, ""},
		{Compression{ServerWindow: 8, ClientWindow: 15, Threshold: 1}, ""},
		{Compression{ServerWindow: 7}, "compress: server window: got 7 bits, want 8 to 15, or 0 for no limit"},
		{Compression{ClientWindow: 16}, "compress: client window: got 16 bits, want 8 to 15, or 0 for no limit"},
		{
			Compression{ServerWindow: -1, ClientWindow: 1, Threshold: -1},
			"compress: server window: got -1 bits, want 8 to 15, or 0 for no limit\n" +
				"compress: client window: got 1 bits, want 8 to 15, or 0 for no limit\n" +
				"compress: threshold: got -1 bytes, want 0 or more",
		},
	} {
		got := ""
		if err := (Options{Compress: &c.o}).Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: got %q, want %q", c.o, got, c.want)
		}
	}
}

// The options are read once: what their owner does with them afterwards is nothing to a Network.
func TestCompressionIsCopied(t *testing.T) {
	mine := &Compression{}
	n, err := NewNetwork(Options{Compress: mine})
	if err != nil {
		t.Fatal(err)
	}
	mine.Threshold = 1 << 20
	if n.Options().Compress.Threshold != 0 {
		t.Error("a Network sees what is done to its options later")
	}
}

// agreements says what comes of a server's answer. Its good answers are seeds of FuzzExtensions.
var agreements = []struct {
	name   string
	o      *Compression // nil: nothing is offered
	answer []string     // header lines
	want   string       // what is agreed on; empty: nothing
	takes  [4]int       // server takeover, client takeover, server bits, client bits
	err    string       // all of the error behind "Sec-WebSocket-Extensions: "
}{
	{name: "nothing offered, nothing taken"},
	{name: "not taken", o: &Compression{}},
	{name: "not taken, empty", o: &Compression{}, answer: []string{""}},
	{name: "not taken, an empty list", o: &Compression{}, answer: []string{" , "}},
	{
		name: "taken", o: &Compression{}, answer: []string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		want: "permessage-deflate; server_no_context_takeover; client_no_context_takeover", takes: [4]int{0, 0, 15, 15},
	},
	{ // the client does not take over in any case (RFC 7692 §7.1.1.2)
		name: "taken without client_no_context_takeover", o: &Compression{}, answer: []string{"permessage-deflate;server_no_context_takeover"},
		want: "permessage-deflate; server_no_context_takeover; client_no_context_takeover", takes: [4]int{0, 0, 15, 15},
	},
	{
		name: "both take over", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate"},
		want: "permessage-deflate", takes: [4]int{1, 1, 15, 15},
	},
	{ // a server may ask for it unasked (RFC 7692 §7.1.1)
		name: "the server does not take over", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; server_no_context_takeover"},
		want: "permessage-deflate; server_no_context_takeover", takes: [4]int{0, 1, 15, 15},
	},
	{
		name: "the client shall not take over", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; client_no_context_takeover"},
		want: "permessage-deflate; client_no_context_takeover", takes: [4]int{1, 0, 15, 15},
	},
	{ // RFC 7692 §7.1.2.1
		name: "the server's window, unasked", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; server_max_window_bits=8"},
		want: "permessage-deflate; server_max_window_bits=8", takes: [4]int{1, 1, 8, 15},
	},
	{
		name: "the server's window, smaller", o: &Compression{Takeover: true, ServerWindow: 12}, answer: []string{"permessage-deflate; server_max_window_bits=9"},
		want: "permessage-deflate; server_max_window_bits=9", takes: [4]int{1, 1, 9, 15},
	},
	{
		name: "the client's window, asked for by the server", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; client_max_window_bits=10"},
		want: "permessage-deflate; client_max_window_bits=10", takes: [4]int{1, 1, 15, 10},
	},
	{
		name: "the client's window, smaller", o: &Compression{Takeover: true, ClientWindow: 12}, answer: []string{"permessage-deflate; client_max_window_bits=10"},
		want: "permessage-deflate; client_max_window_bits=10", takes: [4]int{1, 1, 15, 10},
	},
	{ // RFC 7692 §7.1.2.2: the client keeps to its hint, whatever the server answers
		name: "the client's window, not answered", o: &Compression{Takeover: true, ClientWindow: 12}, answer: []string{"permessage-deflate"},
		want: "permessage-deflate; client_max_window_bits=12", takes: [4]int{1, 1, 15, 12},
	},
	{
		name: "the client's window, larger", o: &Compression{Takeover: true, ClientWindow: 12}, answer: []string{"permessage-deflate; client_max_window_bits=15"},
		want: "permessage-deflate; client_max_window_bits=12", takes: [4]int{1, 1, 15, 12},
	},
	{
		name: "all four, quoted, in disorder", o: &Compression{ServerWindow: 14, ClientWindow: 13},
		answer: []string{`, permessage-deflate ;client_max_window_bits = "11" ; server_max_window_bits="1\0"; client_no_context_takeover;server_no_context_takeover,`},
		want:   "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11", takes: [4]int{0, 0, 10, 11},
	},

	{name: "not offered", answer: []string{"permessage-deflate"}, err: `got "permessage-deflate", none was offered`},
	{name: "another one", o: &Compression{}, answer: []string{"x-webkit-deflate-frame"}, err: `got "x-webkit-deflate-frame", only permessage-deflate was offered`},
	{name: "another case", o: &Compression{}, answer: []string{"Permessage-Deflate"}, err: `got "Permessage-Deflate", only permessage-deflate was offered`},
	{
		name: "another one behind it", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate, mux"},
		err: `got "mux", only permessage-deflate was offered`,
	},
	{name: "twice", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate, permessage-deflate"}, err: "got permessage-deflate twice"},
	{name: "two lines", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate", ""}, err: "got it 2 times, want it once"},
	{name: "malformed", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate;"}, err: "got its end, want a parameter's name"},
	{
		name: "server_no_context_takeover is missing", o: &Compression{}, answer: []string{"permessage-deflate; client_no_context_takeover"},
		err: "permessage-deflate: got no server_no_context_takeover, which was asked for; offer takeover, or no compression",
	},
	{
		name: "the server's window is missing", o: &Compression{Takeover: true, ServerWindow: 15}, answer: []string{"permessage-deflate"},
		err: "permessage-deflate: got no server_max_window_bits, want one of at most 15",
	},
	{
		name: "the server's window, larger", o: &Compression{Takeover: true, ServerWindow: 10}, answer: []string{"permessage-deflate; server_max_window_bits=11"},
		err: "permessage-deflate: server_max_window_bits: got 11, want at most 10",
	},
	{
		name: "unknown parameter", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; level=9"},
		err: `permessage-deflate: got the parameter "level", which RFC 7692 does not know`,
	},
	{
		name: "a parameter twice", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; client_max_window_bits=9; client_max_window_bits=9"},
		err: `permessage-deflate: got "client_max_window_bits" twice`,
	},
	{
		name: "takeover with a value", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; server_no_context_takeover=true"},
		err: `permessage-deflate: server_no_context_takeover: got the value "true", want none`,
	},
	{
		name: "client takeover with a value", o: &Compression{Takeover: true}, answer: []string{`permessage-deflate; client_no_context_takeover="1"`},
		err: `permessage-deflate: client_no_context_takeover: got the value "1", want none`,
	},
	{ // only an offer may leave it out
		name: "the client's window without a value", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; client_max_window_bits"},
		err: `permessage-deflate: client_max_window_bits: got "", want a value of 8 to 15`,
	},
	{
		name: "the server's window without a value", o: &Compression{Takeover: true}, answer: []string{"permessage-deflate; server_max_window_bits"},
		err: `permessage-deflate: server_max_window_bits: got "", want a value of 8 to 15`,
	},
}

func init() {
	for _, v := range []string{"7", "16", "0", "-9", "+9", "09", "9.0", "0x9", "99999999999999999999", "nine"} {
		for _, name := range []string{serverMaxWindowBits, clientMaxWindowBits} {
			c := agreements[0]
			c.name, c.o, c.answer = name+" of "+v, &Compression{Takeover: true}, []string{permessageDeflate + ";" + name + "=" + v}
			c.err = fmt.Sprintf("permessage-deflate: %s: got %q, want a value of 8 to 15", name, v)
			agreements = append(agreements, c)
		}
	}
}

func TestAgree(t *testing.T) {
	bit := map[bool]int{true: 1}
	for _, c := range agreements {
		g, err := c.o.agree(c.answer)
		switch {
		case c.err != "":
			if err == nil || err.Error() != "Sec-WebSocket-Extensions: "+c.err || g != (agreement{}) {
				t.Errorf("%s: got %v, %v, want %s", c.name, g, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		default:
			takes := [4]int{bit[g.serverTakeover], bit[g.clientTakeover], int(g.serverBits), int(g.clientBits)}
			if g.String() != c.want || takes != c.takes || g.deflate != (c.want != "") {
				t.Errorf("%s: got %q, %v, want %q, %v", c.name, g, takes, c.want, c.takes)
			}
		}
	}
}

// What a server sends ends in an error message; it must be bounded and quoted.
func TestAgreeErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for _, answer := range []string{
		long, "permessage-deflate;" + long, "permessage-deflate;client_max_window_bits=" + long, "permessage-deflate;server_no_context_takeover=" + long,
		"permessage-deflate" + strings.Repeat("\"", 9000), "permessage-deflate;" + long + ";" + long, `permessage-deflate;a="` + long,
	} {
		if g, err := (&Compression{Takeover: true}).agree([]string{answer}); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.40s…: got %v, %.400v", answer, g, err)
		}
	}
}

// FuzzExtensions: what is parsed, written and parsed again is the same; what is agreed on keeps to what was
// offered, and is agreed on again when the server answers with it as it is shown.
func FuzzExtensions(f *testing.F) {
	for i, c := range agreements {
		for _, line := range c.answer {
			f.Add(line, i%2 == 0, uint8(i%9), uint8(i%5))
		}
	}
	f.Add(`a;b="c\d";e=f, g`, true, uint8(0), uint8(8))
	f.Fuzz(func(t *testing.T, answer string, takeover bool, server, client uint8) {
		if list, err := parseExtensions(answer); err == nil {
			again, err := parseExtensions(written(list))
			if err != nil || !reflect.DeepEqual(list, again) {
				t.Fatalf("%q: got %v, written and parsed again %v, %v", answer, list, again, err)
			}
		}
		o := &Compression{Takeover: takeover}
		if server %= 9; server > 0 {
			o.ServerWindow = 7 + int(server)
		}
		if client %= 9; client > 0 {
			o.ClientWindow = 7 + int(client)
		}
		g, err := o.agree([]string{answer})
		if err != nil || !g.deflate {
			return
		}
		switch {
		case !takeover && (g.serverTakeover || g.clientTakeover),
			o.ServerWindow != 0 && int(g.serverBits) > o.ServerWindow, o.ClientWindow != 0 && int(g.clientBits) > o.ClientWindow,
			g.serverBits < minWindowBits, g.serverBits > maxWindowBits, g.clientBits < minWindowBits, g.clientBits > maxWindowBits:
			t.Fatalf("%+v, answered %q: agreed on %+v", o, answer, g)
		}
		shown := g.String()
		if o.ServerWindow == maxWindowBits && g.serverBits == maxWindowBits {
			shown += "; server_max_window_bits=15" // which goes without saying, but the answer must say it
		}
		if again, err := o.agree([]string{shown}); err != nil || again != g {
			t.Fatalf("%+v, answered %q: agreed on %+v, then with %q on %+v, %v", o, answer, g, shown, again, err)
		}
	})
}

// written gives a list of extensions as a header's value.
func written(list []extension) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.name)
		for _, p := range e.params {
			b.WriteString("; " + p.name)
			if p.valued {
				b.WriteString("=\"" + p.value + `"`)
			}
		}
		b.WriteString(", ")
	}
	return b.String()
}

// TestOwnExtensions: a player's own headers may not offer what the transport does not know of.
func TestOwnExtensions(t *testing.T) {
	var b strings.Builder
	if _, err := writeHeaders(&b, http.Header{"sec-websocket-extensions": {"permessage-deflate"}}); err == nil {
		t.Errorf("got %q, want an error", b.String())
	}
}
