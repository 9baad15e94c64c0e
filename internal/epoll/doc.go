// Package epoll is a thin layer over Linux's epoll, an eventfd to wake it, and the system calls of a
// socket that an event loop makes. It is shared by the client's loops (transport) and the embedded
// servers (target), and is empty on other systems.
//
// What may live here: system calls and the handling of EINTR. What may not: buffers, protocol,
// policy of any kind.
package epoll
