package outputs

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loadrig/loadrig/internal/figures"
	"github.com/loadrig/loadrig/report"
)

// The elements of JUnit XML, as far as both common schemas have them: that of the Apache Ant task, by Windy Road,
// and that of Jenkins. The encoder makes characters that XML does not have U+FFFD.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []junitSuite
	}
	junitSuite struct {
		XMLName    xml.Name        `xml:"testsuite"`
		Name       string          `xml:"name,attr"`
		Package    string          `xml:"package,attr"`
		ID         int             `xml:"id,attr"`
		Timestamp  string          `xml:"timestamp,attr"` // without a zone, as the schema wants it; UTC
		Hostname   string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase
		Out        string `xml:"system-out"`
		Err        string `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		XMLName   xml.Name `xml:"testcase"`
		Classname string   `xml:"classname,attr"`
		Name      string   `xml:"name,attr"`
		Time      string   `xml:"time,attr"`
		Failure   *junitWhy
		Error     *junitWhy
		Skipped   *junitSkipped
	}
	junitWhy struct {
		XMLName xml.Name // failure or error
		Message string   `xml:"message,attr"`
		Type    string   `xml:"type,attr"`
		Text    string   `xml:",chardata"`
	}
	junitSkipped struct {
		XMLName xml.Name `xml:"skipped"`
		Message string   `xml:"message,attr"`
	}
)

func (c *junitCase) fail(kind, message, text string) {
	c.Failure = &junitWhy{xml.Name{Local: "failure"}, message, kind, text}
}

func (c *junitCase) err(kind, message, text string) {
	c.Error = &junitWhy{xml.Name{Local: "error"}, message, kind, text}
}

// writeJUnit writes a run as a suite of tests: the verdict, whether the counts add up and whether the rig kept up, each
// threshold, and each check. What says something of the server is a failure; what says that the run is not to be
// trusted, an error. A check that failed now and then is a figure and fails no run, so it is skipped, with a message.
func writeJUnit(b *bytes.Buffer, m *report.Manifest, s *report.Summary) error {
	u := junitSuite{
		Name: title(s), Package: "loadrig", Timestamp: m.Started.UTC().Format("2006-01-02T15:04:05"), Hostname: m.Host.Name,
		Time: fmt.Sprintf("%.3f", s.Duration+s.Rig.DrainSeconds),
	}
	if u.Name == "" {
		u.Name = "loadrig"
	}
	if u.Hostname == "" {
		u.Hostname = "localhost"
	}
	property := func(name, value string) { u.Properties = append(u.Properties, junitProperty{name, value}) }
	property("run", s.Run)
	property("url", s.URL)
	property("verdict", string(s.Verdict))
	property("players", fmt.Sprint(s.Players))
	property("loadrig", s.Rig.Version)
	for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
		property("tag."+name, s.Tags[name])
	}
	u.Cases = append(u.Cases, verdictCase(s), countsCase(s))
	for i := range s.Trust {
		u.Cases = append(u.Cases, trustCase(&s.Trust[i]))
	}
	list := s.Thresholds
	for i := range list {
		u.Cases = append(u.Cases, thresholdCase(&list[i]))
	}
	if s.Scenario != nil {
		for i := range s.Scenario.Checks {
			u.Cases = append(u.Cases, checkCase(&s.Scenario.Checks[i]))
		}
	}
	for i := range u.Cases {
		c := &u.Cases[i]
		c.Time = "0"
		u.Tests++
		switch {
		case c.Error != nil:
			u.Errors++
		case c.Failure != nil:
			u.Failures++
		case c.Skipped != nil:
			u.Skipped++
		}
	}
	u.Cases[0].Time = u.Time
	var text bytes.Buffer
	if err := s.WriteText(&text); err != nil {
		return err
	}
	u.Out = text.String()
	b.WriteString(xml.Header)
	e := xml.NewEncoder(b)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suites: []junitSuite{u}}); err != nil {
		return err
	}
	b.WriteByte('\n')
	return nil
}

func verdictCase(s *report.Summary) junitCase {
	c := junitCase{Classname: "loadrig", Name: "verdict"}
	first := ""
	if len(s.Reasons) > 0 {
		first = s.Reasons[0]
	}
	all := strings.Join(s.Reasons, "\n")
	switch {
	case s.Verdict == report.Untrustworthy:
		c.err(string(s.Verdict), first, all)
	case s.Verdict == report.Fail:
		c.fail(string(s.Verdict), first, all)
	case s.Interrupted:
		c.err("interrupted", "the run was ended before its time", "")
	}
	return c
}

func countsCase(s *report.Summary) junitCase {
	c := junitCase{Classname: "loadrig", Name: "the counts add up"}
	if s.Rig.Conservation != "ok" {
		c.err("bug", "the counts do not add up, which is a bug in loadrig", s.Rig.Conservation)
	}
	return c
}

// trustCase is one thing that the rig keeps to.
func trustCase(k *report.Trust) junitCase {
	c := junitCase{Classname: "loadrig.rig", Name: k.Name}
	if !k.Held {
		c.err("untrustworthy", k.Reason, "")
	}
	return c
}

func thresholdCase(t *report.Threshold) junitCase {
	c := junitCase{Classname: "loadrig.threshold", Name: t.Spec.String()}
	if !t.Held {
		c.fail("threshold", "got "+t.Got()+", want "+t.Spec.String(), "")
	}
	return c
}

func checkCase(k *report.Check) junitCase {
	c := junitCase{Classname: "loadrig.check", Name: k.Name}
	switch {
	case k.Held+k.Failed == 0:
		c.Skipped = &junitSkipped{Message: "no player came to it"}
	case k.Failed > 0:
		c.Skipped = &junitSkipped{Message: fmt.Sprintf("failed %s of %s times; only a threshold makes that a failure",
			figures.Count(k.Failed), figures.Count(k.Held+k.Failed))}
	}
	return c
}
