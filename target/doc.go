// Package target holds embedded WebSocket servers to shoot at: something to run against when no
// server is at hand, and a peer for tests and benchmarks that is cheap enough not to be what they
// measure. What a server does with messages is its Kind:
//
//   - Echo answers each text or binary message with the same message, whole: fragments are joined
//     before they are echoed.
//   - Room has clients join rooms, whose members hear each other, and play a game in pairs.
//   - Tick pushes the state of a game at a fixed rate.
//   - JSONAuth lets in whom a delegated token names, until it expires, and then echoes.
//
// Pings are answered, closing handshakes are completed with the peer's code, and peers that break
// RFC 6455 are told so with 1002, 1007 or 1009. It is strict on purpose, as it is there to find faults
// in a client. It has no TLS, and of extensions permessage-deflate if it is asked to; only echoes are
// ever compressed.
//
//	s, err := target.Listen(target.Options{})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	go s.Serve()
//	// dial s.URL(); compare with s.Stats()
//
// On Linux a few event loops own all sockets, with one read buffer each and neither a goroutine nor a
// buffer per idle connection; elsewhere there is a goroutine per connection. Both feed the same
// session, which is the protocol and knows no sockets.
//
// An Echo or a JSONAuth server can hold its answers back by a Law, stand still on a schedule, and log what it
// really did, so that what a client makes of it can be held to the truth.
//
// # Commands
//
// Room and Tick take JSON objects, as text, with an op and perhaps an id: any value, which the answer
// repeats as it was given. What is wrong is answered by
//
//	{"op":"error","error":"…","id":…}
//
// A Room server knows these. Rooms are there from their first member to their last.
//
//	{"op":"join","room":"lobby"}         {"op":"joined","room":"lobby","members":3}
//	{"op":"leave","room":"lobby"}        {"op":"left","room":"lobby","members":2}
//	{"op":"say","room":"lobby",…}        the very same text, to all members, the sender too
//	{"op":"list"}                        {"op":"rooms","total":1,"rooms":[{"room":"lobby","members":3}]}
//	{"op":"ping"}                        {"op":"pong"}
//	{"op":"seat"}                        once another has asked: {"op":"start","game":"g1","you":"X","turn":"X"}
//	{"op":"play","game":"g1","cell":4}   to both: {"op":"played","game":"g1","cell":4,"by":"X","turn":"O"}
//	                                     or {"op":"over","game":"g1","cell":4,"by":"X","winner":"X"}
//	{"op":"leave","game":"g1"}           to both: {"op":"over","game":"g1","winner":"O"}
//
// All members of a room hear what is said in one order. A client that cannot take what others have it
// sent, beyond MaxBacklog, is closed with 1008.
//
// A Tick server knows these, and sends ticks to those who entered. Tick n is due n periods after Listen,
// and t is when it was made, in milliseconds since Listen.
//
//	{"op":"enter"}                       {"op":"entered","rate":20}
//	                                     {"op":"tick","n":123,"t":6150,"players":42}
//	{"op":"move","x":1.5,"y":2}          {"op":"moved"}, only if the command has an id
//
// A JSONAuth server knows one, and echoes all else:
//
//	{"op":"whoami"}                      {"op":"whoami","user":"…","organization":"…","project":"…",
//	                                     "world":"…","scopes":["world"],"expires":1764000000}
//
// What may live here: servers, their protocol, their counters. What may not: clients, load, metrics
// registries, or anything a rig needs when it shoots at someone else's server. The only packages of
// this module that may be imported are messages and internal/epoll.
package target
