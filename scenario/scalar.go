package scenario

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// The plain values. pos, where it is not nil, is set to the place. What is preset is the default.

// scalar gives a node's text, if it is a scalar that is not null.
func (r *reader) scalar(n *yaml.Node, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.got(n, want)
		return "", false
	}
	return n.Value, true
}

// bare is scalar for what YAML and JSON write without quotes, as numbers and truth.
func (r *reader) bare(n *yaml.Node, want string) (string, bool) {
	s, ok := r.scalar(n, want)
	if ok && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		r.wrongAt(n, "%s: got the text %s, want %s, without quotes", clip(r.key, 60), what(n), want)
		return "", false
	}
	return s, ok
}

func setPos(p *Pos, n *yaml.Node) {
	if p != nil {
		*p = posOf(n)
	}
}

// text is any scalar, taken as it is written.
type text struct {
	to  *string
	pos *Pos
}

func (v text) read(r *reader, n *yaml.Node) {
	if s, ok := r.scalar(n, v.want()); ok {
		*v.to = s
		setPos(v.pos, n)
	}
}

func (text) want() string { return "a text" }

func (text) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

// optional is a text that may be empty and yet given.
type optional struct {
	to  **string
	pos *Pos
}

func (v optional) read(r *reader, n *yaml.Node) {
	if s, ok := r.scalar(n, v.want()); ok {
		*v.to = &s
		setPos(v.pos, n)
	}
}

func (optional) want() string { return text{}.want() }

func (optional) schema(d *schemas) map[string]any { return text{}.schema(d) }

// label is a name that figures are reported under, and so no template: its values must be few.
type label struct {
	to  *string
	pos *Pos
}

const maxLabel = 64 // characters

func (v label) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, v.want())
	switch {
	case !ok:
	case strings.Contains(s, "{{"):
		r.wrongAt(n, "%s: got %s, want a name, which cannot be a template: figures are kept for each", r.key, what(n))
	case !isLabel(s):
		r.got(n, v.want())
	default:
		*v.to = s
		setPos(v.pos, n)
	}
}

func isLabel(s string) bool {
	return s != "" && len([]rune(s)) <= maxLabel && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

func (label) want() string {
	return fmt.Sprintf("a name of 1 to %d characters", maxLabel)
}

func (label) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": maxLabel}
}

type boolean struct {
	to  *bool
	pos *Pos
}

func (v boolean) read(r *reader, n *yaml.Node) {
	switch s, ok := r.bare(n, v.want()); {
	case !ok:
	case s == "true", s == "false":
		*v.to = s == "true"
		setPos(v.pos, n)
	default:
		r.got(n, v.want())
	}
}

func (boolean) want() string { return "true or false" }

func (boolean) schema(*schemas) map[string]any { return map[string]any{"type": "boolean"} }

type integer struct {
	to       *int
	min, max int
	pos      *Pos
}

func (v integer) read(r *reader, n *yaml.Node) {
	s, ok := r.bare(n, v.want())
	if !ok {
		return
	}
	i, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	if err != nil || i < v.min || i > v.max {
		r.got(n, v.want())
		return
	}
	*v.to = i
	setPos(v.pos, n)
}

func (v integer) want() string {
	if v.max == math.MaxInt32 {
		return fmt.Sprintf("a whole number, %d or more", v.min)
	}
	return fmt.Sprintf("a whole number from %d to %d", v.min, v.max)
}

func (v integer) schema(*schemas) map[string]any {
	return map[string]any{"type": "integer", "minimum": v.min, "maximum": v.max}
}

type number struct {
	to       *float64
	min, max float64
}

func (v number) read(r *reader, n *yaml.Node) {
	s, ok := r.bare(n, v.want())
	if !ok {
		return
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < v.min || f > v.max {
		r.got(n, v.want())
		return
	}
	*v.to = f
}

func (v number) want() string {
	plain := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return "a number from " + plain(v.min) + " to " + plain(v.max)
}

func (v number) schema(*schemas) map[string]any {
	return map[string]any{"type": "number", "minimum": v.min, "maximum": v.max}
}

type duration struct {
	to  *time.Duration
	min time.Duration
	pos *Pos
}

const maxDuration = 10 * 365 * 24 * time.Hour

// timePattern is narrower than what time.ParseDuration takes, so that a schema can say it.
var timePattern = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`)

func (v duration) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, v.want())
	if !ok {
		return
	}
	d, err := time.ParseDuration(s)
	switch {
	case err == nil && d > maxDuration:
		r.wrongAt(n, "%s: got %v, want at most ten years", r.key, d)
	case err == nil && d < v.min && v.min == 1:
		r.wrongAt(n, "%s: got %v, want more than 0", r.key, d)
	case err == nil && d < v.min:
		r.wrongAt(n, "%s: got %v, want %v or more", r.key, d, v.min)
	case err != nil, !timePattern.MatchString(s):
		r.got(n, v.want())
	default:
		*v.to = d
		setPos(v.pos, n)
	}
}

func (duration) want() string { return "a time with its unit, as 500ms, 30s or 1h30m" }

func (duration) schema(*schemas) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "pattern": timePattern.String()},
		map[string]any{"type": "integer", "const": 0},
	}}
}

// rate reads 50/s, 3000/m and 7200/h, as a number per second.
type rate struct {
	to  *float64
	pos *Pos
}

var ratePattern = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(/(s|m|h))?$`)

func (v rate) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, v.want())
	if !ok {
		return
	}
	f, ok := parseRate(s)
	if !ok {
		r.got(n, v.want())
		return
	}
	*v.to = f
	setPos(v.pos, n)
}

const maxRate = 1e9

func parseRate(s string) (perSecond float64, ok bool) {
	if !ratePattern.MatchString(s) {
		return 0, false
	}
	count, unit, _ := strings.Cut(s, "/")
	f, err := strconv.ParseFloat(count, 64)
	f /= map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	return f, err == nil && f <= maxRate
}

func (rate) want() string { return "a rate, as 50/s, 3000/m or 10/h" }

func (rate) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "number"}, "pattern": ratePattern.String(), "minimum": 0}
}

// size reads 65536, 64KiB and 16MiB.
type size struct{ to *int }

var sizePattern = regexp.MustCompile(`^([0-9]+)(B|KiB|MiB|GiB)?$`)

func (v size) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, v.want())
	if !ok {
		return
	}
	parts := sizePattern.FindStringSubmatch(s)
	if parts == nil {
		r.got(n, v.want())
		return
	}
	unit := map[string]int{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[parts[2]]
	i, err := strconv.Atoi(parts[1])
	if err != nil || i < 1 || i > math.MaxInt32/unit {
		r.wrongAt(n, "%s: got %s, want from 1 byte to less than 2GiB", r.key, what(n))
		return
	}
	*v.to = i * unit
}

func (size) want() string { return "a number of bytes, as 65536, 64KiB or 16MiB" }

func (size) schema(*schemas) map[string]any {
	return map[string]any{"type": []string{"string", "integer"}, "pattern": sizePattern.String(), "minimum": 1}
}

// choice is one word of a few.
type choice struct {
	to    *string
	words []string
	pos   *Pos
}

func (v choice) read(r *reader, n *yaml.Node) {
	s, ok := r.scalar(n, v.want())
	switch {
	case !ok:
	case slices.Contains(v.words, s):
		*v.to = s
		setPos(v.pos, n)
	default:
		r.wrongAt(n, "%s: got %s, %s", r.key, what(n), among(s, v.words))
	}
}

func (v choice) want() string { return "one of " + strings.Join(v.words, ", ") }

// schema has words that are numbers as numbers too, as YAML reads 1.2 for one.
func (v choice) schema(*schemas) map[string]any {
	var enum []any
	for _, w := range v.words {
		enum = append(enum, w)
		if f, err := strconv.ParseFloat(w, 64); err == nil {
			enum = append(enum, f)
		}
	}
	return map[string]any{"enum": enum}
}

// integers is a list of whole numbers; a single one is a list of one.
type integers struct {
	to       *[]int
	what     string
	min, max int
}

func (v integers) read(r *reader, n *yaml.Node) {
	eachOf(r, n, v.want(), func(c *yaml.Node) {
		var i int
		integer{to: &i, min: v.min, max: v.max}.read(r, c)
		*v.to = append(*v.to, i)
	})
}

func (v integers) want() string {
	return fmt.Sprintf("a list of %s from %d to %d, or one", v.what, v.min, v.max)
}

func (v integers) schema(d *schemas) map[string]any {
	return oneOrMore(integer{min: v.min, max: v.max}.schema(d))
}
