// Package transport is one client WebSocket connection and the event loops that hold many: the
// opening handshake in timed phases, frames, the closing handshake, back-pressure, timers.
//
// A [Loop] is one goroutine that owns everything on it: its connections ([Conn]), their buffers and
// timers, a queue ([Loop.Post]) through which other goroutines reach it, and its counters. All
// methods of Conn, and the callbacks of its [Handler], belong to that goroutine. Callbacks are only
// ever made from the loop's own turn, never from inside a call that the handler makes.
//
// There are two engines behind the same types. On Linux a loop waits in epoll, and a plain connection
// costs a socket and a few hundred bytes. Elsewhere, and behind an https:// proxy, a connection has a
// goroutine that reads and, while there is something to write, one that writes; both only hand bytes to
// the loop.
//
// A server is reached straight, through a proxy, by a detour, or over a Unix socket, as [Options] says for
// all connections of a [Network]; [Network.Probe] tells beforehand whether that can be.
//
// What may live here: sockets, framing, name lookup, proxies, source addresses, cookies, timers. What may not: actors,
// metrics, load models, or anything that decides when to connect or what to send.
package transport
