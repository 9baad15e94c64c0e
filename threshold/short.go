package threshold

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	operators = []string{"<", "<=", ">", ">=", "==", "!="}

	conditionPattern = regexp.MustCompile(`^(\w+)\s*(\([^()]*\))?\s*([<>=!]+)\s*([^<>=!]+)$`)
	plainPattern     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	timePattern      = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`)

	wordPattern = regexp.MustCompile(`^\s*(\w*)`)
	partPattern = regexp.MustCompile(`[A-Za-z_)]\s*\.\s*[A-Za-z_]|\w\s*\(\s*["'` + "`]")
)

// maxCount is up to where each whole number is a float64.
const maxCount = 1 << 53

// maxDuration is more than any run lasts.
const maxDuration = 10 * 365 * 24 * time.Hour

// short tells the short form from expressions. What could be either, as there is a mistake in it, is taken for
// what it is nearer to.
func short(text string) bool {
	word := wordPattern.FindStringSubmatch(text)[1]
	rest := strings.TrimLeft(text, " \t\n")[len(word):]
	bare := unquoted(text)
	switch {
	case slices.Contains(named, word) && rest != "" && strings.ContainsAny(rest[:1], " \t\n:"):
		return true // names may have anything in them
	case strings.Contains(bare, ":") && !strings.Contains(bare, "?"):
		return true
	case partPattern.MatchString(text):
		return false
	case slices.ContainsFunc(words(bare), isName):
		return false // and no aggregate alone
	}
	return true
}

// isName tells what can stand in an expression, and nowhere in the short form without a colon.
func isName(word string) bool {
	_, timed := timedByName[word]
	_, counts := countersByName[word]
	return timed || counts || slices.Contains(functions, word) || word == "pending"
}

// words gives the words of a text.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// unquoted gives a text without what is in quotes.
func unquoted(text string) string {
	var b strings.Builder
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && r == '\\' && quote != '`':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case strings.ContainsRune("\"'`", r):
			quote = r
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// short reads [KIND [NAME]: ] AGGREGATE OP VALUE. Names may have colons in them, and conditions have none.
func (n *Names) short(text string) (*node, *Error) {
	condition, s := text, series{timed: timedByName["response"]}
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		condition = text[i+1:]
		kind, name, _ := strings.Cut(strings.TrimSpace(text[:i]), " ")
		var err *Error
		if s, err = n.kind(kind, strings.TrimSpace(name)); err != nil {
			return nil, err
		}
	}
	m := conditionPattern.FindStringSubmatch(strings.TrimSpace(condition))
	switch {
	case m == nil:
		return nil, wrong("want an aggregate, a comparison and a value, as p(95)<200ms, rate<0.01 or count>1000")
	case !slices.Contains(operators, m[3]):
		return nil, wrong("got the comparison %s, want one of %s", clip(m[3], 20), strings.Join(operators, " "))
	}
	f, err := n.aggregate(s, m[1], m[2])
	if err != nil {
		return nil, err
	}
	v, err := limit(f, m[4])
	if err != nil {
		return nil, err
	}
	return join(m[3], f.node(), constant(v, f.unit)), nil
}

// kind looks up what stands before the colon.
func (n *Names) kind(kind, name string) (series, *Error) {
	if slices.Contains(named, kind) {
		return n.named(kind, name)
	}
	s, ok, err := n.whole(kind)
	switch {
	case !ok:
		return s, wrong("unknown kind %q: want %s, or a series of the whole run, as response, handshake or sent%s",
			clip(kind, 60), strings.Join(named, ", "), meant(kind, Words()))
	case err == nil && name != "":
		return s, wrong("got %s with the name %q, but it is of the whole run; want %s: alone", kind, clip(name, 60), kind)
	}
	return s, err
}

// aggregate reads a name as p, and in, which is (95) with its parentheses or empty.
func (n *Names) aggregate(s series, name, in string) (*figure, *Error) {
	agg, percent, err := aggregate(name, in)
	if err != nil {
		return nil, err
	}
	if agg == aggPerSecond && s.count == nil {
		return nil, wrong("%s has no per_second in the short form; want an expression, as per_second(response.count) > 100", among1(s))
	}
	if in != "" && name != aggP {
		return nil, wrong("got %s, want %s without parentheses", clip(name+in, 60), name)
	}
	return n.figure(s, agg, percent, name)
}

// among1 is what a message calls a series.
func among1(s series) string {
	if s.what == "" {
		return "the whole run"
	}
	return s.what
}

// aggregate gives what an aggregate's name means.
func aggregate(name, in string) (agg string, percent float64, err *Error) {
	switch name {
	case aggP:
		n := strings.TrimSpace(strings.Trim(in, "()"))
		percent, err := strconv.ParseFloat(n, 64)
		if err != nil || !plainPattern.MatchString(n) || percent <= 0 || percent > 100 {
			return "", 0, wrong("got %s, want p(N) with N above 0 and at most 100, as p(95) or p(99.9)", clip(name+in, 60))
		}
		return aggP, percent, nil
	case "med":
		return aggP, 50, nil
	case "avg":
		return aggMean, 0, nil
	case aggMin, aggMax, aggMean, aggRate, aggCount, aggPerSecond:
		return name, 0, nil
	}
	return "", 0, wrong("unknown aggregate %q: want %s%s", clip(name, 60), strings.Join(aggregates, ", "), meant(name, slices.Concat(aggregates, unnamed())))
}

// limit reads a value as the figure wants it.
func limit(f *figure, value string) (v float64, err *Error) {
	var ok bool
	var want string
	switch f.unit {
	case Share:
		want = "a share from 0 to 1, as 0.01, or from 0% to 100%, as 1%"
		v, ok = share(value)
	case Count:
		want = fmt.Sprintf("a whole number from 0 to %d", maxCount)
		n, err := strconv.ParseUint(value, 10, 64)
		v, ok = float64(n), err == nil && n <= maxCount
	case PerSecond:
		want = "a number of 0 or more, which is per second, as 1000"
		f, err := strconv.ParseFloat(value, 64)
		v, ok = f, err == nil && plainPattern.MatchString(value) && f <= maxCount
	default:
		want = "a time of at most ten years, as 200ms or 1.5s; a number alone is milliseconds"
		v, ok = seconds(value)
	}
	if !ok {
		return 0, wrong("got the value %q, want %s", clip(value, 60), want)
	}
	return v, nil
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
