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
// Messages may be compressed (permessage-deflate, RFC 7692), if [Options.Compress] offers it and the
// server takes the offer. All flate state is the loop's. Without context takeover, which is the default,
// a connection holds nothing between messages; with it, the two windows: 32 KiB at most of what was
// received, and 8 KiB of what was sent. A compressed message counts towards MaxMessage compressed and
// inflated, and ends its connection with 1009 where it is over; with 1002 where it is no deflate stream;
// and with 1007 where it is text that is not UTF-8.
//
// What may live here: sockets, compression, framing, name lookup, proxies, source addresses, cookies,
// timers. What may not: actors,
// metrics, load models, or anything that decides when to connect or what to send.
package transport
