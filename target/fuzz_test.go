package target

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// FuzzFeed: however frames are cut, the answer is the same, and is itself a sequence of frames that a
// client may get from a server.
func FuzzFeed(f *testing.F) {
	for _, c := range wireCases {
		if len(c.in) < 1000 {
			f.Add(c.in, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		o := Options{MaxMessage: 1000}
		whole, cut := newSession(t, open, o), newSession(t, open, o)
		want := whole.feed(bytes.Clone(in), nil)
		got := feedIn(cut, in, int(size)+1)
		if !bytes.Equal(got, want) || cut.phase != whole.phase {
			t.Fatalf("cut by %d: got %x, phase %d; whole: %x, phase %d", int(size)+1, got, cut.phase, want, whole.phase)
		}
		a, b := whole.host.totals.snapshot(), cut.host.totals.snapshot()
		if a.Received != b.Received || a.Sent != b.Sent || a.ReceivedBytes != b.ReceivedBytes || a.Failed != b.Failed {
			t.Fatalf("cut: %+v; whole: %+v", b, a)
		}
		checkFrames(t, want, a)
	})
}

func checkFrames(t *testing.T, out []byte, st Stats) {
	t.Helper()
	var messages, size uint64
	r := bytes.NewReader(out)
	for {
		f, err := ws.ReadFrame(r)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ws.CheckHeader(f.Header, ws.StateClientSide)
		}
		if err != nil || !f.Header.Fin {
			t.Fatalf("bad answer: %v in %x", err, out)
		}
		switch f.Header.OpCode {
		case ws.OpText:
			if !utf8.Valid(f.Payload) {
				t.Fatalf("bad text echoed: %x", f.Payload)
			}
			fallthrough
		case ws.OpBinary:
			messages++
			size += uint64(len(f.Payload))
		case ws.OpClose:
			if r.Len() > 0 {
				t.Fatalf("%d bytes after the close frame", r.Len())
			}
		}
	}
	if messages != st.Sent || size != st.SentBytes {
		t.Fatalf("got %d messages of %d bytes, counted %d of %d", messages, size, st.Sent, st.SentBytes)
	}
}

// FuzzRequest: however a head is cut, the answer is the same; it is one HTTP response; and what is
// upgraded is a request that net/http reads the same way.
func FuzzRequest(f *testing.F) {
	for _, c := range handshakeCases {
		if len(c.in) < 1000 {
			f.Add(c.in, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole, cut := newSession(t, opening, handshakeOptions), newSession(t, opening, handshakeOptions)
		want := whole.feed(bytes.Clone(in), nil)
		got := feedIn(cut, in, int(size)+1)
		if !bytes.Equal(got, want) || cut.phase != whole.phase {
			t.Fatalf("cut by %d: got %q, phase %d; whole: %q, phase %d", int(size)+1, got, cut.phase, want, whole.phase)
		}
		if whole.phase == opening {
			if len(want) > 0 {
				t.Fatalf("answered half a request: %q", want)
			}
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(want)), nil)
		if err != nil {
			t.Fatalf("%v: %q", err, want)
		}
		_ = res.Body.Close()
		if res.StatusCode == 101 {
			checkUpgraded(t, in)
		}
	})
}

func checkUpgraded(t *testing.T, in []byte) {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
	if err != nil {
		return // it also judges URLs and hosts, which are nothing to an echo server
	}
	key, version := req.Header["Sec-Websocket-Key"], req.Header["Sec-Websocket-Version"]
	if req.Method != http.MethodGet || req.URL.EscapedPath() != "/echo" ||
		len(key) != 1 || len(key[0]) != 24 || len(version) != 1 || version[0] != "13" ||
		req.ContentLength > 0 || len(req.TransferEncoding) > 0 {
		t.Fatalf("upgraded: %q", in)
	}
}

// FuzzParseLaw: what is read is written in a way that is read as the same, and is drawn within its bounds.
func FuzzParseLaw(f *testing.F) {
	for _, text := range []string{"20ms", "uniform:10ms-50ms", "bimodal:10ms,100ms,10%", "pareto:10ms,1.5,max=5s", "pareto:1ns,1e-300", "uniform:-", "1s/10s"} {
		f.Add(text)
	}
	r := rand.New(rand.NewPCG(1, 1))
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseStall(text); err == nil {
			if again, err := ParseStall(s.String()); err != nil || again != s {
				t.Errorf("stall %q: got %v, then %v, %v", text, s, again, err)
			}
		}
		l, err := ParseLaw(text)
		if err != nil {
			return
		}
		if again, err := ParseLaw(l.String()); err != nil || again != l {
			t.Errorf("law %q: got %v, then %v, %v", text, l, again, err)
		}
		for range 20 {
			if d := l.Draw(r); d < 0 || d > MaxDelay {
				t.Errorf("law %q: drew %v", text, d)
			}
		}
	})
}
