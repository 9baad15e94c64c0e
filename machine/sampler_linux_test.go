package machine

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openMany opens up to n descriptors, or as many as there may be, and gives how many it got.
func openMany(t testing.TB, n int) int {
	t.Helper()
	var fds []int
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	})
	first, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for fds = append(fds, first); len(fds) < n; {
		fd, err := unix.FcntlInt(uintptr(first), unix.F_DUPFD_CLOEXEC, 0)
		if err == unix.EMFILE {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	return len(fds)
}

// burn uses that much CPU time.
func burn(t testing.TB, d time.Duration) {
	t.Helper()
	used := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	for end := used() + d; used() < end; {
	}
}

// TestSampleLive: what this process does shows.
func TestSampleLive(t *testing.T) {
	s := NewSampler()
	defer s.Close()
	var a, b Usage
	s.Sample(&a)
	if want := FactCPU | FactSwitches | FactResident | FactFiles | FactHostCPU | FactSockets | FactPorts; !a.Known.Has(want) {
		t.Fatalf("known: got %v; absent: %v", a.Known, a.Known.Absent())
	}
	burn(t, 200*time.Millisecond)
	opened := openMany(t, 1000)
	s.Sample(&b)
	i := b.Since(&a)
	if spent := b.CPU - a.CPU; spent < 200*time.Millisecond || i.Cores <= 0 || i.HostBusy <= 0 {
		t.Errorf("after 200 ms of CPU time: got %v, %+v", spent, i)
	}
	if more := b.Files - a.Files; opened != 1000 || more < 990 || more > 1010 {
		t.Errorf("after opening %d: got %d more, want 1000", opened, more)
	}
	if b.Resident < 1<<20 || b.Threads < 1 || b.CPUs <= 0 || b.CPUs > float64(runtime.NumCPU()) || b.Ports < 1 {
		t.Errorf("got %+v", b)
	}
	if l := Read(); b.FileLimit != l.Files || b.Ports != l.Ports() {
		t.Errorf("got %d files, %d ports, want %d, %d as the limits", b.FileLimit, b.Ports, l.Files, l.Ports())
	}
}

// TestSampleThreads: threads that come and go are counted, and the waiting of those that went stays counted.
func TestSampleThreads(t *testing.T) {
	s := NewSampler()
	defer s.Close()
	var u Usage
	s.Sample(&u)
	if !u.Known.Has(FactRunQueue) {
		t.Skip("this kernel counts no waiting for a core")
	}
	before, wait := u.Threads, u.RunQueue
	ready, leave, left := make(chan bool), make(chan bool), make(chan bool)
	const n = heldThreads + 10 // so that not all have a file kept open
	for range n {
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			ready <- true
			<-leave
			left <- true
		}()
	}
	for range n {
		<-ready
	}
	s.Sample(&u)
	if u.Threads < n || u.Threads < before || u.RunQueue < wait {
		t.Errorf("got %d threads that waited %v, want %d and more that waited %v", u.Threads, u.RunQueue, n, wait)
	}
	if held := s.kernel.threads.held; held != heldThreads {
		t.Errorf("got %d files held, want %d", held, heldThreads)
	}
	close(leave)
	for range n {
		<-left
	}
	for most := u.Threads; u.Threads > most-n/2; runtime.Gosched() { // until the kernel has them gone
		wait = u.RunQueue
		s.Sample(&u)
		if !u.Known.Has(FactRunQueue) || u.RunQueue < wait {
			t.Fatalf("got %v, %v, want %v or more", u.Known, u.RunQueue, wait)
		}
	}
	open := 0
	for _, th := range s.kernel.threads.known {
		if th.file.open {
			open++
		}
	}
	if held := s.kernel.threads.held; held != open || open > heldThreads {
		t.Errorf("after the end of %d threads: got %d files held, of %d open", n, held, open)
	}
}

// TestFolderListed: a folder that does not tell how many entries it has is listed. /proc/self/fdinfo, which has an
// entry for each descriptor, is one on all kernels; /proc/self/fd is one before Linux 6.2.
func TestFolderListed(t *testing.T) {
	var buf [4096]byte
	told, listed := openFolder("/proc/self/fd"), openFolder("/proc/self/fdinfo")
	defer told.close()
	defer listed.close()
	want, _ := told.size(buf[:])
	if got, ok := listed.size(buf[:]); !ok || !listed.proc || got != want || want < 2 {
		t.Errorf("got %d, %v, want %d", got, ok, want)
	}
	if openMany(t, maxListed) < maxListed {
		t.Skip("there may not be as many descriptors as are not counted any more")
	}
	if got, ok := listed.size(buf[:]); ok {
		t.Errorf("more than %d: got %d, want not known", maxListed, got)
	}
}

// TestSampleWithoutDescriptors: a process that has used up its descriptors still knows all that it knew.
func TestSampleWithoutDescriptors(t *testing.T) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	low := l
	low.Cur = min(l.Cur, 2048)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) })
	s := NewSampler()
	defer s.Close()
	var a, b Usage
	s.Sample(&a)
	openMany(t, math.MaxInt32)
	if _, err := os.Open("/dev/null"); err == nil {
		t.Fatal("there is a descriptor left")
	}
	s.Sample(&b)
	lost := a.Known &^ b.Known
	if alive, ok := s.kernel.threads.folder.links(); ok && alive != a.Threads {
		lost &^= FactRunQueue // of a thread that began in between: its file cannot be opened
	}
	if lost != 0 {
		t.Errorf("without descriptors, no longer known: %v", lost)
	}
	if b.Files < b.FileLimit-1 {
		t.Errorf("got %d of %d descriptors in use, want all", b.Files, b.FileLimit)
	}
}

// fixture writes a root of its own for a sampler, and gives it with what it reads there.
func fixture(t testing.TB, files map[string]string) (*kernel, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	k := new(kernel)
	k.openIn(dir)
	t.Cleanup(k.close)
	return k, dir
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	v2Group = "sys/fs/cgroup/rig.service/"
	v2Stat  = "usage_usec 9\nuser_usec 5\nnr_periods 100\nnr_throttled 10\nthrottled_usec 5000\nnr_bursts 0\n"
)

func wholeFixture() map[string]string {
	return map[string]string{
		"proc/self/statm":                       "1000 200 30 1 0 5 0\n",
		"proc/self/fd/0":                        "",
		"proc/self/fd/1":                        "",
		"proc/self/fd/19999":                    "",
		"proc/self/task/100/schedstat":          "5000 300 7\n",
		"proc/self/task/101/schedstat":          "1 40 1\n",
		"proc/stat":                             "cpu  100 20 30 400 50 6 7 80 9 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nintr 5\n",
		"proc/pressure/cpu":                     "some avg10=1.15 avg60=0.66 avg300=8.00 total=5154\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n",
		"proc/net/sockstat":                     "sockets: used 12\nTCP: inuse 7 orphan 0 tw 31 alloc 9 mem 2\nUDP: inuse 1 mem 0\n",
		"proc/net/sockstat6":                    "TCP6: inuse 3\nUDP6: inuse 0\n",
		"proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
		"proc/self/cgroup":                      "0::/rig.service\n",
		"proc/self/mountinfo":                   mountsV2,
		v2Group + "cpu.stat":                    v2Stat,
		v2Group + "cpu.max":                     "50000 100000\n",
	}
}

// ofKernel are the facts that come from files.
const ofKernel = FactRunQueue | FactResident | FactFiles | FactHostCPU | FactCPUs | FactThrottling | FactPressure | FactSockets | FactPorts

func TestSampleFixture(t *testing.T) {
	k, dir := fixture(t, wholeFixture())
	var u Usage
	k.sample(&u)
	page := int64(os.Getpagesize())
	if u.Known&ofKernel != ofKernel {
		t.Errorf("absent: %v", u.Known.Absent())
	}
	ms := time.Millisecond
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"resident, of 200 pages", u.Resident, 200 * page},
		{"files", u.Files, 3},
		{"run queue, 300 + 40", u.RunQueue, 340 * time.Nanosecond},
		{"threads", u.Threads, 2},
		{"busy, (100+20+30+6+7) × 10 ms", u.HostBusy, 1630 * ms},
		{"idle", u.HostIdle, 4000 * ms},
		{"iowait", u.HostIOWait, 500 * ms},
		{"steal", u.HostSteal, 800 * ms},
		{"pressure", u.Pressure, 5154 * time.Microsecond},
		{"sockets, 7 + 3", u.Sockets, 10},
		{"time wait", u.TimeWait, 31},
		{"ports", u.Ports, 28232},
		{"cpus", u.CPUs, .5},
		{"periods, of the first sample", u.Periods, int64(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
	write(t, filepath.Join(dir, v2Group, "cpu.stat"), "nr_periods 120\nnr_throttled 15\nthrottled_usec 9000\n")
	write(t, filepath.Join(dir, "proc/self/task/100/schedstat"), "6000 500 8\n")
	if err := os.RemoveAll(filepath.Join(dir, "proc/self/task/101")); err != nil {
		t.Fatal(err)
	}
	k.sample(&u)
	if u.Periods != 20 || u.ThrottledPeriods != 5 || u.Throttled != 4*ms {
		t.Errorf("throttling: got %d periods, %d of them, %v, want 20, 5, 4ms", u.Periods, u.ThrottledPeriods, u.Throttled)
	}
	if u.RunQueue != 540 {
		t.Errorf("run queue: got %v, want 500 and 40 of a thread that may have ended", u.RunQueue)
	}
}

// TestSampleGroups: of nested groups the least quota counts, and the throttling of that which is stopped most.
func TestSampleGroups(t *testing.T) {
	const v1 = "sys/fs/cgroup/cpu,cpuacct/"
	for _, c := range []struct {
		name          string
		first, second map[string]string
		cpus          float64
		want          throttle
		absent        Fact
	}{
		{
			name: "version 2, the group around it has less",
			first: map[string]string{
				"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": mountsV2,
				"sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/b/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
				"sys/fs/cgroup/a/cpu.max": "25000 100000\n", "sys/fs/cgroup/a/cpu.stat": "nr_periods 5\nnr_throttled 5\nthrottled_usec 1000\n",
				"sys/fs/cgroup/cpu.stat": "usage_usec 5\n", // the root has no quota
			},
			second: map[string]string{"sys/fs/cgroup/a/cpu.stat": "nr_periods 15\nnr_throttled 9\nthrottled_usec 3000\n"},
			cpus:   .25, want: throttle{10, 4, 2e6},
		},
		{
			name: "version 1",
			first: map[string]string{
				"proc/self/cgroup": "4:cpu,cpuacct:/a\n", "proc/self/mountinfo": mountsV1,
				v1 + "a/cpu.cfs_quota_us": "75000\n", v1 + "a/cpu.cfs_period_us": "100000\n", v1 + "a/cpu.stat": "nr_periods 1\nnr_throttled 1\nthrottled_time 7\n",
				v1 + "cpu.cfs_quota_us": "-1\n", v1 + "cpu.cfs_period_us": "100000\n", v1 + "cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
			},
			second: map[string]string{v1 + "a/cpu.stat": "nr_periods 3\nnr_throttled 2\nthrottled_time 12\n"},
			cpus:   .75, want: throttle{2, 1, 5},
		},
		{
			name: "a quota that cannot be read, and no throttling told",
			first: map[string]string{
				"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountsV2, "sys/fs/cgroup/cpu.max": "500", "sys/fs/cgroup/cpu.stat": "usage_usec 5\n",
			},
			absent: FactCPUs | FactThrottling,
		},
	} {
		k, dir := fixture(t, c.first)
		var u Usage
		k.sample(&u)
		for name, text := range c.second {
			write(t, filepath.Join(dir, name), text)
		}
		u = Usage{}
		k.sample(&u)
		got := throttle{u.Periods, u.ThrottledPeriods, int64(u.Throttled)}
		if u.CPUs != c.cpus || got != c.want || u.Known&(FactCPUs|FactThrottling) != (FactCPUs|FactThrottling)&^c.absent {
			t.Errorf("%s: got %v cpus, %+v, known %v, want %v, %+v", c.name, u.CPUs, got, u.Known, c.cpus, c.want)
		}
	}
}

// TestSampleNonsense: a file that is absent, empty, torn or garbage makes its fact absent, and no other.
func TestSampleNonsense(t *testing.T) {
	for _, c := range []struct {
		file string
		bad  []string // beside nothing and an empty one
		fact Fact
	}{
		{"proc/self/statm", []string{"1000 20", "1000", "1000 200kB 3\n", "-1 5 \n", "1 99999999999999999999 1\n", "1 9223372036854775807 1\n"}, FactResident},
		{"proc/self/task/100/schedstat", []string{"5000 30", "5000\n", "a b c\n"}, FactRunQueue},
		{"proc/stat", []string{"cpu  100 20 30 400 50 6 7 8", "cpu  1 2 3\ncpu0 1 2 3 4 5 6 7 8 9\n", "cpu0 1 2 3 4 5 6 7 8 9\n", "cpu  1 2 3 x 5 6 7 8 9\n", "cpu  9223372036854775807 2 3 4 5 6 7 8 9\n"}, FactHostCPU},
		{"proc/pressure/cpu", []string{"some avg10=1.15 total=51", "some avg10=1.15\n", "full avg10=0.00 total=9\n", "some total=\n", "some total=9223372036854775807\n"}, FactPressure},
		{"proc/net/sockstat", []string{"TCP: inuse 7 orphan 0 tw 3", "TCP: inuse 7\n", "TCP: tw 7\n", "UDP: inuse 7 tw 1\n", "TCP: inuse x tw 1\n", "TCP: inuse tw 1\n"}, FactSockets},
		{v2Group + "cpu.stat", []string{"nr_periods 100\nnr_throttled 10\nthrottled_usec 5", "nr_periods 100\n", "nr_periods many\nnr_throttled 1\nthrottled_usec 1\n"}, FactThrottling},
		{v2Group + "cpu.max", []string{"50000 1000", "50000", "ma", "x 100000\n", "50000 0\n"}, FactCPUs},
		{"proc/sys/net/ipv4/ip_local_port_range", []string{"60999 32768\n", "x\n"}, FactPorts},
	} {
		for i, text := range append([]string{"absent", ""}, c.bad...) {
			files := wholeFixture()
			if files[c.file] = text; i == 0 {
				delete(files, c.file)
			}
			k, _ := fixture(t, files)
			var u Usage
			k.sample(&u)
			want := ofKernel &^ c.fact
			if i == 0 && (c.file == v2Group+"cpu.max" || c.file == "proc/self/task/100/schedstat") {
				want = ofKernel // no quota; a thread that has ended
			}
			if u.Known&ofKernel != want {
				t.Errorf("%s %q: known %v, want %v", c.file, text, u.Known&ofKernel, want)
			}
		}
	}
	k, _ := fixture(t, nil)
	var u Usage
	k.sample(&u)
	if got := u.Known & ofKernel; got != FactCPUs { // of the affinity, which is no file
		t.Errorf("no files: known %v, want the usable cpus", got)
	}
	files := wholeFixture()
	files["proc/self/task/100/schedstat"], files["proc/self/task/101/schedstat"] = "0 0 0\n", "0 0 0\n"
	k, _ = fixture(t, files)
	u = Usage{}
	if k.sample(&u); u.Known.Has(FactRunQueue) {
		t.Error("a kernel that does not count: the run queue is known")
	}
}

// FuzzFigures: no text of the kernel's makes the parsers fail, or give what is negative.
func FuzzFigures(f *testing.F) {
	for _, text := range wholeFixture() {
		f.Add([]byte(text))
	}
	f.Add([]byte("cpu  9223372036854775807 9223372036854775808 -1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"cpu ", "some ", "TCP: ", "nr_periods "} {
			l, ok := line(text, name)
			if ok && len(l)+len(name) > len(text) {
				t.Errorf("line %q: got %d bytes of %d", name, len(l), len(text))
			}
			var n [8]int64
			if figureList(l, n[:]) {
				for _, n := range n {
					if n < 0 {
						t.Errorf("got %d of %q", n, l)
					}
				}
			}
			for _, word := range []string{"inuse", "tw", "total="} {
				if n, ok := named(l, word); n < 0 || !ok && n != 0 {
					t.Errorf("%s: got %d, %v of %q", word, n, ok, l)
				}
			}
		}
		for b := text; len(b) > 0; {
			name, rest, ok := dirent(b)
			if !ok {
				break
			}
			if len(rest) >= len(b) {
				t.Fatalf("dirent takes nothing of %q", b)
			}
			if n, ok := whole(name); ok && n < 0 {
				t.Errorf("got %d of %q", n, name)
			}
			b = rest
		}
	})
}

// BenchmarkSample: what a sample costs, also with as many descriptors open as this process may have.
func BenchmarkSample(b *testing.B) {
	for _, files := range []int{0, 19900} {
		name := "few descriptors"
		if files > 0 {
			name = "20,000 descriptors"
		}
		b.Run(name, func(b *testing.B) {
			s := NewSampler()
			defer s.Close()
			if files > 0 {
				openMany(b, files)
			}
			var u Usage
			b.ReportAllocs()
			for b.Loop() {
				s.Sample(&u)
			}
			b.ReportMetric(float64(u.Files), "files")
			b.ReportMetric(float64(u.Threads), "threads")
		})
	}
}

// BenchmarkListing: what counting descriptors costs before Linux 6.2, against asking for their number.
func BenchmarkListing(b *testing.B) {
	openMany(b, 19900)
	var buf [4096]byte
	for _, proc := range []bool{true, false} {
		name := map[bool]string{true: "asked", false: "listed"}[proc]
		b.Run(name, func(b *testing.B) {
			f := openFolder("/proc/self/fd")
			defer f.close()
			f.proc = proc
			for b.Loop() {
				if _, ok := f.size(buf[:]); !ok {
					b.Fatal("not known")
				}
			}
		})
	}
}
