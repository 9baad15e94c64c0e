package messages

// Traffic counts what the sockets of one shard have carried. All fields but Pending only grow. The
// law that holds at every instant, for data messages and control frames together:
//
//	Asked = ΣSent + ΣDropped + Pending
type Traffic struct {
	Asked    uint64           // messages a player or the protocol wanted sent on an open connection
	Sent     [NumOps]uint64   // messages whose last byte was handed to the kernel
	Received [NumOps]uint64   // whole messages received
	Dropped  [NumDrops]uint64 // messages that will never be sent, by reason
	Pending  uint64           // messages waiting for their socket

	SentBytes     uint64 // payload bytes of Sent text and binary messages
	ReceivedBytes uint64 // payload bytes of Received text and binary messages
	SentWire      uint64 // bytes handed to the kernel, frame headers and handshakes included
	ReceivedWire  uint64 // bytes read, likewise
}

// Drop says why a message was not sent.
type Drop uint8

// The reasons.
const (
	DropBacklog Drop = iota // the backlog of the connection was full
	// DropClosed: the connection ended before its last byte was known to be with the kernel. Where bytes are
	// handed over by others and reported back, in the goroutine engine and over TLS, those of a write that was
	// under way then, 64 KiB at most, may have got there all the same.
	DropClosed
	NumDrops = 2
)

var dropNames = [NumDrops]string{"backlog", "closed"}

// String gives the metric label.
func (d Drop) String() string { return nameOf(dropNames[:], int(d)) }

// Add adds the counts of u to t.
func (t *Traffic) Add(u *Traffic) {
	t.Asked += u.Asked
	t.Pending += u.Pending
	for i := range t.Sent {
		t.Sent[i] += u.Sent[i]
		t.Received[i] += u.Received[i]
	}
	for i := range t.Dropped {
		t.Dropped[i] += u.Dropped[i]
	}
	t.SentBytes += u.SentBytes
	t.ReceivedBytes += u.ReceivedBytes
	t.SentWire += u.SentWire
	t.ReceivedWire += u.ReceivedWire
}

// Sum gives the total over kinds of Sent or Received.
func Sum(ops [NumOps]uint64) (n uint64) {
	for _, v := range ops {
		n += v
	}
	return n
}

// Balanced tells whether the law of Traffic holds.
func (t *Traffic) Balanced() bool {
	n := t.Pending + Sum(t.Sent)
	for _, d := range t.Dropped {
		n += d
	}
	return n == t.Asked
}
