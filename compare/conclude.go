package compare

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/report"
)

// conclude makes outcome and headline of the rows.
func (r *Result) conclude() {
	var worse, better, other, equal int
	unknown := make(map[string]bool) // series
	for i := range r.Rows {
		switch row := &r.Rows[i]; {
		case row.OfRig:
		case row.Worse:
			worse++
		case row.Better:
			better++
		case row.significant():
			other++
		case row.Verdict == Unknown:
			if !row.phase() {
				unknown[row.Series] = true
			}
		default:
			equal++
		}
	}
	switch {
	case worse > 0 && better > 0:
		r.Outcome = Mixed
		r.Headline = fmt.Sprintf("B is worse in %d of %d figures, and better in %d", worse, worse+better+other+equal, better)
	case worse > 0:
		r.Outcome = Worse
		r.Headline = fmt.Sprintf("B is worse in %d of %d figures", worse, worse+other+equal)
	case better > 0:
		r.Outcome = Better
		r.Headline = fmt.Sprintf("B is better in %d of %d figures", better, better+other+equal)
	case other > 0:
		r.Outcome = Different
		r.Headline = fmt.Sprintf("B differs in %d of %d figures", other, other+equal)
	case equal > 0:
		r.Outcome = NoDifference
		r.Headline = fmt.Sprintf("no significant difference in %d figures", equal)
	default:
		r.Outcome = CannotTell
		r.Headline = "cannot tell: there is too little that could be compared"
		return
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.significant() && !row.OfRig {
			r.Headline += fmt.Sprintf(": %s %s %s, %s", clip(row.Name, 30), row.Figure, row.Verdict, row.change())
			break
		}
	}
	if len(unknown) > 0 {
		r.Headline += fmt.Sprintf("; cannot tell of %d series", len(unknown))
	}
}

// warn sets why the comparison is worth less than it seems.
func (r *Result) warn(a, b *Side) {
	say := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	for i, s := range []*Side{a, b} {
		name := string("AB"[i])
		switch {
		case s.summary == nil || s.summary.CutOff:
			say("%s was cut off, so its end is missing", name)
		case s.summary.Verdict == report.Untrustworthy:
			why := ""
			if len(s.summary.Reasons) > 0 {
				why = ": " + clip(s.summary.Reasons[0], 300)
			}
			say("%s is untrustworthy, so its figures say little of the server%s", name, why)
		case s.summary.Verdict == report.Fail && len(s.summary.Reasons) > 0:
			say("%s failed: %s", name, clip(s.summary.Reasons[0], 300))
		}
		if s.summary != nil && (s.summary.Interrupted || s.summary.Aborted != "") {
			say("%s ended before its time", name)
		}
		if s.leftOver {
			say("%s has more than %d series; the others were left out", name, maxSeries)
		}
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.ofLag && !row.significant() {
			say("%s %s changed by %s, but the rig's own lag by %s, so nothing can be said of the server by it",
				clip(row.Name, 40), row.Figure, row.change(), figures.Seconds(row.RigLag))
			break
		}
	}
}

// unlike lists in what two runs differ by plan.
func unlike(a, b *Side) []Unlike {
	list := []Unlike{}
	say := func(what, x, y string) {
		if x != y {
			list = append(list, Unlike{what, x, y})
		}
	}
	m, n := &a.manifest, &b.manifest
	scenario := func(m *report.Manifest) (name, sum string) {
		if m.Scenario == nil {
			return m.Traffic, ""
		}
		return m.Scenario.Name, m.Scenario.SHA256
	}
	nameA, sumA := scenario(m)
	nameB, sumB := scenario(n)
	say("load", nameA, nameB)
	say("scenario's file", short(sumA), short(sumB))
	say("URL", server(m.URL), server(n.URL))
	say("players", strconv.Itoa(m.Players), strconv.Itoa(n.Players))
	say("messages/s each", number(m.Rate), number(n.Rate))
	say("seed", strconv.FormatUint(m.Seed, 10), strconv.FormatUint(n.Seed, 10))
	say("planned", figures.Seconds(m.Planned), figures.Seconds(n.Planned))
	say("interval", figures.Seconds(m.Interval), figures.Seconds(n.Interval))
	say("loadrig", m.Version+" "+short(m.Revision), n.Version+" "+short(n.Revision))
	say("Go", m.Go, n.Go)
	say("engine", m.Engine, n.Engine)
	say("shards", strconv.Itoa(m.Shards), strconv.Itoa(n.Shards))
	say("host", m.Host.Name, n.Host.Name)
	say("system", strings.Join([]string{m.Host.OS, m.Host.Arch, m.Host.Kernel}, " "), strings.Join([]string{n.Host.OS, n.Host.Arch, n.Host.Kernel}, " "))
	say("CPUs", strconv.Itoa(m.Host.CPUs), strconv.Itoa(n.Host.CPUs))
	say("CPU quota", number(m.Host.Quota), number(n.Host.Quota))
	return list
}

// server leaves the port out of a URL of this machine: an embedded target has another each time.
func server(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || !netip.MustParsePrefix("127.0.0.0/8").Contains(address(u.Hostname())) {
		return raw
	}
	u.Host = u.Hostname()
	return u.String()
}

func address(host string) netip.Addr {
	a, _ := netip.ParseAddr(host)
	return a
}

func short(hash string) string { return hash[:min(len(hash), 12)] }

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// change words by how much B differs.
func (r *Row) change() string {
	switch {
	case r.Unit == Seconds:
		return signed(r.Change)
	case r.A != 0:
		return signedPercent(r.Change / r.A)
	case r.B == 0:
		return "none"
	default:
		return "new"
	}
}

func signed(s float64) string {
	text := figures.Seconds(max(s, -s))
	switch {
	case text == "0s":
		return text
	case s < 0:
		return "-" + text
	default:
		return "+" + text
	}
}

func signedPercent(v float64) string {
	text := strconv.FormatFloat(100*v, 'f', decimals(100*v), 64) + "%"
	if v > 0 {
		return "+" + text
	}
	return text
}

// decimals gives how many make three digits.
func decimals(v float64) int {
	switch v = max(v, -v); {
	case v >= 100:
		return 0
	case v >= 10:
		return 1
	default:
		return 2
	}
}
