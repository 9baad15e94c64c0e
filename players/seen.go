package players

import "github.com/loadrig/loadrig/messages"

// seen is what is known of the messages of one sender, which have successive numbers: the last number, and which of
// the 64 up to it came. The zero value knows of none.
type seen struct {
	last uint64
	bits uint64
}

// take notes that a message came, and tells how it relates to those before. Of one that is 64 or more behind the last
// it is not known whether it came already; it is taken to be late.
func (w *seen) take(number uint64) messages.Order {
	switch d := int64(number - w.last); {
	case w.bits == 0:
		w.last, w.bits = number, 1
		return messages.OrderKept
	case d > 0:
		if d < 64 {
			w.bits = w.bits<<d | 1
		} else {
			w.bits = 1
		}
		w.last = number
		return messages.OrderKept
	case d <= -64:
		return messages.OrderLate
	case w.bits&(1<<-d) != 0:
		return messages.OrderDuplicate
	default:
		w.bits |= 1 << -d
		return messages.OrderLate
	}
}
