package figures

import (
	"math"
	"testing"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567",
		-1: "-1", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	if got, want := Count(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB",
	} {
		if got := Size(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0s", -1: "0s", 1e-9: "0s", 1e-6: "1.00µs", 850e-6: "850µs", 1.234e-3: "1.23ms", 12.34: "12.3s", 9.996e-3: "10.0ms", 99.96e-3: "100ms", 3600: "3600s",
	} {
		if got := Seconds(s); got != want {
			t.Errorf("%g: got %s, want %s", s, got, want)
		}
	}
}
