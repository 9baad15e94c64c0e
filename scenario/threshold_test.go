package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const series = `
players:
  ann:
    on:
      - { json: { op: say }, delivery: say, stamp: $.stamp }
      - { json: { op: state }, tick: state, interval: 50ms }
    steps:
      - connect
      - join: lobby
      - request: { name: "join: the room", json: { id: "{{ seq }}" }, id: $.id }
      - http: { name: login, url: "http://127.0.0.1:9/" }
      - publish: { name: say, audience: lobby, json: { op: say, stamp: "{{ stamp }}" } }
      - check: { name: alive, that: connected }
thresholds:
  - { that: %q }
`

func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		text string
		want Bound
	}{
		{"p(95)<200ms", Bound{"", -1, AggregateP, 95, "<", 0.2, nil}},
		{"p(95)<200", Bound{"", -1, AggregateP, 95, "<", 0.2, nil}}, // ms
		{" p ( 99.9 ) <= 1m30s ", Bound{"", -1, AggregateP, 99.9, "<=", 90, nil}},
		{"p(100)<0", Bound{"", -1, AggregateP, 100, "<", 0, nil}},
		{"min>1.5", Bound{"", -1, AggregateMin, 0, ">", 0.0015, nil}},
		{"max >= 250µs", Bound{"", -1, AggregateMax, 0, ">=", 0.00025, nil}},
		{"mean==1s", Bound{"", -1, AggregateMean, 0, "==", 1, nil}},
		{"avg!=1s", Bound{"", -1, AggregateMean, 0, "!=", 1, nil}},
		{"med<20", Bound{"", -1, AggregateP, 50, "<", 0.02, nil}},
		{"rate<0.01", Bound{"", -1, AggregateRate, 0, "<", 0.01, nil}},
		{"rate<1%", Bound{"", -1, AggregateRate, 0, "<", 0.01, nil}},
		{"rate==100%", Bound{"", -1, AggregateRate, 0, "==", 1, nil}},
		{"count>1000", Bound{"", -1, AggregateCount, 0, ">", 1000, nil}},
		{"count<9007199254740992", Bound{"", -1, AggregateCount, 0, "<", 1 << 53, nil}},
		{"request join: the room: p(95)<200ms", Bound{KindRequest, 0, AggregateP, 95, "<", 0.2, nil}},
		{"  request   login : rate < 0.5%", Bound{KindRequest, 1, AggregateRate, 0, "<", 0.005, nil}},
		{"delivery say:max<1s", Bound{KindDelivery, 0, AggregateMax, 0, "<", 1, nil}},
		{"delivery say: count > 0", Bound{KindDelivery, 0, AggregateCount, 0, ">", 0, nil}},
		{"tick state: p(99)<5ms", Bound{KindTick, 0, AggregateP, 99, "<", 0.005, nil}},
		{"check alive: rate>0.99", Bound{KindCheck, 0, AggregateRate, 0, ">", 0.99, nil}},
		{"check alive: count>=3", Bound{KindCheck, 0, AggregateCount, 0, ">=", 3, nil}},
	} {
		s, err := Read(strings.NewReader(fmt.Sprintf(series, c.text)), "x.yaml", ".", Options{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if len(s.Thresholds) != 1 || s.Thresholds[0].Text != c.text {
			t.Errorf("%s: got %+v, want one threshold with its text", c.text, s.Thresholds)
			continue
		}
		got := s.Thresholds[0]
		got.Threshold = nil
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.text, diff)
		}
	}
}
