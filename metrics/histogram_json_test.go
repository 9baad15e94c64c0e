package metrics

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

func TestJSONRoundTripIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := recorded(drawDurations(t, "durations")...)
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Histogram
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if got != *want {
			t.Fatalf("got count %d, sum %v, want %d, %v", got.Count(), got.Sum(), want.Count(), want.Sum())
		}
	})
}

// TestJSONHoldsAnHdrHistogram: other tools read hdr_us.
func TestJSONHoldsAnHdrHistogram(t *testing.T) {
	b, err := json.Marshal(recorded(time.Millisecond, 2*time.Millisecond, 3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Hdr string `json:"hdr_us"`
	}
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	lib, err := hdr.Decode([]byte(stored.Hdr))
	if err != nil {
		t.Fatal(err)
	}
	if lib.TotalCount() != 3 || lib.ValueAtPercentile(50) != 2000 || !lib.ValuesAreEquivalent(lib.Max(), 3_000_000) {
		t.Errorf("got count %d, median %d µs, max %d µs, want 3, 2000, 3000000", lib.TotalCount(), lib.ValueAtPercentile(50), lib.Max())
	}
}

func TestJSONRefuses(t *testing.T) {
	h := recorded(time.Millisecond, time.Second)
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	otherBins, err := hdr.New(1, 1000, 2).Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, json, want string }{
		{"not an object", `[]`, "histogram: json: cannot unmarshal array"},
		{"another count", strings.Replace(good, `"count":2`, `"count":3`, 1), "histogram: got 2 in the bins, want count 3"},
		{"min in another bin", strings.Replace(good, `"min_ns":1000000`, `"min_ns":5`, 1), "histogram: got min 5 ns and max 1000000000 ns, want them in the first and last bin"},
		{"max in another bin", strings.Replace(good, `"max_ns":1000000000`, `"max_ns":1000000`, 1), "histogram: got min 1000000 ns and max 1000000 ns, want"},
		{"too many over", strings.Replace(good, `"min_ns"`, `"over":1,"min_ns"`, 1), "histogram: got 0 under and 1 over, want them in the bins at the ends"},
		{"a sum of nothing", `{"count":0,"sum_s":1}`, "histogram: got a sum or extremes, want none with count 0"},
		{"bins that do not decode", `{"count":1,"hdr_us":"AAAA"}`, "histogram: encoded histogram too short"},
		{"other bins", `{"count":0,"hdr_us":"` + string(otherBins) + `"}`, "histogram: got bins 1..1000 with 2 digits, want 1..60000000 with 3"},
	} {
		got := *h
		err := got.UnmarshalJSON([]byte(c.json))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
		if got != *h {
			t.Errorf("%s: changed the histogram", c.name)
		}
	}
}

// TestJSONOfManyYears: a sum that the stored form cannot hold is an error, not a wrong number.
func TestJSONOfManyYears(t *testing.T) {
	h := recorded(math.MaxInt64)
	h.sumHigh = 1_000_000_000
	if _, err := json.Marshal(h); err == nil {
		t.Error("got no error, want one")
	}
}

func FuzzHistogramUnmarshalJSON(f *testing.F) {
	for _, h := range []*Histogram{recorded(), recorded(0), recorded(time.Millisecond, time.Hour), recorded(samples(3, 100)...)} {
		b, err := json.Marshal(h)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"count":18446744073709551615,"sum_s":18446744073709551615,"sum_ns":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Histogram
		if h.UnmarshalJSON(b) != nil {
			return
		}
		// What was accepted serves: nothing panics, and adding it to nothing gives it back.
		var sum Histogram
		sum.Merge(&h)
		if sum != h {
			t.Fatalf("merged into an empty one: got %d, want %d", sum.Count(), h.Count())
		}
		h.Quantile(0.99)
		h.Mean()
		sum.Sub(&h)
	})
}
