package rig

import (
	"sync"

	"github.com/loadrig/loadrig/metrics"
)

// shown is a Visitor that keeps what it is shown, for scrapes: they come at any time, also while a record is made.
type shown struct {
	mu sync.Mutex
	// Guarded by mu.
	last, next []figure
}

// figure is a counter or a gauge.
type figure struct {
	family *metrics.Family
	value  float64
	labels []string
}

// Count implements metrics.Visitor.
func (s *shown) Count(f *metrics.Family, n float64, labels ...string) {
	s.next = append(s.next, figure{f, n, labels})
}

// Gauge implements metrics.Visitor.
func (s *shown) Gauge(f *metrics.Family, v float64, labels ...string) { s.Count(f, v, labels...) }

// Times implements metrics.Visitor; what the rig measures of itself has none.
func (s *shown) Times(*metrics.Family, *metrics.Histogram, ...string) {}

// take has show say what is known now.
func (s *shown) take(show func(metrics.Visitor)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = s.next[:0]
	show(s)
	s.last, s.next = s.next, s.last
}

// visit shows v what was said last.
func (s *shown) visit(v metrics.Visitor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.last {
		if f.family.Kind == metrics.Gauge {
			v.Gauge(f.family, f.value, f.labels...)
		} else {
			v.Count(f.family, f.value, f.labels...)
		}
	}
}
