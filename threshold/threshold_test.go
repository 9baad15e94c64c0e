package threshold

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var names = Names{
	Requests: []string{"join: the room", "login", `q"uote`}, Checks: []string{"alive"}, Deliveries: []string{"say"}, Ticks: []string{"state"},
	Populations: []string{"vip", "guest"},
}

// figures is a View of what a test says.
type figures struct {
	counters map[string]float64
	gauges   map[string]float64
	times    map[string]times
	seconds  float64
}

func (f figures) Count(key string) float64 { return f.counters[key] }
func (f figures) Gauge(key string) (float64, bool) {
	v, ok := f.gauges[key]
	return v, ok
}
func (f figures) Times(key string) Times { return f.times[key] }
func (f figures) Seconds() float64       { return f.seconds }

// times are durations in ms, of which the n-th percentile is n ms times the first.
type times struct {
	n  uint64
	ms float64
}

func (t times) Count() uint64                    { return t.n }
func (t times) Quantile(q float64) time.Duration { return time.Duration(100 * q * t.ms * 1e6) }
func (t times) Min() time.Duration               { return time.Duration(t.ms * 1e6) }
func (t times) Max() time.Duration               { return t.Quantile(1) }
func (t times) Mean() time.Duration              { return t.Quantile(.5) }

var run = figures{
	counters: map[string]float64{
		`messages_sent_total{opcode="text"}`: 90, `messages_sent_total{opcode="binary"}`: 10, `messages_sent_total{opcode="ping"}`: 7,
		`sends_dropped_total{reason="backlog"}`: 2, `sends_dropped_total{reason="closed"}`: 3,
		`transitions_total{from="idle",to="connecting"}`: 18, `transitions_total{from="disconnected",to="connecting"}`: 2,
		`transitions_total{from="connecting",to="connected"}`: 19, `transitions_total{from="connecting",to="disconnected"}`: 1,
		`disconnects_total{cause="local",initiator="local"}`: 17, `disconnects_total{cause="reset",initiator="remote"}`: 2,
		`closes_total{code="1006",initiator="remote"}`: 2, `closes_total{code="1006",initiator="local"}`: 1, `closes_total{code="1000",initiator="local"}`: 16,
		`requests_lost_total{request="login"}`: 1, `checks_total{check="alive",result="held"}`: 3, `checks_total{check="alive",result="failed"}`: 1,
		`deliveries_expected_total{delivery="say"}`: 10, `deliveries_total{delivery="say",order="in_order"}`: 7, `deliveries_total{delivery="say",order="late"}`: 2,
		`population_players_lost_total{population="vip"}`: 1, `tick_late_seconds_total{tick="state"}`: 0.5,
		`requests_lost_total{request="q\"uote"}`: 4, "iterations_total": 5,
	},
	gauges: map[string]float64{`connections{state="connected"}`: 19, `connections{state="idle"}`: 1, "sends_pending": 4},
	times: map[string]times{
		"response_seconds": {100, 2}, "round_trip_seconds": {100, 1}, `handshake_duration_seconds{phase="total"}`: {19, 3},
		`request_response_seconds{request="join: the room"}`: {50, 4}, `request_response_seconds{request="login"}`: {9, 1},
		`request_round_trip_seconds{request="login"}`: {9, 0.5}, `population_response_seconds{population="vip"}`: {5, 1},
		`population_response_seconds{population="guest"}`: {5, 2}, `tick_deviation_seconds{tick="state"}`: {5, 0.25}, `delivery_seconds{delivery="say"}`: {9, 10},
	},
	seconds: 10,
}

// TestEval: each form, with its figures.
func TestEval(t *testing.T) {
	const held, failed, silent = "held", "failed", "nothing"
	for _, c := range []struct{ text, want string }{
		// The short form.
		{"p(95)<200ms", "0.19 seconds < 0.2: held"},
		{"p(95)<200", "0.19 seconds < 0.2: held"}, // ms
		{" p ( 99.9 ) <= 1m30s ", "0.1998 seconds <= 90: held"},
		{"min>1.5", "0.002 seconds > 0.0015: held"},
		{"max >= 250µs", "0.2 seconds >= 0.00025: held"},
		{"mean==100ms", "0.1 seconds == 0.1: held"},
		{"avg!=100ms", "0.1 seconds != 0.1: failed"},
		{"med<20", "0.1 seconds < 0.02: failed"},
		{"rate<5%", "0.078125 share < 0.05: failed"}, // 1 + 4 of 5 + 59
		{"count>99", "100 count > 99: held"},
		{"request join: the room: p(95)<1s", "0.38 seconds < 1: held"},
		{"  request   login : rate <= 10%", "0.1 share <= 0.1: held"},
		{"delivery say: rate == 0.1", "0.1 share == 0.1: held"},
		{"delivery say:max<1s", "1 seconds < 1: failed"},
		{"tick state: p(100)<26ms", "0.025 seconds < 0.026: held"},
		{"check alive: rate>0.75", "0.75 share > 0.75: failed"},
		{"check alive: count>=4", "4 count >= 4: held"},
		{"population vip: p(50)<51ms", "0.05 seconds < 0.051: held"},
		{"population vip: count==5", "5 count == 5: held"},
		{"response: p(100)<1s", "0.2 seconds < 1: held"},
		{"round_trip:p(100)<1s", "0.1 seconds < 1: held"},
		{"handshake: rate<5%", "0.05 share < 0.05: failed"},
		{"upgrade: p(50)<1s", "0 seconds < 1: nothing"},
		{"request q\"uote: p(50)<1s", "0 seconds < 1: nothing"},
		{"sent: count==100", "100 count == 100: held"},
		{"sent: per_second>9.5", "10 per_second > 9.5: held"},
		{"dropped: count==0", "5 count == 0: failed"},
		{"disconnects: count<=2", "2 count <= 2: held"},
		{"iterations: count>5", "5 count > 5: failed"},

		// Expressions.
		{"response.p(95) < 200ms", "0.19 seconds < 0.2: held"},
		{"response.p(95) < 200ms && request(\"join: the room\").p(99) < 0.3s", "failed"},
		{"response.p(95) < 200ms and not (request('login').p(99) > 0.3s)", "held"},
		{"dropped == 0", "5 count == 0: failed"},
		{"dropped(\"backlog\") == 2", "2 count == 2: held"},
		{"sent(`ping`) == 7", "7 count == 7: held"},
		{"per_second(sent) > 1000", "10 per_second > 1000: failed"},
		{"per_second(sent + response.count) == 20", "20 per_second == 20: held"},
		{"population('vip').p(95) < population('guest').p(95)", "0.095 seconds < 0.19: held"},
		{"check(\"alive\").rate > 99%", "0.75 share > 0.99: failed"},
		{"check(\"alive\").rate > .5", "0.75 share > 0.5: held"},
		{"connections(\"connected\") >= 19", "19 count >= 19: held"},
		{"pending < 5", "4 count < 5: held"},
		{"metric('connections') == 20", "20 count == 20: held"},
		{"metric(\"closes_total{code=\\\"1006\\\",initiator=\\\"remote\\\"}\") == 2", "2 count == 2: held"},
		{"metric('loadrig_closes_total{code=\"1006\"}') == 3", "3 count == 3: held"},
		{"metric('closes_total') == 19", "19 count == 19: held"},
		{"closes('1006') == 3", "3 count == 3: held"},
		{"metric('request_round_trip_seconds{request=\"login\"}').p(100) < 51ms", "0.05 seconds < 0.051: held"},
		{"metric('population_players_lost_total{population=\"vip\"}') == 1", "1 count == 1: held"},
		{"metric('tick_late_seconds_total') < 1s", "0.5 seconds < 1: held"},
		{"200ms > response.p(95)", "0.19 seconds < 0.2: held"}, // turned, as the value is what was measured
		{"failed / attempted < 10%", "0.05 share < 0.1: held"},
		{"response.p(95) < 2 * round_trip.p(95) + 1ms", "0.19 seconds < 0.191: held"},
		{"response.med - round_trip.med <= 1m30s/2", "0.05 seconds <= 45: held"},
		{"attempted - opened - failed == 0", "0 count == 0: held"},
		{"-sent < -5 * 2", "-100 count < -10: held"},
		{"10 < sent < 100", "failed"},
		{"request('login').rate == rate_of", ""},
		{"request('q\"uote').count == 0 || request('q\"uote').p(95) < 1s", "held"}, // the other side decides
		{"request('q\"uote').p(95) < 1s || dropped == 0", "nothing"},
		{"request('q\"uote').p(95) < 1s && dropped == 0", "failed"},
		{"upgrade.p(95) < response.p(95)", "0 seconds < 0.19: nothing"},
		{"dropped / received < 1%", "0 share < 0.01: nothing"}, // of nothing received
		{"sent > 9e307 * 100", "0 count > 0: nothing"},         // no number
	} {
		th, err := Parse(c.text, names)
		if err != nil {
			if c.want != "" {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		r := th.Eval(run)
		got := ""
		if r.Op != "" {
			got = fmt.Sprintf("%v %s %s %v: ", short6(r.Value), r.Unit, r.Op, short6(r.Bound))
		}
		switch {
		case r.Held:
			got += held
		case r.Measured:
			got += failed
		default:
			got += silent
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
		if th.Text != c.text {
			t.Errorf("got the text %q of %q", th.Text, c.text)
		}
	}
}

// short6 gives what is left of rounding.
func short6(v float64) string { return fmt.Sprintf("%.6g", v) }

// TestMistakes: each is told with what was wanted, and expressions with the column.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "want an aggregate, a comparison and a value, as p(95)<200ms, rate<0.01 or count>1000"},
		{"droped == 0", `unknown aggregate "droped": want p(N), min, max, mean, avg, med, rate, count; did you mean dropped?`},
		{"population vpi: p(95)<1s", `unknown population "vpi": want vip, guest`},
		{"population vip: rate<1%", "a population has no rate; want p(N), min, max, mean, med or count"},
		{"round_trip: rate<1%", "round_trip has no rate; want p(N), min, max, mean, med or count"},
		{"response login: p(95)<1s", `got response with the name "login", but it is of the whole run; want response: alone`},
		{"respnse: p(95)<1s", `unknown kind "respnse": want request, delivery, tick, check, population, or a series of the whole run, as response, handshake or sent; did you mean response?`},
		{"sent: p(95)<1s", "sent has no p, as it only counts; want count or per_second"},
		{"sent: rate<1%", "sent has no rate, as it only counts; want count or per_second"},
		{"sent: per_second>fast", `got the value "fast", want a number of 0 or more, which is per second, as 1000`},
		{"response: per_second>1", "response has no per_second in the short form; want an expression, as per_second(response.count) > 100"},
		{"per_second>1", "at column 1: got per_second alone, want per_second(sent)"},
		{"check alive: per_second>1", "a check has no times, so no per_second; want rate or count"},

		{"respnse.p(95) < 200ms", "at column 1: unknown name respnse, want one of those that docs/scenarios.md lists under Thresholds; did you mean response?"},
		{"dropped == 0 && conections(\"connected\") > 5", "at column 17: unknown name conections, want one of those that docs/scenarios.md lists under Thresholds; did you mean connections?"},
		{"response.p95 < 200ms", `at column 10: unknown aggregate "p95": want p(N), min, max, mean, avg, med, rate, count; did you mean p(95)?`},
		{"response.p(0) < 200ms", "at column 10: got p(0), want p(N) with N above 0 and at most 100, as p(95) or p(99.9)"},
		{"response.p(95%) < 200ms", "at column 10: got p(95%), want p(N) with N above 0 and at most 100, as p(95) or p(99.9)"},
		{"response.p < 200ms", "at column 10: got p, want p(N) with N above 0 and at most 100, as p(95) or p(99.9)"},
		{"response.max() < 200ms", "at column 10: got max with parentheses, want it without"},
		{"response < 200ms", "at column 1: got response alone, want an aggregate of it, as response.p(95) or response.count"},
		{"request(\"login\") < 200ms", `at column 1: got request alone, want an aggregate of it, as request("NAME").p(95)`},
		{"request(\"lgin\").p(95) < 200ms", `at column 1: unknown request "lgin": want join: the room, login, q"uote; did you mean login?`},
		{"request(login).p(95) < 200ms", `at column 1: request: got no text, want a name in quotes, as request("NAME").p(95)`},
		{"request().p(95) < 200ms", `at column 1: request: got 0 arguments, want one name in quotes, as request("NAME").p(95)`},
		{"dropped(\"backlgo\") == 0", `at column 1: dropped: unknown reason "backlgo": want backlog, closed; did you mean backlog?`},
		{"sent_bytes('x') > 5", "at column 1: sent_bytes: got a name, but it has no parts; want sent_bytes alone"},
		{"connections('open') > 5", `at column 1: unknown state "open": want idle, connecting, connected, disconnected`},
		{"sent.count > 5", "at column 6: sent has no count, as it only counts; want it alone, or in per_second()"},
		{"response.p(95) < 200", "at column 16: got a time and a number without a unit on the sides of <, want both times, as 200ms"},
		{"sent > 5s", "at column 6: got a count and a time on the sides of >, which do not go together"},
		{"per_second(sent) > received", "at column 18: got a rate per second and a count on the sides of >, which do not go together"},
		{"sent + 1", "got a count, want a comparison, as response.p(95) < 200ms or dropped == 0"},
		{"per_second(5) > 1 && sent > 1", "at column 1: per_second: got a number, want what is counted, as sent or response.count"},
		{"1 < 2 && sent > 1", "at column 3: got a comparison without a figure of the run, want one in it, as response.p(95)"},
		{"sent > 1 && true", "at column 13: got true, want a figure, a number, or a time as 200ms"},
		{"sent > 1 && max(sent, 5) > 1", "at column 13: unknown function max: want request, delivery, tick, check, population, metric, connections, per_second"},
		{"sent > 1 ? 1 : 2", "at column 16: got what thresholds do not have, want figures, numbers, times, + - * /, comparisons, and, or, not"},
		{"sent = 1", "at column 6: got =, want == to compare"},
		{"sent > ", "at column 7: it ends too early"},
		{"sent > 'x", "at column 10: got a text without its closing quote"},
		{"sent > 1 && é", "at column 13: got the character 'é' outside of quotes"},
		{"check('é€𝄞').rate > 0 && dropd == 0", `at column 1: unknown check "é€𝄞": want alive`},
		{"alive.rate > 1.5µs && response.max > 1.5µs && sent > 1µs", "at column 1: unknown name alive, want one of those that docs/scenarios.md lists under Thresholds"},
		{"response.max > 1.5µs && sent > 1µs", "at column 30: got a count and a time on the sides of >, which do not go together"},
		{"connections(`connected`) > 0 && sent('é') > 0", `at column 33: sent: unknown opcode "é": want text, binary, ping, pong, close`},
		{"'é' == 'é' && dropped == 0", `at column 1: got "é", want a figure, a number, or a time as 200ms`},
		{"sent > 5 ms", `at column 10: unexpected token Identifier("ms")`},
		{"sent > 200ms 5", `at column 14: unexpected token Number("5")`},
		{"response.p(95) < 100000h", "at column 18: got the time 100000h, want at most ten years"},
		{"sent > [1]", "at column 8: got what thresholds do not have, want figures, numbers, times, + - * /, comparisons, and, or, not"},
		{"sent ** 2 > 1", "at column 6: unknown operator **: want + - * /, a comparison, and, or, not"},
		{"!sent", "at column 1: got a count behind !, want a comparison, in parentheses"},

		{"metric('closes_totl') == 0", `at column 1: unknown metric "closes_totl": want one of 65 names; did you mean closes_total?`},
		{"metric('closes_total{cod=\"1006\"}') == 0", `at column 1: the metric closes_total has no label "cod": want code, initiator; did you mean code?`},
		{"metric('closes_total{code=\"1066\"}') == 0", `at column 1: unknown code "1066" of the metric closes_total: want 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 3000-3999, 4000-4999, invalid; did you mean 1006?`},
		{"metric('closes_total{code=1006}') == 0", `at column 1: got the metric closes_total with labels that cannot be read, want them as closes_total{code="1000"}`},
		{"metric('closes_total{code=\"1006\"') == 0", `at column 1: got the metric closes_total with labels that cannot be read, want them as closes_total{code="1000"}`},
		{"metric('closes_total{code=\"1006\",code=\"1000\"}') == 0", "at column 1: got the label code of the metric closes_total twice, want it once"},
		{"metric('request_response_seconds').p(95) < 1s", `at column 1: the metric request_response_seconds has several series, of which one percentile cannot be had; want one of them, as request_response_seconds{request="NAME"}`},
		{"metric('requests_lost_total{request=\"x\"}') == 0", `at column 1: unknown request "x" of the metric requests_lost_total: want join: the room, login, q"uote`},
	} {
		_, err := Parse(c.text, names)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got error %v, want one", c.text, err)
		} else if e.Error() != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.text, e, c.want)
		}
	}
	if _, err := Parse(strings.Repeat(" ", MaxLength+1), names); err == nil || err.Error() != "got 4097 bytes, want at most 4096" {
		t.Errorf("got %v of a long text", err)
	}
	for _, many := range []string{strings.Repeat("sent+", 300) + "sent > 1", strings.Repeat("1s+", 300) + "1s > response.max"} {
		if _, err := Parse(many, names); err == nil || !strings.HasSuffix(err.Error(), "got more than 200 parts, want fewer") {
			t.Errorf("got %v of many parts", err)
		}
	}
}

// TestWithoutScenario: what only a scenario has is refused, as it would be empty in any run.
func TestWithoutScenario(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"p(95)<200ms", ""},
		{"dropped == 0 && disconnects == 0", ""},
		{"rate<1%", "there is no request, so no rate of those without an answer; want p(N), min, max, mean, med or count"},
		{"request join: p(95)<1s", `unknown request "join": there is none`},
		{"iterations: count>1", "there is no scenario, which iterations is of"},
		{"players_lost == 0", "at column 1: there is no scenario, which players_lost is of"},
		{"metric('requests_lost_total') == 0", "at column 1: there is no scenario, which the metric requests_lost_total is of"},
		{"metric('iterations_total') == 0", "at column 1: there is no scenario, which the metric iterations_total is of"},
	} {
		got := ""
		if _, err := Parse(c.text, Names{}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.text, got, c.want)
		}
		if _, err := Parse(c.text, Names{Partial: true}); err != nil {
			t.Errorf("%s, in a file with mistakes: %v", c.text, err)
		}
	}
	if _, err := Parse("metric('checks_total') == 0", Names{Populations: []string{"one"}}); err == nil ||
		err.Error() != "at column 1: the metric checks_total has no series, as the scenario has no check" {
		t.Errorf("got %v of a scenario without checks", err)
	}
}

// TestFails: of a run that goes on, a count below its bound is no failure yet.
func TestFails(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"count>1000", false}, {"count>=1000", false}, {"count==1000", false}, {"count!=100", false}, // 100 so far
		{"count==99", true}, {"count<100", true}, {"count<=100", false}, {"count<=99", true}, {"count!=99", false},
		{"p(95)<1ms", true}, {"p(95)>1s", true}, {"upgrade: p(95)<1ms", false},
		{"sent > 1000 && response.p(95) < 1ms", true}, {"sent > 1000 && response.p(95) < 1s", false},
		{"1000 < sent", false}, {"99 >= sent", true}, {"not (sent < 1000)", false}, {"not (sent > 99)", true}, {"not (sent > 1000)", false},
		{"sent + opened > 1000", false}, {"2 * sent > 1000", false}, {"-sent > 1000", true}, {"sent - opened > 1000", true}, {"sent / 2 > 1000", false},
		{"sent / opened > 1000", true}, {"sent * (0-1) > 5", true}, {"per_second(sent) > 1000", true}, {"pending > 1000", true}, {"sent > opened * 1000", true},
		{"dropped == 0", true}, {"sent > 1000 || dropped == 0", false}, {"failed < 1 || dropped == 0", true},
		{"delivery say: rate<1%", false}, {"delivery('say').rate < 1% && dropped == 0", true}, {"delivery('say').rate < 1% || dropped == 0", false},
	} {
		th, err := Parse(c.text, names)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := th.Fails(run); got != c.want {
			t.Errorf("%s: got %t, want %t", c.text, got, c.want)
		}
	}
}

func TestMargin(t *testing.T) {
	for _, c := range []struct {
		op           string
		value, bound float64
		distance     float64
		margin       string
	}{
		{"<", 150, 200, 50, "0.25"}, {"<=", 250, 200, -50, "-0.25"}, {">", 150, 200, -50, "-0.25"}, {">=", 300, 200, 100, "0.5"},
		{"==", 150, 200, -50, "-0.25"}, {"==", 200, 200, 0, "0"}, {"!=", 150, 200, 50, "0.25"}, {"<", 5, 0, -5, "none"},
		{"<", 1, -10, -11, "-1.1"}, {"", 0, 0, 0, "none"}, {">", 1e300, 1e-300, 1e300, "none"},
	} {
		r := Result{Measured: true, Op: c.op, Value: c.value, Bound: c.bound}
		got := "none"
		if m, ok := r.Margin(); ok {
			got = fmt.Sprint(m)
		}
		if math.Abs(r.Distance()-c.distance) > 1e-9*math.Abs(c.distance) || got != c.margin {
			t.Errorf("%v %s %v: got %v and %s, want %v and %s", c.value, c.op, c.bound, r.Distance(), got, c.distance, c.margin)
		}
		if r.Measured = false; r.Distance() != 0 {
			t.Errorf("%v of what was not measured", r.Distance())
		}
		if _, ok := r.Margin(); ok {
			t.Error("a margin of what was not measured")
		}
	}
}

// TestKeys: a window keeps what these say, and no more.
func TestKeys(t *testing.T) {
	th, err := Parse(`request("login").rate < 1% && dropped == 0 && response.p(95) < 1s || dropped > 5`, names)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(th.Counters()), `[requests_lost_total{request="login"} sends_dropped_total{reason="backlog"} sends_dropped_total{reason="closed"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(th.Timed()), `[request_response_seconds{request="login"} response_seconds]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCanonical: what is written in two ways is the same.
func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"p(50)<200ms", " med < 0.2s ", true}, {"p(50)<200", "response.med < 200ms", true}, {"avg<1s", "response: mean<1000", true},
		{"rate<1%", "rate<0.01", true}, {"p(95)<1s", "p(95)<=1s", false}, {"p(95)<1s", "round_trip: p(95)<1s", false},
		{"dropped == 0", "dropped: count==0", true}, {"request login: p(95)<1s", "population vip: p(95)<1s", false},
		{"sent > 1 && dropped == 0", "sent > 1 and not (dropped == 0)", false},
	} {
		a, err := Parse(c.a, names)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(c.b, names)
		if err != nil {
			t.Fatal(err)
		}
		if (a.Canonical() == b.Canonical()) != c.same {
			t.Errorf("got %s of %s and %s of %s, want them alike: %t", a.Canonical(), c.a, b.Canonical(), c.b, c.same)
		}
	}
}

func TestSpec(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{That: "p(95)<1s", Window: 300, Delay: 10, Abort: true}, ""},
		{Spec{That: "p(95)<"}, "want an aggregate, a comparison and a value, as p(95)<200ms, rate<0.01 or count>1000"},
		{Spec{That: "p(95)<1s", Window: 0.5}, "got a window of 500ms, want 1s or more"},
		{Spec{That: "p(95)<1s", Window: math.NaN()}, "got a window of " + span(math.NaN()) + ", want 1s or more"},
		{Spec{That: "p(95)<1s", Delay: -1}, "got a delay of -1s, want 0s or more"},
		{Spec{That: "delivery say: rate<1%"}, ""},
		{Spec{That: "delivery say: p(95)<1s", Abort: true, Window: 60}, ""},
		{Spec{That: "delivery say: rate<1%", Abort: true}, "what was not delivered is known when the run is over, as some of it is on its way before; want it without window and abort_on_fail"},
		{Spec{That: "sent > 1 && delivery('say').rate < 1%", Window: 60}, "what was not delivered is known when the run is over, as some of it is on its way before; want it without window and abort_on_fail"},
	} {
		got := ""
		if _, err := c.spec.Parse(names); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: got %q, want %q", c.spec, got, c.want)
		}
	}
	for want, s := range map[string]Spec{
		"p(95)<1s": {That: "p(95)<1s"}, "any 5m: x": {That: "x", Window: 300}, "any 2h: x": {That: "x", Window: 7200}, "any 90s: x": {That: "x", Window: 90},
	} {
		if want = strings.ReplaceAll(want, "90s", "1m30s"); s.String() != want {
			t.Errorf("got %q, want %q", s.String(), want)
		}
	}
}

// TestBombs: what would take for ever to read or to evaluate is refused, or bounded.
func TestBombs(t *testing.T) {
	chain := "sent"
	for range 30 {
		chain = "1 < (" + chain + ") < 1"
	}
	for _, text := range []string{
		chain, "response.p(" + chain + ") < 1s", "request(" + chain + ").p(95) < 1s", "per_second(" + chain + ") > 1", "not (" + chain + ")",
		strings.Repeat("(", 2000) + "sent" + strings.Repeat(")", 2000) + " > ", strings.Repeat("not ", 1000) + "sent", strings.Repeat("-", 4000) + "sent",
		"sent > sum(1..1000000000)", "sent > len(repeat('x', 1000000000))", "sent in 1..1000000000", "map(1..1000000000, #) | sent",
	} {
		if _, err := Parse(text, names); err == nil {
			t.Errorf("%s: got no error", clip(text, 60))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"p(95)<200ms", "request join: the room: p(95)<200ms", "rate<0.01", "sent: per_second>1000", "response.p(95) < 200ms && request(\"login\").p(99) < 1s",
		"metric('closes_total{code=\"1006\"}') == 0", "per_second(sent) > 10", "not (dropped == 0) or 1.5m < response.max", "1 < sent < 5", "check('alive').rate > 99%",
		"a ? b : c", "let x = 1; x", "map(1..10, # > 1)", "sent > 1 // 'x", "\"", "`", "1s1", "ꀀ > 1", "sent ?? 1", "sent|abs", "response[p]", "-1s*-1", "response?.p(95) < 1s",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		th, err := Parse(text, names)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message == "" || len(e.Message) > 2000 || e.Column < 0 || e.Column > MaxLength+1 {
				t.Fatalf("%q: bad error %+v", text, err)
			}
			if strings.Contains(e.Message, "%!") && !strings.Contains(text, "%!") {
				t.Fatalf("%q: bad message %q", text, e.Message)
			}
			return
		}
		for _, v := range []figures{run, {}, {seconds: math.Inf(1)}} {
			r := th.Eval(v)
			if r.Held && !r.Measured || math.IsNaN(r.Value) || math.IsInf(r.Value, 0) || math.IsNaN(r.Bound) || math.IsInf(r.Bound, 0) {
				t.Fatalf("%q: got %+v", text, r)
			}
			if _, turns := turned[r.Op]; !turns && r.Op != "" {
				t.Fatalf("%q: got the comparison %q", text, r.Op)
			}
			if m, ok := r.Margin(); ok && (math.IsNaN(m) || math.IsInf(m, 0)) {
				t.Fatalf("%q: got the margin %v", text, m)
			}
			if th.Fails(v) && r.Held {
				t.Fatalf("%q: it holds and fails", text)
			}
		}
		if again, err := Parse(text, names); err != nil || again.Canonical() != th.Canonical() {
			t.Fatalf("%q: read again, %v", text, err)
		}
	})
}
