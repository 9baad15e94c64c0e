package transport

import "golang.org/x/sys/windows"

// Errors of sockets by what they say about whom.
var (
	errnoReset    = []error{windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN}
	errnoRefused  = []error{windows.WSAECONNREFUSED, windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN, windows.WSAENETDOWN, windows.WSAEAFNOSUPPORT}
	errnoTimeout  = []error{windows.WSAETIMEDOUT}
	errnoNoPort   = []error{windows.WSAEADDRNOTAVAIL, windows.WSAEADDRINUSE}
	errnoResource = []error{windows.WSAEMFILE, windows.WSAENOBUFS, windows.WSAEACCES}
)
