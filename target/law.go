package target

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// MaxDelay is the longest delay of a Law.
const MaxDelay = time.Minute

// Law is a distribution of delays, as ParseLaw gives it. Laws may be compared. The zero value delays nothing.
type Law struct {
	form  lawForm
	least time.Duration // constant: the only one; uniform and pareto: the least; bimodal: of most answers
	most  time.Duration // uniform and pareto: the most; bimodal: of the other answers
	share float64       // bimodal: how many of 100 are the others
	alpha float64       // pareto: the exponent of its tail
}

type lawForm uint8

const (
	constantLaw lawForm = iota
	uniformLaw
	bimodalLaw
	paretoLaw
)

// Laws says how a Law is written, for those who are to write one.
const Laws = "20ms, uniform:10ms-50ms, bimodal:10ms,100ms,10% or pareto:10ms,1.5,max=5s"

// ParseLaw reads a law:
//
//	20ms                      each delay is 20 ms
//	uniform:10ms-50ms         evenly spread over 10 ms to 50 ms
//	bimodal:10ms,100ms,10%    100 ms for 10 % of the answers, 10 ms for the others
//	pareto:10ms,1.5,max=5s    Pareto's law of type I: of all delays, (10 ms / x)^1.5 are longer than x, and
//	                          none is shorter than 10 ms. What would be longer than max is max, without
//	                          which that is MaxDelay
//
// No delay is negative, or longer than MaxDelay.
func ParseLaw(text string) (Law, error) {
	form, rest, named := strings.Cut(text, ":")
	var l Law
	ok := false
	switch {
	case !named:
		l.least, ok = parseDelay(text)
	case form == "uniform":
		l.form = uniformLaw
		least, most, _ := strings.Cut(rest, "-")
		ok = parseDelays(&l, least, most) && l.least <= l.most
	case form == "bimodal":
		l.form = bimodalLaw
		if parts := strings.Split(rest, ","); len(parts) == 3 && strings.HasSuffix(parts[2], "%") {
			var err error
			l.share, err = strconv.ParseFloat(strings.TrimSuffix(parts[2], "%"), 64)
			ok = parseDelays(&l, parts[0], parts[1]) && err == nil && l.share >= 0 && l.share <= 100
		}
	case form == "pareto":
		l.form = paretoLaw
		parts := strings.Split(rest, ",")
		most := MaxDelay.String()
		if len(parts) == 3 {
			most, ok = strings.CutPrefix(parts[2], "max=")
			if !ok {
				most = ""
			}
		}
		if len(parts) == 2 || len(parts) == 3 {
			var err error
			l.alpha, err = strconv.ParseFloat(parts[1], 64)
			ok = parseDelays(&l, parts[0], most) && l.least > 0 && l.least <= l.most && err == nil && l.alpha > 0 && !math.IsInf(l.alpha, 1)
		}
	}
	if !ok {
		return Law{}, fmt.Errorf("got %q, want %s, with delays of 0s to %v", text, Laws, MaxDelay)
	}
	return l, nil
}

func parseDelays(l *Law, least, most string) (ok bool) {
	var both bool
	l.least, ok = parseDelay(least)
	l.most, both = parseDelay(most)
	return ok && both
}

func parseDelay(text string) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d <= MaxDelay
}

// String gives the law as ParseLaw reads it.
func (l Law) String() string {
	switch l.form {
	case uniformLaw:
		return fmt.Sprintf("uniform:%v-%v", l.least, l.most)
	case bimodalLaw:
		return fmt.Sprintf("bimodal:%v,%v,%v%%", l.least, l.most, l.share)
	case paretoLaw:
		return fmt.Sprintf("pareto:%v,%v,max=%v", l.least, l.alpha, l.most)
	}
	return l.least.String()
}

// Draw gives a delay.
func (l Law) Draw(r *rand.Rand) time.Duration {
	switch l.form {
	case uniformLaw:
		return l.least + time.Duration(r.Int64N(int64(l.most-l.least)+1))
	case bimodalLaw:
		if 100*r.Float64() < l.share {
			return l.most
		}
	case paretoLaw:
		// 1 - Float64 is in (0, 1]. What is beyond a Duration is beyond the most.
		x := float64(l.least) * math.Pow(1-r.Float64(), -1/l.alpha)
		if x >= float64(l.most) {
			return l.most
		}
		return time.Duration(x)
	}
	return l.least
}
