// Package messages is loadrig's vocabulary: connection ids, the four states and the one transition
// table, the commands a connection takes, the events it gives, close codes, the causes a connection
// ends with, and the errors. Every other package speaks in these words.
//
// The rules follow the M2 Web Socket Connection of the Morpheus platform. A connection is Idle until
// its first Connect, Connecting while the opening handshake runs, Connected while messages may pass,
// and Disconnected afterwards; nothing reconnects unless a command says so. [Next] is the whole
// state machine, as data.
//
// What may live here: plain data and pure functions on it. What may not: sockets, goroutines, actors,
// logging, or an import of any other package of this module.
package messages
