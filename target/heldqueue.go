package target

import "github.com/loadrig/loadrig/messages"

// held is an answer that waits for its time.
type held struct {
	due     messages.Stamp
	count   uint64         // of answers held before it
	read    messages.Stamp // when the message was
	session *session       // by then it may have ended
	frame   []byte         // pooled
}

func (x *held) before(y *held) bool {
	return x.due < y.due || x.due == y.due && x.count < y.count
}

// heldQueue is a binary heap: the first is the next that is due. It is typed, as package container/heap would
// allocate for each.
type heldQueue []held

func (q *heldQueue) push(x held) {
	*q = append(*q, x)
	a := *q
	for i := len(a) - 1; i > 0; {
		up := (i - 1) / 2
		if !a[i].before(&a[up]) {
			return
		}
		a[i], a[up] = a[up], a[i]
		i = up
	}
}

// pop takes the first, of which there must be one.
func (q *heldQueue) pop() held {
	a := *q
	first, last := a[0], len(a)-1
	a[0] = a[last]
	a[last] = held{} // keeps nothing alive
	a = a[:last]
	*q = a
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return first
		}
		if down+1 < last && a[down+1].before(&a[down]) {
			down++
		}
		if !a[down].before(&a[i]) {
			return first
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
}
