package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// String gives r in the largest unit in which it is 1 or more: 50/s, 6/m, 0.5/h.
func (r Rate) String() string {
	v, unit := float64(r), "s"
	if v > 0 && v < 1 {
		v, unit = v*60, "m"
	}
	if v > 0 && v < 1-1e-9 {
		v, unit = float64(r)*3600, "h"
	}
	return amount(v) + "/" + unit
}

// amount writes a number to three decimals, or three digits if it is smaller than those can show.
func amount(v float64) string {
	short := math.Round(v*1000) / 1000
	switch {
	case short == 0 && v != 0 || v >= 1e15:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case short == math.Trunc(short):
		return grouped(int(short))
	default:
		return strconv.FormatFloat(short, 'f', -1, 64)
	}
}

// grouped writes a number with a comma after every three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// brief writes a time without the zeros at its end: 1m, not 1m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// maxDescribed bounds the stages that String lists, as it is for one line.
const maxDescribed = 12

// String describes the plan in one line, as "ramp to 1,000 players in 30s, hold 1m, ramp down in 10s".
func (p Plan) String() string {
	var parts []string
	level := 0.0
	for i, s := range p.Stages {
		if i == maxDescribed && len(p.Stages) > maxDescribed+1 {
			parts = append(parts, fmt.Sprintf("%d more stages, %s in all", len(p.Stages)-i, brief(p.Duration())))
			break
		}
		to := p.level(s)
		parts = append(parts, p.describe(s, level, to, i == 0))
		level = to
	}
	if p.Poisson {
		parts = append(parts, "Poisson arrivals")
	}
	switch {
	case p.Iterations == 1:
		parts = append(parts, "1 iteration each")
	case p.Iterations > 1:
		parts = append(parts, grouped(p.Iterations)+" iterations each")
	}
	if p.Replace {
		parts = append(parts, "replaced when done")
	}
	if p.LockStep {
		parts = append(parts, "in lock-step")
	}
	return strings.Join(parts, ", ")
}

func (p Plan) level(s Stage) float64 {
	if p.Model == Open {
		return float64(s.Rate)
	}
	return float64(s.Players)
}

func (p Plan) describe(s Stage, from, to float64, first bool) string {
	many := grouped(s.Players) + " players"
	switch {
	case p.Model == Open:
		n, unit, _ := strings.Cut(s.Rate.String(), "/")
		many = n + " players/" + unit
		if n == "1" {
			many = "1 player/" + unit
		}
	case s.Players == 1:
		many = "1 player"
	}
	long := brief(s.Duration)
	switch {
	case s.Duration == Forever && !first && from == to:
		return "hold until they are done"
	case s.Duration == Forever:
		return many + " until they are done"
	case to == 0 && (s.Step || from == 0):
		return "nobody for " + long
	case from == to:
		return "hold " + long
	case s.Step && first:
		return many + " for " + long
	case s.Step && to > from:
		return "step to " + many + " for " + long
	case s.Step:
		return "step down to " + many + " for " + long
	case to > from:
		return "ramp to " + many + " in " + long
	case to == 0:
		return "ramp down in " + long
	default:
		return "ramp down to " + many + " in " + long
	}
}
