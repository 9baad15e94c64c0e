package machine

import "golang.org/x/sys/unix"

// pseudo is a file of the kernel's that is kept open, and made anew each time it is read from its start. Its
// zero value reads as empty.
type pseudo struct {
	fd   int
	open bool
}

func openPseudo(name string) pseudo {
	p, _ := tryOpen(unix.AT_FDCWD, name, 0)
	return p
}

func tryOpen(dir int, name string, flags int) (pseudo, error) {
	for {
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
		if err == unix.EINTR {
			continue
		}
		return pseudo{fd: fd, open: err == nil}, err
	}
}

// read reads what fits; nothing if the file cannot be read.
func (p *pseudo) read(buf []byte) []byte {
	b, _ := p.tryRead(buf)
	return b
}

func (p *pseudo) tryRead(buf []byte) ([]byte, error) {
	if !p.open {
		return nil, unix.ENOENT
	}
	for {
		n, err := unix.Pread(p.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		return buf[:max(0, n)], err
	}
}

func (p *pseudo) close() {
	if p.open {
		_ = unix.Close(p.fd)
	}
	p.open = false
}
