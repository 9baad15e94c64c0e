package players

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/tidwall/gjson"

	"github.com/loadrig/loadrig/scenario"
)

// view is b as a string, without a copy: it lives as long as b is not changed.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// render gives what a template comes to. It lives until the next call.
func (s *stage) render(p *Player, t *scenario.Template) []byte {
	if t.Constant {
		return t.Text()
	}
	s.scratch = s.append(s.scratch[:0], p, t)
	return s.scratch
}

// append adds what a template comes to, without allocating unless it has expressions.
func (s *stage) append(b []byte, p *Player, t *scenario.Template) []byte {
	for i := range t.Segments {
		seg := &t.Segments[i]
		switch seg.Kind {
		case scenario.SegText:
			b = append(b, seg.Text...)
		case scenario.SegVar:
			b = appendValue(b, &p.vars[seg.Slot], seg.Mode)
		case scenario.SegFeed:
			v, _ := s.column(p, seg.Slot, seg.Name)
			b = appendText(b, v, seg.Mode)
		case scenario.SegPlayer:
			b = strconv.AppendInt(b, int64(p.n), 10)
		case scenario.SegIteration:
			b = strconv.AppendInt(b, int64(p.iteration), 10)
		case scenario.SegSeq:
			p.seq++
			b = strconv.AppendUint(b, uint64(p.seq), 10)
		case scenario.SegStamp:
			b = appendText(b, view(s.stamp), seg.Mode)
		case scenario.SegUUID:
			b = quoteIf(b, seg.Mode, func(b []byte) []byte { return s.appendUUID(b) })
		case scenario.SegExpr:
			var v scenario.Value
			s.evaluate(p, seg.Expr, &v)
			b = appendValue(b, &v, seg.Mode)
		}
	}
	return b
}

func quoteIf(b []byte, m scenario.Mode, f func([]byte) []byte) []byte {
	if m != scenario.JSONValue {
		return f(b)
	}
	return append(f(append(b, '"')), '"')
}

// appendUUID adds a version 4 UUID (RFC 9562) of the player's own chance.
func (s *stage) appendUUID(b []byte) []byte {
	var u [16]byte
	for i := range 2 {
		v := s.chance.Uint64()
		for j := range 8 {
			u[i*8+j] = byte(v >> (8 * j))
		}
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	for i, n := range []int{4, 2, 2, 2, 6} {
		if i > 0 {
			b = append(b, '-')
		}
		at := []int{0, 4, 6, 8, 10}[i]
		b = hex.AppendEncode(b, u[at:at+n])
	}
	return b
}

func appendValue(b []byte, v *scenario.Value, m scenario.Mode) []byte {
	switch v.Kind {
	case scenario.True:
		return append(b, "true"...)
	case scenario.False:
		return append(b, "false"...)
	case scenario.Number:
		if len(v.Str) > 0 { // as it was sent, with all its digits
			return append(b, v.Str...)
		}
		return appendNumber(b, v.Num)
	case scenario.String:
		return appendText(b, view(v.Str), m)
	case scenario.JSON:
		if m == scenario.InString {
			return appendText(b, view(v.Str), m)
		}
		return append(b, v.Str...)
	default:
		if m == scenario.JSONValue {
			return append(b, "null"...)
		}
		return b
	}
}

// appendNumber writes whole numbers without a point or an exponent, as ids are.
func appendNumber(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

func appendText(b []byte, s string, m scenario.Mode) []byte {
	switch m {
	case scenario.InString:
		return appendEscaped(b, s)
	case scenario.JSONValue:
		return append(appendEscaped(append(b, '"'), s), '"')
	default:
		return append(b, s...)
	}
}

// appendEscaped writes s as the inside of a JSON string (RFC 8259 §7). What is not UTF-8 becomes U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(append(b, s[from:i]...), "\ufffd"...)
		} else {
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\r':
				b = append(b, `\r`...)
			case '\t':
				b = append(b, `\t`...)
			default:
				const digits = "0123456789abcdef"
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			}
		}
		i++
		from = i
	}
	return append(b, s[from:]...)
}

// assign sets a variable to what a template comes to, in the memory that it has.
func (s *stage) assign(p *Player, to *scenario.Value, t *scenario.Template) {
	if len(t.Segments) == 1 && t.Segments[0].Mode == scenario.JSONValue && t.Segments[0].Kind != scenario.SegText {
		switch seg := &t.Segments[0]; seg.Kind {
		case scenario.SegVar:
			set(to, &p.vars[seg.Slot])
			return
		case scenario.SegExpr:
			s.evaluate(p, seg.Expr, to)
			return
		}
	}
	b := s.render(p, t)
	if t.JSON {
		setResult(to, gjson.Parse(view(b)))
		return
	}
	to.Kind, to.Str = scenario.String, append(to.Str[:0], b...)
}

func set(to, from *scenario.Value) {
	to.Kind, to.Num, to.Str = from.Kind, from.Num, append(to.Str[:0], from.Str...)
}

// setResult sets a variable to what is at a JSON path; to null if there is nothing.
func setResult(to *scenario.Value, r gjson.Result) {
	switch r.Type {
	case gjson.String:
		to.Kind, to.Str = scenario.String, append(to.Str[:0], r.Str...)
	case gjson.Number:
		to.Kind, to.Num, to.Str = scenario.Number, r.Num, append(to.Str[:0], r.Raw...)
	case gjson.True:
		to.Kind = scenario.True
	case gjson.False:
		to.Kind = scenario.False
	case gjson.JSON:
		to.Kind, to.Str = scenario.JSON, append(to.Str[:0], r.Raw...)
	default:
		to.Kind = scenario.Null
	}
}

// column gives a column of the player's row of a feed.
func (s *stage) column(p *Player, feed int, name string) (string, bool) {
	t := s.cast.Tables[feed]
	row, ok := s.row(p, feed)
	if !ok {
		return "", false
	}
	return t.Value(row, name)
}

// row gives which row of a feed is the player's in this iteration: rows are dealt by the players' numbers, so
// that a run with the same seed deals them in the same way however its players race.
func (s *stage) row(p *Player, feed int) (int, bool) {
	t, f := s.cast.Tables[feed], s.cast.Scenario.Feeds[feed]
	n := t.Len()
	at := int(p.n) + int(p.iteration)*s.cast.Players
	switch f.Order {
	case scenario.OrderUnique:
		return int(p.n), int(p.n) < n
	case scenario.OrderRandom:
		return int(mix(s.cast.Seed^uint64(feed)<<56^uint64(at)*0x9e3779b97f4a7c15) % uint64(n)), true
	}
	if at >= n && f.End == scenario.EndStop {
		return 0, false
	}
	round, at := at/n, at%n
	if f.Order == scenario.OrderShuffle {
		at = shuffled(at, n, s.cast.Seed^uint64(feed)<<56^uint64(round))
	}
	return at, true
}

// supplied tells whether every feed still has a row for the player.
func (s *stage) supplied(p *Player) bool {
	for i := range s.cast.Tables {
		if _, ok := s.row(p, i); !ok {
			return false
		}
	}
	return true
}

// shuffled gives the at-th element of a permutation of 0 to n-1 that the key names, without keeping it: a
// Feistel network over the next power of four, walked until it is within n.
func shuffled(at, n int, key uint64) int {
	half := 1
	for 1<<(2*half) < n {
		half++
	}
	mask := uint64(1)<<half - 1
	x := uint64(at)
	for {
		l, r := x>>half, x&mask
		for round := range uint64(4) {
			l, r = r, l^mix(r^key+round*0x9e3779b97f4a7c15)&mask
		}
		if x = l<<half | r; x < uint64(n) {
			return int(x)
		}
	}
}

// functions are what expressions may call; see scenario.Functions.
func (s *stage) functions() map[string]any {
	return map[string]any{
		"uuid": func() string { return string(s.appendUUID(nil)) },
		"seq": func() int {
			s.player.seq++
			return int(s.player.seq)
		},
		"random": func(a, b int) int {
			if b < a {
				a, b = b, a
			}
			return a + int(s.chance.Uint64N(uint64(b-a)+1))
		},
		"chance": func(p float64) bool { return s.chance.Float64() < p },
		"fake":   s.fake,
		"now_ms": func() int { return int(time.Now().UnixMilli()) },
		"json": func(path string) any {
			r := gjson.Get(view(s.msg), path)
			if r.Type == gjson.JSON {
				return r.Value()
			}
			var v scenario.Value
			setResult(&v, r)
			return boxed(&v)
		},
		"text": func() string { return string(s.msg) },
		"size": func() int { return len(s.msg) },
		"env":  func(name string) string { return s.cast.Env[name] },
	}
}

// fake makes data up; a name that it does not know gives nothing.
func (s *stage) fake(name string) string {
	info := gofakeit.GetFuncLookup(name)
	if info == nil {
		return ""
	}
	v, err := info.Generate(s.faker, gofakeit.NewMapParams(), info)
	if err != nil {
		return ""
	}
	return fmt.Sprint(v)
}

// boxed is a variable as expressions see it: whole numbers are ints.
func boxed(v *scenario.Value) any {
	switch v.Kind {
	case scenario.True:
		return true
	case scenario.False:
		return false
	case scenario.Number:
		if v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < 1<<53 {
			return int(v.Num)
		}
		return v.Num
	case scenario.String:
		return string(v.Str)
	case scenario.JSON:
		return gjson.ParseBytes(v.Str).Value()
	default:
		return nil
	}
}

// run evaluates an expression. One that fails, as by comparing what cannot be compared, gives nil, and is
// counted as a fault.
func (s *stage) run(p *Player, x *scenario.Expr) any {
	s.env["n"], s.env["iteration"], s.env["connected"] = int(p.n), int(p.iteration), s.connected
	for _, u := range x.Uses {
		if u.Slot >= 0 {
			s.env[u.Name] = boxed(&p.vars[u.Slot])
		} else {
			s.env[u.Name] = s.rowOf(p, u.Feed)
		}
	}
	v, err := s.vm.Run(x.Program, s.env)
	if err != nil {
		s.fault(x.At, x.Source, err)
		return nil
	}
	return v
}

// rowOf is a row of a feed as expressions see it.
func (s *stage) rowOf(p *Player, feed int) map[string]any {
	row, ok := s.row(p, feed)
	if !ok {
		return nil
	}
	m := make(map[string]any)
	if t, ok := s.cast.Tables[feed].(interface{ Columns() []string }); ok {
		for _, name := range t.Columns() {
			if v, ok := s.cast.Tables[feed].Value(row, name); ok {
				m[name] = v
			}
		}
	}
	return m
}

func (s *stage) holds(p *Player, x *scenario.Expr) bool {
	b, _ := s.run(p, x).(bool)
	return b
}

// evaluate sets a variable to what an expression gives.
func (s *stage) evaluate(p *Player, x *scenario.Expr, to *scenario.Value) {
	switch v := s.run(p, x).(type) {
	case nil:
		to.Kind = scenario.Null
	case bool:
		to.Kind = scenario.False
		if v {
			to.Kind = scenario.True
		}
	case int:
		to.Kind, to.Num, to.Str = scenario.Number, float64(v), to.Str[:0]
	case float64:
		to.Kind, to.Num, to.Str = scenario.Number, v, to.Str[:0]
	case string:
		to.Kind, to.Str = scenario.String, append(to.Str[:0], v...)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			to.Kind = scenario.Null
			return
		}
		to.Kind, to.Str = scenario.JSON, append(to.Str[:0], b...)
	}
}

// draw gives a time by chance, never less than 0.
func (s *stage) draw(d *scenario.Distribution) time.Duration {
	switch d.Kind {
	case "uniform":
		return d.A + time.Duration(s.chance.Int64N(int64(d.B-d.A)+1))
	case "normal":
		return max(0, d.A+time.Duration(s.chance.NormFloat64()*float64(d.B)))
	case "exponential":
		return time.Duration(s.chance.ExpFloat64() * float64(d.A))
	default:
		return d.A
	}
}

// maxLogged bounds the lines that log steps write in one run, as writing them takes the shard's time.
const maxLogged = 10_000

func (s *stage) log(p *Player, t *scenario.Template) {
	switch n := s.cast.logged.Add(1); {
	case n < maxLogged:
		s.cast.Logger.Info(string(s.render(p, t)), slog.Int("player", int(p.n)), slog.String("population", p.prog.Name))
	case n == maxLogged:
		s.cast.Logger.Warn("further lines of log steps are left out", slog.Int("lines", maxLogged))
	}
}
