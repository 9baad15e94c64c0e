package scenario

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// message makes a payload ready; exactly one of its fields must be given.
func (c *compiler) message(p *Payload, fields ...string) Message {
	var given []string
	for _, f := range []struct {
		name string
		ok   bool
	}{{"json", p.JSON != nil}, {"text", p.Text != nil}, {"hex", p.Hex != ""}, {"base64", p.Base64 != ""}, {"file", p.File != ""}} {
		if f.ok {
			given = append(given, f.name)
		}
	}
	switch {
	case len(given) == 0:
		c.wrong(p.At, "message: got none of %s, want one", strings.Join(fields, ", "))
		return Message{Body: new(Template)}
	case len(given) > 1:
		c.wrong(p.At, "message: got %s, want one of them", strings.Join(given, " and "))
		return Message{Body: new(Template)}
	case p.JSON != nil:
		return Message{Body: c.json(p.JSON)}
	case p.Text != nil:
		return Message{Body: c.template(*p.Text, p.valueAt, Raw)}
	}
	var b []byte
	var err error
	switch {
	case p.Hex != "":
		b, err = unhex(p.Hex)
	case p.Base64 != "":
		if b, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p.Base64), "")); err != nil {
			err = fmt.Errorf("base64: got %q, want A-Z, a-z, 0-9, + and /, padded with =", clip(p.Base64, 40))
		}
	default:
		b, err = c.payload(p.File)
	}
	if err != nil {
		c.wrong(p.valueAt, "%v", err)
	}
	t := &Template{At: p.valueAt, Constant: true, Segments: []Segment{{Kind: SegText, Text: b}}}
	c.grow(len(b), p.valueAt)
	return Message{Binary: true, Body: t}
}

// unhex reads bytes in hexadecimal; white space between them does not count.
func unhex(s string) ([]byte, error) {
	digits := strings.Join(strings.Fields(s), "")
	b, err := hex.DecodeString(digits)
	if err == nil {
		return b, nil
	}
	if i := strings.IndexFunc(digits, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) }); i >= 0 {
		c, _ := utf8.DecodeRuneInString(digits[i:])
		return nil, fmt.Errorf("hex: got %q, want digits from 0 to 9 and a to f", c)
	}
	return nil, fmt.Errorf("hex: got %d digits, want two for each byte", len(digits))
}

// maxPayloadFile bounds a file that is sent whole; maxPayloadFiles, all of them.
const (
	maxPayloadFile  = 16 << 20
	maxPayloadFiles = 64 << 20
)

// payload reads a file that is to be sent. Steps that send the same share its bytes.
func (c *compiler) payload(name string) ([]byte, error) {
	if b, ok := c.payloads[name]; ok {
		return b, nil
	}
	f, size, err := openFile(c.dir, name)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	defer f.Close()
	rest := int64(maxPayloadFiles)
	for _, b := range c.payloads {
		rest -= int64(len(b))
	}
	most := min(maxPayloadFile, rest)
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("file: %w", err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("file: got %s with %d bytes, want at most %d, and %d in all files together", name, max(size, int64(len(b))), maxPayloadFile, maxPayloadFiles)
	}
	c.payloads[name] = b
	return b, nil
}

// openFile opens a file that a scenario names. What is no plain file could block, or never end.
func openFile(dir, name string) (*os.File, int64, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, 0, fileError(name, err)
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: got %s, want a file", name, kindOf(st.Mode()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fileError(name, err)
	}
	return f, st.Size(), nil
}

func kindOf(m os.FileMode) string {
	if m.IsDir() {
		return "a folder"
	}
	return "a device, pipe or socket"
}

// path turns the simple subset of JSONPath, $.a.b[0], into gjson's a.b.0, which is taken as it is too.
func (c *compiler) path(s string, at Pos) string {
	p, dollar := strings.CutPrefix(s, "$")
	p = strings.TrimPrefix(element.ReplaceAllString(p, ".$1"), ".")
	if s == "$" {
		p = "@this"
	}
	if p == "" || dollar && (strings.HasPrefix(p, ".") || strings.Contains(p, "..") || strings.ContainsAny(p, `*'"()[]`)) || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' }) {
		c.wrong(at, "path: got %q, want one as $.user.name or items.0", clip(s, 60))
	}
	return p
}

// element is one of a list.
var element = regexp.MustCompile(`\[(\d+)\]`)

func (c *compiler) save(es []*Extract) (out []Save) {
	for _, e := range es {
		s := Save{Slot: c.slot(e.Var), Offset: e.Offset, Length: e.Length, As: e.As}
		if e.As == "" {
			s.Path = c.path(e.Path, e.PathAt)
		} else if e.Length > 0 && e.As != "hex" && e.As != "text" {
			c.wrong(e.At, "save: got length and as: %s, which has a length of its own; length is of hex and text", e.As)
		}
		out = append(out, s)
	}
	return out
}

// jsonOnly refuses to save bytes of what can only be JSON.
func (c *compiler) jsonOnly(es []*Extract, kind string) {
	for _, e := range es {
		if e.As != "" {
			c.wrong(e.At, "%s: got bytes to save, want a JSON path, as the answer is JSON", kind)
		}
	}
}

func (c *compiler) url(s string, at Pos, schemes ...string) *Template {
	t := c.template(s, at, Raw)
	if strings.TrimSpace(s) == "" {
		c.wrong(at, "url: got nothing, want %s… or %s…", schemes[0], schemes[1])
	}
	if len(t.Segments) == 0 || t.Segments[0].Kind != SegText {
		return t // a value, which is not known before the run
	}
	begin := string(t.Segments[0].Text)
	if !strings.HasPrefix(begin, schemes[0]) && !strings.HasPrefix(begin, schemes[1]) {
		c.wrong(at, "url: got %q, want %s… or %s…", clip(s, 80), schemes[0], schemes[1])
	}
	return t
}
