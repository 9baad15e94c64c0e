//go:build unix

package transport

import "golang.org/x/sys/unix"

// Errors of sockets by what they say about whom.
var (
	errnoReset    = []error{unix.ECONNRESET, unix.EPIPE, unix.ECONNABORTED}
	errnoRefused  = []error{unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.EAFNOSUPPORT, unix.ENOENT}
	errnoTimeout  = []error{unix.ETIMEDOUT}
	errnoNoPort   = []error{unix.EADDRNOTAVAIL, unix.EADDRINUSE}
	errnoResource = []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EAGAIN, unix.EACCES, unix.EPERM}
)
