package machine

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxThreads  = 512 // followed; a process with more does not know its run queue
	heldThreads = 24  // of them whose file is kept open; those beyond are opened for each sample
)

// threads adds up how long the threads of this process waited for a core. The kernel tells this of threads
// only: /proc/self/schedstat is the first thread's, which in a Go process may do nothing at all.
type threads struct {
	folder folder
	known  []thread // made once, with room for maxThreads
	held   int      // of them with a file open
	gone   int64    // ns that those waited that have ended since, so that the sum does not fall
}

type thread struct {
	id   int
	file pseudo // open, or not for lack of room
	wait int64  // ns
}

func (t *threads) open(dir string) {
	t.folder = openFolder(dir)
	t.known = make([]thread, 0, maxThreads)
}

func (t *threads) close() {
	t.folder.close()
	for i := range t.known {
		t.known[i].file.close()
	}
	t.known, t.held = t.known[:0], 0
}

// sample gives the sum and how many threads there are.
func (t *threads) sample(buf []byte) (wait time.Duration, alive int, ok bool) {
	// As many as are known, and all of these alive: then these are all, and need not be listed.
	before, told := t.folder.links()
	ran, ended, ok := t.read(buf)
	if !ok {
		return 0, 0, false
	}
	if !told || ended || before != len(t.known) {
		if !t.list(buf) {
			return 0, 0, false
		}
		if ran, _, ok = t.read(buf); !ok {
			return 0, 0, false
		}
	}
	// A kernel that does not count says 0 of everybody, and whoever reads this has run.
	if !ran {
		return 0, 0, false
	}
	sum := t.gone
	for i := range t.known {
		sum += t.known[i].wait
	}
	return time.Duration(sum), len(t.known), true
}

// read asks every known thread, and forgets those that have ended.
func (t *threads) read(buf []byte) (ran, ended, ok bool) {
	for i := 0; i < len(t.known); {
		th := &t.known[i]
		text, err := t.ask(th, buf)
		if err == unix.ESRCH || err == unix.ENOENT {
			ended = true
			t.forget(i)
			continue
		}
		var n [2]int64 // ns on a core, ns waiting for one
		if err != nil || !figureList(text, n[:]) {
			return false, ended, false
		}
		ran = ran || n[0] > 0
		th.wait = max(th.wait, n[1])
		i++
	}
	return ran, ended, true
}

func (t *threads) ask(th *thread, buf []byte) ([]byte, error) {
	if th.file.open {
		return th.file.tryRead(buf)
	}
	file, err := tryOpen(t.folder.fd, strconv.Itoa(th.id)+"/schedstat", 0)
	if err != nil {
		return nil, err
	}
	if t.held < heldThreads {
		t.held++
		th.file = file
	} else {
		defer file.close()
	}
	return file.tryRead(buf)
}

// forget takes thread i out, and what it waited stays in the sum.
func (t *threads) forget(i int) {
	th := &t.known[i]
	t.gone += th.wait
	if th.file.open {
		th.file.close()
		t.held--
	}
	last := len(t.known) - 1
	t.known[i] = t.known[last]
	t.known = t.known[:last]
}

// list adds the threads that are not known yet.
func (t *threads) list(buf []byte) (ok bool) {
	return t.folder.each(buf, func(id int) bool {
		for i := range t.known {
			if t.known[i].id == id {
				return true
			}
		}
		if len(t.known) == cap(t.known) {
			return false
		}
		t.known = append(t.known, thread{id: id})
		return true
	})
}
