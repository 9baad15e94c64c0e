package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Bound is a threshold made ready: what is to hold of one figure.
type Bound struct {
	Kind      string  // KindRequest, …; empty for the responses of the whole run
	Series    int     // in the Scenario's list of that kind; -1 for the whole run
	Aggregate string  // AggregateP, …
	Percent   float64 // of AggregateP, above 0 and at most 100
	Op        string  // one of < <= > >= == !=
	Value     float64 // seconds, a share from 0 to 1, or a count up to 1<<53, as the aggregate is

	*Threshold // as it is written
}

// The kinds of series that a threshold can be about.
const (
	KindRequest  = "request"
	KindDelivery = "delivery"
	KindTick     = "tick"
	KindCheck    = "check"
)

// What a threshold can be about of them. Times are from when a request was due to its answer; from a
// publication to each member; and how far a tick was off, either way.
const (
	AggregateP     = "p" // a percentile; med is that of 50
	AggregateMin   = "min"
	AggregateMax   = "max"
	AggregateMean  = "mean"
	AggregateRate  = "rate"  // the share that was lost; of a check, that held
	AggregateCount = "count" // of what was timed; of a check, how often it was made
)

var (
	kinds      = []string{KindRequest, KindDelivery, KindTick, KindCheck}
	aggregates = []string{"p(N)", "min", "max", "mean", "avg", "med", "rate", "count"}
	operators  = []string{"<", "<=", ">", ">=", "==", "!="}

	conditionPattern = regexp.MustCompile(`^(\w+)\s*(\([^()]*\))?\s*([<>=!]+)\s*([^<>=!]+)$`)
	plainPattern     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

// maxCount is up to where each whole number is a float64.
const maxCount = 1 << 53

// thresholds makes the file's thresholds ready. The names of series are looked up where sure tells that the
// file is right so far, as a step with a mistake has not made its series.
func (c *compiler) thresholds(sure bool) {
	seen := make(map[Bound]Pos)
	for _, t := range c.file.Thresholds {
		if t.At == (Pos{}) || c.full() {
			continue // without a text, which is told already
		}
		b, ok := c.bound(t, sure)
		if !ok {
			continue
		}
		if first, twice := seen[b]; twice && (b.Kind == "" || b.Series >= 0) {
			c.wrong(t.At, "threshold %q: it is there already, in line %d", clip(t.Text, 80), first.Line)
		}
		seen[b] = t.At
		b.Threshold = t
		c.out.Thresholds = append(c.out.Thresholds, b)
	}
}

// bound reads [KIND NAME: ] AGGREGATE OP VALUE. Names may have colons in them, and conditions have none.
func (c *compiler) bound(t *Threshold, sure bool) (b Bound, ok bool) {
	b.Series = -1
	condition, text := t.Text, clip(t.Text, 80)
	if i := strings.LastIndexByte(t.Text, ':'); i >= 0 {
		condition = t.Text[i+1:]
		kind, name, _ := strings.Cut(strings.TrimSpace(t.Text[:i]), " ")
		if !slices.Contains(kinds, kind) {
			c.wrong(t.At, "threshold %q: unknown kind %q: %s", text, clip(kind, 60), among(kind, kinds))
			return b, false
		}
		names := c.names(kind)
		name = strings.TrimSpace(name)
		b.Kind, b.Series = kind, slices.Index(names, name)
		if b.Series < 0 && sure {
			c.wrong(t.At, "threshold %q: unknown %s %q: %s", text, kind, clip(name, 80), among(name, names))
			return b, false
		}
	}
	m := conditionPattern.FindStringSubmatch(strings.TrimSpace(condition))
	switch {
	case m == nil:
		c.wrong(t.At, "threshold %q: want an aggregate, a comparison and a value, as p(95)<200ms, rate<0.01 or count>1000", text)
		return b, false
	case !slices.Contains(operators, m[3]):
		c.wrong(t.At, "threshold %q: got the comparison %s, want one of %s", text, clip(m[3], 20), strings.Join(operators, " "))
		return b, false
	}
	b.Op = m[3]
	return b, c.aggregate(&b, t, m[1], m[2]) && c.limit(&b, t, m[4])
}

// names gives the series of a kind.
func (c *compiler) names(kind string) []string {
	switch kind {
	case KindRequest:
		return c.out.Requests
	case KindDelivery:
		return c.out.Deliveries
	case KindTick:
		return c.out.Ticks
	default:
		return c.out.Checks
	}
}

// aggregate reads a name as p, and in, which is (95) with its parentheses or empty.
func (c *compiler) aggregate(b *Bound, t *Threshold, name, in string) bool {
	text := clip(t.Text, 80)
	b.Aggregate = name
	switch name {
	case "p":
		n := strings.TrimSpace(strings.Trim(in, "()"))
		percent, err := strconv.ParseFloat(n, 64)
		if err != nil || !plainPattern.MatchString(n) || percent <= 0 || percent > 100 {
			c.wrong(t.At, "threshold %q: got %s, want p(N) with N above 0 and at most 100, as p(95) or p(99.9)", text, clip(name+in, 60))
			return false
		}
		b.Percent, in = percent, ""
	case "med":
		b.Aggregate, b.Percent = AggregateP, 50
	case "avg":
		b.Aggregate = AggregateMean
	case AggregateMin, AggregateMax, AggregateMean, AggregateRate, AggregateCount:
	default:
		c.wrong(t.At, "threshold %q: unknown aggregate %q: %s", text, clip(name, 60), among(name, aggregates))
		return false
	}
	timed := b.Aggregate != AggregateRate && b.Aggregate != AggregateCount
	switch {
	case in != "":
		c.wrong(t.At, "threshold %q: got %s, want %s without parentheses", text, clip(name+in, 60), name)
	case b.Kind == KindCheck && timed:
		c.wrong(t.At, "threshold %q: a check has no times, so no %s; want rate or count", text, name)
	case b.Kind == KindTick && b.Aggregate == AggregateRate:
		c.wrong(t.At, "threshold %q: a tick has no rate, as none is lost; want p(N), min, max, mean, med or count", text)
	default:
		return true
	}
	return false
}

// limit reads a value as the aggregate wants it.
func (c *compiler) limit(b *Bound, t *Threshold, value string) bool {
	var ok bool
	var want string
	switch b.Aggregate {
	case AggregateRate:
		want = "a share from 0 to 1, as 0.01, or from 0% to 100%, as 1%"
		b.Value, ok = share(value)
	case AggregateCount:
		want = fmt.Sprintf("a whole number from 0 to %d", maxCount)
		n, err := strconv.ParseUint(value, 10, 64)
		b.Value, ok = float64(n), err == nil && n <= maxCount
	default:
		want = "a time of at most ten years, as 200ms or 1.5s; a number alone is milliseconds"
		b.Value, ok = seconds(value)
	}
	if !ok {
		c.wrong(t.At, "threshold %q: got the value %q, want %s", clip(t.Text, 80), clip(value, 60), want)
	}
	return ok
}

func share(s string) (float64, bool) {
	number, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	return f, err == nil && plainPattern.MatchString(number) && f <= 1
}

func seconds(s string) (float64, bool) {
	if plainPattern.MatchString(s) {
		s += "ms"
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err == nil && timePattern.MatchString(s) && d <= maxDuration
}

// unquoted tells a threshold that YAML took for a mapping, because of the blank behind its colon.
func unquoted(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return false
	}
	kind, _, _ := strings.Cut(n.Content[0].Value, " ")
	return slices.Contains(kinds, kind)
}
