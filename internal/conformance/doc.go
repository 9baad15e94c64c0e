// Package conformance plays a misbehaving server to the client, one case for each class of behaviour that a
// WebSocket client can meet, and holds it to what RFC 6455 asks of it. The sections and numbers are those of
// the public Autobahn catalogue: framing 1, pings 2, reserved bits 3, opcodes 4, fragmentation 5, UTF-8 6,
// the closing handshake 7, limits and performance 9, automatic fragmentation 10; 12 and 13 are for
// compression. H is the opening handshake and N the network, which the catalogue does not have, and some
// numbers behind the catalogue's own are further cases of a section. The cases are written from the RFCs.
//
// Every case says what the server does and the reaction required: the state, the cause, the close code sent
// and the one reported, the messages. It runs on each engine, in the clear and over TLS, and may leave no
// goroutine, no descriptor and no pooled buffer. `make conformance` prints them all.
//
// What may live here: such cases, and what runs and prints them. What may not: anything that is linked into
// the binary; tests of one function, which stand beside it.
package conformance
