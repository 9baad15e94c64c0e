package machine

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// maxListed is how many descriptors are counted one by one where the kernel does not tell their number. 20,000
// cost 12 ms, and asking poll(2) about each still 3; so many cost 2.5. Beyond, their number is not known:
// who has that many open counts them anyway.
const maxListed = 4096

// folder is a folder of the kernel's that is kept open.
type folder struct {
	pseudo
	proc bool // of a real /proc, whose folders tell more than others do
}

func openFolder(name string) folder {
	var f folder
	f.pseudo, _ = tryOpen(unix.AT_FDCWD, name, unix.O_DIRECTORY)
	var s unix.Statfs_t
	f.proc = f.open && unix.Fstatfs(f.fd, &s) == nil && s.Type == unix.PROC_SUPER_MAGIC
	return f
}

// size gives how many entries there are. Since Linux 6.2 the size of /proc/self/fd is the number of open
// descriptors, which the kernel counts by the word of a bit map; before it is 0, and this process has the
// folder itself open. There they are listed.
func (f *folder) size(buf []byte) (n int, ok bool) {
	if !f.open {
		return 0, false
	}
	var s unix.Stat_t
	if f.proc && unix.Fstat(f.fd, &s) == nil && s.Size > 0 {
		return int(s.Size), true
	}
	ok = f.each(buf, func(int) bool { n++; return n <= maxListed })
	return n, ok
}

// links gives how many folders are in it; not ok where that is not known without listing them.
func (f *folder) links() (n int, ok bool) {
	var s unix.Stat_t
	if !f.open || !f.proc || unix.Fstat(f.fd, &s) != nil || s.Nlink < 2 {
		return 0, false
	}
	return int(s.Nlink) - 2, true
}

// each calls do with every entry whose name is a number; it is not ok if the folder could not be read, or do
// said to stop.
func (f *folder) each(buf []byte, do func(number int) bool) (ok bool) {
	if !f.open {
		return false
	}
	if _, err := unix.Seek(f.fd, 0, 0); err != nil {
		return false
	}
	for {
		n, err := unix.Getdents(f.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err == nil
		}
		for b := buf[:n]; len(b) > 0; {
			name, rest, ok := dirent(b)
			if !ok {
				return false
			}
			b = rest
			if number, ok := whole(name); ok && !do(number) {
				return false
			}
		}
	}
}

// dirent splits the first entry from what getdents64(2) gave: inode and offset of 8 bytes each, its length,
// a byte of type, and the name with a 0 at its end.
func dirent(b []byte) (name, rest []byte, ok bool) {
	const head = 8 + 8 + 2 + 1
	if len(b) < head {
		return nil, nil, false
	}
	length := int(binary.NativeEndian.Uint16(b[16:]))
	if length <= head || length > len(b) {
		return nil, nil, false
	}
	name = b[head:length]
	for i, c := range name {
		if c == 0 {
			return name[:i], b[length:], true
		}
	}
	return nil, nil, false
}

// whole reads a name that is a number and nothing else.
func whole(name []byte) (n int, ok bool) {
	if len(name) == 0 || len(name) > 9 {
		return 0, false
	}
	for _, c := range name {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
