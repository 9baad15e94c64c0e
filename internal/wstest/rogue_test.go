package wstest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestMain(m *testing.M) { Main(m) }

// clientFrame gives a client's frame, as it should be.
func clientFrame(op ws.OpCode, payload string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, []byte(payload))))
}

const request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// face plays a client that sends a request and then bytes, and ends TCP, in order or not; and gives what a
// Rogue makes of it.
func face(t *testing.T, request string, says []byte, reset bool) (said Said, err error) {
	t.Helper()
	result := make(chan error, 1)
	heard := make(chan struct{})
	srv := Serve(t, func(c net.Conn) {
		r := Face(c)
		defer r.Close()
		err := r.Meet()
		if err == nil {
			r.Answer(Accepted())
			r.Listen()
			r.await(func(s *Said) bool { // all that came before the end
				return s.over() || s.Closed || len(s.Frames) > 0
			})
			close(heard)
			r.AwaitEnd()
			said = r.Said()
		}
		result <- err
	})
	c, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, request)
	if _, err := io.ReadFull(c, make([]byte, len(Accepted().Bytes("")))); err == nil {
		_, _ = c.Write(says)
		if reset {
			<-heard
			Reset(c)
		}
	}
	_ = c.(*net.TCPConn).CloseWrite()
	return said, <-result
}

// TestRogueFinds: what no client may say is a fault, and what it may is kept.
func TestRogueFinds(t *testing.T) {
	bye := clientFrame(ws.OpClose, "\x03\xe8bye")
	long := append([]byte{0x82, 0xfe, 0, 1, 0, 0, 0, 0}, 'x')
	for _, c := range []struct {
		name    string
		request string
		says    []byte
		reset   bool
		frames  int
		code    int
		after   int64
		fault   string // a part of it
		end     End
	}{
		{name: "nothing", end: EndFIN},
		{name: "a message", says: clientFrame(ws.OpText, "hello"), frames: 1, end: EndFIN},
		{name: "a message, then a reset", says: clientFrame(ws.OpText, "hello"), reset: true, frames: 1, end: EndReset},
		{name: "close", says: bye, code: 1000, end: EndFIN},
		{name: "close without a code", says: clientFrame(ws.OpClose, ""), code: 1005, end: EndFIN},
		{name: "a pong behind the close frame", says: append(bye, clientFrame(ws.OpPong, "")...), code: 1000, after: 6, end: EndFIN},
		{name: "unmasked", says: Text("hello"), fault: "mask"},
		{name: "a reserved bit", says: append([]byte{0xc1}, clientFrame(ws.OpText, "x")[1:]...), fault: "rsv"},
		{name: "a length not in its shortest form", says: long, fault: "shortest"},
		{name: "text that is not utf-8", says: clientFrame(ws.OpText, "\xff"), fault: "utf-8"},
		{name: "close with 1 byte", says: clientFrame(ws.OpClose, "\x03"), fault: "close frame"},
		{name: "close with 1005", says: clientFrame(ws.OpClose, "\x03\xed"), fault: "1005"},
		{name: "half a header", says: clientFrame(ws.OpText, "hello")[:1], fault: "EOF"},
		{name: "half a frame", says: clientFrame(ws.OpText, "hello")[:8], fault: "EOF"},
		{name: "no version", request: strings.Replace(request, "Version: 13", "Version: 8", 1), fault: "Version"},
		{name: "a short key", request: strings.Replace(request, "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 1), fault: "Key"},
		{name: "a POST", request: strings.Replace(request, "GET", "POST", 1), fault: "POST"},
		{name: "no upgrade", request: strings.Replace(request, "Upgrade: websocket\r\n", "", 1), fault: "Upgrade"},
		{name: "no host", request: strings.Replace(request, "Host: a", "Host:", 1), fault: "Host"},
		{name: "a body", request: strings.Replace(request, "Host", "Content-Length: 1\r\nHost", 1), fault: "body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.request == "" {
				c.request = request
			}
			said, err := face(t, c.request, c.says, c.reset)
			if err != nil {
				t.Fatal(err)
			}
			if len(said.Frames) != c.frames || said.Closed != (c.code != 0) || said.Code != c.code || said.After != c.after {
				t.Errorf("got %d frames, close code %d, %d bytes behind it; want %d, %d, %d", len(said.Frames), said.Code, said.After, c.frames, c.code, c.after)
			}
			if c.fault == "" && (said.Fault != nil || said.End != c.end) {
				t.Errorf("got fault %v, end %s; want none and %s", said.Fault, said.End, c.end)
			}
			if c.fault != "" && (said.Fault == nil || !strings.Contains(said.Fault.Error(), c.fault)) {
				t.Errorf("got fault %v, want one of %q", said.Fault, c.fault)
			}
		})
	}
}

// A request that is none is told as an error.
func TestRogueNeedsARequest(t *testing.T) {
	if _, err := face(t, "nonsense\r\n\r\n", nil, false); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want that it is no request", err)
	}
}

// TestAnswer: changes are made to copies.
func TestAnswer(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	good := Accepted()
	changed := good.Start("HTTP/1.1 200 OK").Without("upgrade").Set("connection: close").With("X: {accept}").Behind(1, 2)
	want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	if got := string(good.Bytes(key)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want = "HTTP/1.1 200 OK\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nconnection: close\r\nX: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x01\x02"
	if got := string(changed.Bytes(key)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Refused("403 Forbidden", "X: y").Bytes(key); !bytes.Equal(got, []byte("HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n")) {
		t.Errorf("got %q", got)
	}
}

// TestFrames: headers of any form, and frames with a mask.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{Header(0x81, 7, 5), "\x81\x05"},
		{Header(0x81, 16, 5), "\x81\x7e\x00\x05"},
		{Header(0x81, 64, 1<<63|5), "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x05"},
		{Masked(0x81, []byte("\x01\x02\x03\x04\x05")), "\x81\x85\x01\x02\x03\x04\x00\x00\x00\x00\x04"},
		{Text("hi"), "\x81\x02hi"},
		{Close(1000, "x"), "\x88\x03\x03\xe8x"},
	} {
		if string(c.got) != c.want {
			t.Errorf("got % x, want % x", c.got, c.want)
		}
	}
}
