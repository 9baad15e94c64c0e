package target

import (
	"github.com/gobwas/ws"
	"github.com/tidwall/gjson"
)

// maxCommand is the most bytes of a message that is read as JSON. It also bounds how deep the parser recurses.
const maxCommand = 64 << 10

// command is what a client asks for: a JSON object with an op, and perhaps an id, any value, that its answer
// carries too. The last of two fields of one name counts.
type command struct {
	op   string
	id   string // as it stands in the JSON; empty if absent
	room gjson.Result
	game gjson.Result
	cell gjson.Result
	x, y gjson.Result
}

// parseCommand gives what is wrong in words, if anything is.
func parseCommand(op ws.OpCode, p []byte) (c command, wrong string) {
	switch {
	case op != ws.OpText:
		return c, "got a binary message, want text"
	case len(p) > maxCommand:
		return c, "got a message over 65536 bytes, want a shorter one"
	case !gjson.ValidBytes(p):
		return c, "got no JSON, want an object"
	}
	all := gjson.ParseBytes(p)
	if !all.IsObject() {
		return c, "got other JSON, want an object"
	}
	var name gjson.Result
	all.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "op":
			name = value
		case "id":
			c.id = value.Raw
		case "room":
			c.room = value
		case "game":
			c.game = value
		case "cell":
			c.cell = value
		case "x":
			c.x = value
		case "y":
			c.y = value
		}
		return true
	})
	if name.Type != gjson.String {
		return c, "got no op, want one as a string"
	}
	c.op = name.Str
	return c, ""
}

// answer sends one JSON object, of which text has all but the id and the closing brace.
func (s *session) answer(out, text []byte, id string) []byte {
	text = endObject(text, id)
	t := s.host.tally
	t.answers.Add(1)
	t.sent.Add(1)
	t.sentBytes.Add(uint64(len(text)))
	return appendFrame(out, ws.OpText, text)
}

// wrong answers a command with what is wrong with it.
func (s *session) wrong(out []byte, what, id string) []byte {
	s.host.tally.errors.Add(1)
	var b [256]byte
	return s.answer(out, gjson.AppendJSONString(append(b[:0], `{"op":"error","error":`...), what), id)
}

func endObject(b []byte, id string) []byte {
	if id != "" {
		b = append(append(b, `,"id":`...), id...)
	}
	return append(b, '}')
}

// clip keeps what a peer got wrong from coming back at length.
func clip(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "…"
}
