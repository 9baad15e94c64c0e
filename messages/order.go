package messages

// Order says how a delivery relates to those before it from the same sender. It is also the value of a metric
// label.
type Order uint8

// The orders.
const (
	OrderKept      Order = iota // nothing that was sent later has come yet
	OrderLate                   // something that was sent later came before it
	OrderDuplicate              // it has come already
	OrderCorrupt                // its stamp is not what was sent, so which delivery it is is not known
	NumOrders      = 4
)

var orderNames = [NumOrders]string{"in_order", "late", "duplicate", "corrupt"}

// String gives the metric label.
func (o Order) String() string { return nameOf(orderNames[:], int(o)) }
