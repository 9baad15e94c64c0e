// Package target holds embedded WebSocket servers to shoot at: something to run against when no
// server is at hand, and a peer for tests and benchmarks that is cheap enough not to be what they
// measure. For now there is one, echo.
//
// The echo server answers each text or binary message with the same message, whole: fragments are
// joined before they are echoed. Pings are answered, closing handshakes are completed with the
// peer's code, and peers that break RFC 6455 are told so with 1002, 1007 or 1009. It is strict on
// purpose, as it is there to find faults in a client. It has no TLS and no authentication, and of
// extensions permessage-deflate if it is asked to.
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
// What may live here: servers, their protocol, their counters. What may not: clients, load, metrics
// registries, or anything a rig needs when it shoots at someone else's server. The only packages of
// this module that may be imported are messages and internal/epoll.
package target
