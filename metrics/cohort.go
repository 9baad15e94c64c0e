package metrics

import "github.com/loadrig/loadrig/messages"

const (
	numCohorts = 1024

	// finestCohort is the width of the narrowest cohorts, as a power of two of ns: about a millisecond.
	finestCohort = 20
)

// cohorts counts what is open by when it began, so that ages are known at any time without a look at any connection.
// A cohort is a span of the process's clock as wide as a power of two of ns, and begins at a multiple of its width:
// so two neighbours make one of the next width exactly, and cohorts of two shards fall together, whenever each began.
// Where the span from the oldest that is open until now outgrows the array, the widths double. So they are never wider
// than a 480th of the longest that it has been since nothing was open.
type cohorts struct {
	n     [numCohorts]uint32
	first int64  // n[0] begins at first<<width
	width uint8  // log2 of ns
	count uint64 // the sum of n; where it is 0, first and width mean nothing
}

// add counts one that began at the instant.
func (c *cohorts) add(at messages.Stamp) {
	if c.count == 0 {
		c.width, c.first = finestCohort, int64(at)>>finestCohort
	}
	k := c.place(at)
	if !inside(k) {
		c.fit(at, at)
		k = c.place(at)
	}
	c.n[k]++
	c.count++
}

// remove takes back what add counted of the same instant. What add was not told of is left alone: then there are more
// here than there are connections, which Snapshot.Check tells.
func (c *cohorts) remove(at messages.Stamp) {
	k := c.place(at)
	if !inside(k) || c.n[k] == 0 {
		return
	}
	c.n[k]--
	c.count--
}

// place gives where in the array an instant is; it may be outside.
func (c *cohorts) place(at messages.Stamp) int64 { return int64(at)>>c.width - c.first }

func inside(k int64) bool { return uint64(k) < numCohorts }

// spareCohorts is how many must be free for new ones where the array moves on.
const spareCohorts = numCohorts / 16

// fit makes room for the instants from oldest to newest, beside what there is. It moves the array along the clock
// where that leaves some to spare, and doubles the widths else, so that it is called once in 64 cohorts at most.
func (c *cohorts) fit(oldest, newest messages.Stamp) {
	for {
		low, high := c.place(oldest), c.place(newest)
		if inside(low) && inside(high) {
			return
		}
		if first, last := c.span(); first <= last {
			low, high = min(low, int64(first)), max(high, int64(last))
		}
		if high-low < numCohorts-spareCohorts {
			c.move(low)
		} else {
			c.widen()
		}
	}
}

// span gives the first and the last cohort that is not empty; first is beyond last if all are.
func (c *cohorts) span() (first, last int) {
	first, last = 0, numCohorts-1
	for first <= last && c.n[first] == 0 {
		first++
	}
	for first < last && c.n[last] == 0 {
		last--
	}
	return first, last
}

// move has the array begin by cohorts later, or earlier where that is negative. What leaves it must be empty.
func (c *cohorts) move(by int64) {
	moved := [numCohorts]uint32{}
	for i, n := range c.n {
		if n != 0 {
			moved[int64(i)-by] = n
		}
	}
	c.n = moved
	c.first += by
}

// widen makes one cohort of each two.
func (c *cohorts) widen() {
	odd := int(c.first & 1) // the first one is then the second half of its pair
	for i, n := range c.n {
		c.n[i] = 0
		c.n[(i+odd)/2] += n
	}
	c.first >>= 1
	c.width++
}

// merge adds other, whose cohorts are brought to the width of c, or those of c to its.
func (c *cohorts) merge(other *cohorts) {
	switch {
	case other.count == 0:
		return
	case c.count == 0:
		*c = *other
		return
	}
	for c.width < other.width {
		c.widen()
	}
	first, last := other.span()
	c.fit(other.begin(first), other.begin(last))
	for i := first; i <= last; i++ {
		c.n[c.place(other.begin(i))] += other.n[i]
	}
	c.count += other.count
}

// begin gives when a cohort begins.
func (c *cohorts) begin(i int) messages.Stamp { return messages.Stamp((c.first + int64(i)) << c.width) }

// middle gives the middle of a cohort, which stands for all that began in it.
func (c *cohorts) middle(i int) messages.Stamp { return c.begin(i) + 1<<c.width/2 }
