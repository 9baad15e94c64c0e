package transport

import "golang.org/x/sys/unix"

func narrowFD(st stream) {
	if s, ok := st.(*fdStream); ok {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1)
	}
}
