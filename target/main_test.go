package target

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"
)

// serveEnv makes the test binary a server of that kind for the benchmarks, so that server and client have a
// process each.
const serveEnv = "LOADRIG_TARGET_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		os.Exit(serveChild(Kind(os.Getenv(serveEnv))))
	}
	warmUp()
	before := descriptors()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if after := descriptors(); code == 0 && after > before {
			fmt.Fprintf(os.Stderr, "leaked descriptors: %d before, %d after\n", before, after)
			code = 1
		}
		os.Exit(code)
	}))
}

// warmUp makes Go's own poller open its descriptors.
func warmUp() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = ln.Close()
	}
}

// descriptors counts the open ones; 0 where the system does not tell.
func descriptors() int {
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(es)
}

// serveChild serves until its standard input ends.
func serveChild(k Kind) int {
	s, err := Listen(Options{Kind: k, Loops: 1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go s.Serve()
	fmt.Println(s.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = s.Close()
	return 0
}

// engines lists what this system can run.
var engines = map[string]makeEngine{"goroutine": newGoroutineEngine, "default": defaultEngine}

// onEngines runs a test once for each engine.
func onEngines(t *testing.T, f func(t *testing.T, mk makeEngine)) {
	for name, mk := range engines {
		t.Run(name, func(t *testing.T) { f(t, mk) })
	}
}

// start serves until the test ends.
func start(t testing.TB, mk makeEngine, o Options) *Server {
	t.Helper()
	s, err := listen(o, mk)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// patience is how long a test waits for what should happen at once.
const patience = 10 * time.Second

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// dialRaw opens a TCP connection that ends with the test.
func dialRaw(t testing.TB, s *Server) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// dial opens a WebSocket connection that ends with the test.
func dial(t testing.TB, s *Server) *net.TCPConn {
	t.Helper()
	c := dialRaw(t, s)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	br, _, err := ws.Dialer{}.Upgrade(c, u)
	if err != nil {
		t.Fatal(err)
	}
	if br != nil {
		t.Fatalf("%d bytes glued to the response", br.Buffered())
	}
	return c
}

var testMask = [4]byte{0x12, 0xf3, 0x00, 0x81}

// cf encodes a frame as a client sends it.
func cf(op ws.OpCode, fin bool, payload string) []byte {
	f := ws.MaskFrameWith(ws.NewFrame(op, fin, []byte(payload)), testMask)
	return encode(f)
}

// sf encodes a frame as a server sends it.
func sf(op ws.OpCode, payload string) []byte {
	return encode(ws.NewFrame(op, true, []byte(payload)))
}

// sclose encodes a server's close frame.
func sclose(code int, reason string) []byte {
	return sf(ws.OpClose, string([]byte{byte(code >> 8), byte(code)})+reason)
}

// cclose encodes a client's close frame.
func cclose(code int, reason string) []byte {
	return cf(ws.OpClose, true, string([]byte{byte(code >> 8), byte(code)})+reason)
}

func encode(f ws.Frame) []byte {
	var b bytes.Buffer
	ws.MustWriteFrame(&b, f)
	return b.Bytes()
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
