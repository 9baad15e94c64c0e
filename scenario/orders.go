package scenario

// The orders in which players take rows. All of them depend on nothing but the seed and the player's number
// and iteration, so that a run with the same seed deals the same rows however its players race.
const (
	OrderSequential = "sequential" // that of the player's number; in each further iteration, on by the number of players
	OrderShuffle    = "shuffle"    // the same, in an order of chance
	OrderRandom     = "random"     // any
	OrderUnique     = "unique"     // that of the player's number, always
)

// Orders lists them.
var Orders = []string{OrderSequential, OrderShuffle, OrderRandom, OrderUnique}

// What happens when sequential and shuffle have given all rows.
const (
	EndWrap = "wrap" // begin again
	EndStop = "stop" // the player ends
)
