// Package ledger checks the accounts of a shard's connections in tests: it follows each connection by its
// events, beside the recorder that is used in earnest, and notes every event that the table in messages does
// not allow there, and every count that does not add up.
//
// What may live here: checks of counts and events against the laws that messages and metrics state. What may
// not: connections, players, or anything that is linked into the binary.
package ledger
