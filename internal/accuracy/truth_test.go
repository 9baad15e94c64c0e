//go:build unix

package accuracy

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"
)

// account is what a server's log says.
type account struct {
	answers map[uint64][]answer // by connection, in the order that the messages were read in
	delays  []time.Duration     // from when a message was read to when its answer was sent, sorted
	stalls  []window            // by the schedule
}

// answer is when a message was read, and when it was answered, in ns since 1970.
type answer struct{ read, sent int64 }

// window is a time in which one side stands still, in ns since 1970.
type window struct{ begin, end int64 }

func readAccount(text []byte) (a account, err error) {
	a.answers = make(map[uint64][]answer)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var what string
		var number uint64
		var begin, planned, end int64
		if _, err := fmt.Sscan(lines.Text(), &what, &number, &begin, &planned, &end); err != nil {
			return a, fmt.Errorf("log: got %q: %w", lines.Text(), err)
		}
		switch what {
		case "answer":
			a.answers[number] = append(a.answers[number], answer{begin, end})
			a.delays = append(a.delays, time.Duration(end-begin))
		case "stall":
			a.stalls = append(a.stalls, window{begin, begin + planned})
		default:
			return a, fmt.Errorf("log: got %q", lines.Text())
		}
	}
	slices.Sort(a.delays)
	for _, all := range a.answers {
		slices.SortStableFunc(all, func(x, y answer) int { return cmp.Compare(x.read, y.read) })
	}
	return a, lines.Err()
}

// responses gives what the response times truly were, sorted: from when a message was due to when its answer was
// sent, or for an answer that was sent while the rig was frozen to when it could be read.
//
// When messages were due is not the rig's word: a player's are due every period, and its connection is read in
// that order, so the one that arrived soonest after its turn tells when the others were due. That is late by
// what the rig and the loopback take at best, which is less than 1 ms.
func (a account) responses(period time.Duration, frozen window) (all []time.Duration) {
	for _, answers := range a.answers {
		first := answers[0].read
		for k, x := range answers {
			first = min(first, x.read-int64(k)*int64(period))
		}
		for k, x := range answers {
			end := x.sent
			if end >= frozen.begin && end < frozen.end {
				end = frozen.end
			}
			all = append(all, time.Duration(end-first-int64(k)*int64(period)))
		}
	}
	slices.Sort(all)
	return all
}

// quantile gives the duration that the share q does not exceed, of a sorted list. The rank is that of the rig's
// histograms: q·n, rounded to the nearest, and at least 1.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := max(int(q*float64(len(sorted))+0.5), 1)
	return sorted[min(rank, len(sorted))-1]
}

// TestResponses: a message is due every 10, from 100 on. The server takes 2 to read and 30 to answer; the fourth
// is sent by 25 late, and the answer to the second is not read before 150.
func TestResponses(t *testing.T) {
	a, err := readAccount([]byte("answer 1 112 30 142\nanswer 1 102 30 132\nstall 0 1 2 4\nanswer 1 155 30 185\nanswer 1 122 30 152\n"))
	if err != nil {
		t.Fatal(err)
	}
	// Of what is due at 102, 112, 122, 132 as far as can be told, answers are there at 132, 150, 152, 185.
	want := []time.Duration{132 - 102, 152 - 122, 150 - 112, 185 - 132}
	if got := a.responses(10, window{140, 150}); !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
	if want := []window{{1, 3}}; !slices.Equal(a.stalls, want) || len(a.delays) != 4 {
		t.Errorf("got stalls %v and delays %d, want %v and 4", a.stalls, a.delays, want)
	}
}
