package target

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/google/go-cmp/cmp"
)

// say sends a text.
func say(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if err := wsutil.WriteClientText(c, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hear reads the next message.
func hear(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := wsutil.ReadServerText(c)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(b)
}

// ask sends a text and wants an answer.
func ask(t testing.TB, c net.Conn, text, want string) {
	t.Helper()
	say(t, c, text)
	wants(t, c, want)
}

func wants(t testing.TB, c net.Conn, want string) {
	t.Helper()
	if got := hear(t, c); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// closed reads messages until a close frame, and gives its code and reason and how many messages there were.
func closed(t testing.TB, c net.Conn) (code ws.StatusCode, reason string, messages int) {
	t.Helper()
	for ; ; messages++ {
		_, err := wsutil.ReadServerText(c)
		var end wsutil.ClosedError
		switch {
		case errors.As(err, &end):
			return end.Code, end.Reason, messages
		case err != nil:
			t.Fatalf("got %v, want a close frame", err)
		}
	}
}

// counts wants what change sets; the rest may be anything.
func counts(t testing.TB, s *Server, change func(*Stats)) {
	t.Helper()
	var got, want Stats
	// What a client does last is counted when the server has seen it.
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got = s.Stats()
		want = got
		change(&want)
		d := cmp.Diff(want, got)
		if d == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("stats (-want +got):\n%s", d)
		}
	}
}

// mute is a line that keeps what is pushed.
type mute struct{ frames [][]byte }

func (m *mute) push(frame []byte) bool {
	m.frames = append(m.frames, frame)
	return true
}

func (m *mute) answer(frame []byte) { m.push(bytes.Clone(frame)) }

// desk is a host whose sessions have no sockets. What is posted to it waits for deliver.
type desk struct {
	*host
	posted []delivery
}

func newDesk(t testing.TB, o Options, all *totals) *desk {
	t.Helper()
	o, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	if all.shared == (shared{}) {
		if all.shared, err = newShared(&o); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{host: newHost(&o, all)}
	d.post = func(x delivery) bool {
		d.posted = append(d.posted, x)
		return true
	}
	return d
}

// sit makes an open session.
func (d *desk) sit() (*session, *mute) {
	m := &mute{}
	s := &session{host: d.host, phase: open, counted: true}
	s.guest = &guest{session: s, line: m}
	d.totals.opened()
	return s, m
}

func (d *desk) deliverAll() {
	for len(d.posted) > 0 {
		ds := d.posted
		d.posted = nil
		d.deliver(ds)
	}
}

// texts gives the payloads of frames, each of which must be JSON.
func texts(t testing.TB, frames []byte) (all []string) {
	t.Helper()
	for len(frames) > 0 {
		h, n, err := parseHeader(frames)
		if err != nil || n == 0 || h.Masked || !h.Fin || int64(len(frames)-n) < h.Length {
			t.Fatalf("bad frame: %v in %x", err, frames)
		}
		p := frames[n : n+int(h.Length)]
		if h.OpCode == ws.OpText && !json.Valid(p) {
			t.Fatalf("got %q, want JSON", p)
		}
		all = append(all, string(p))
		frames = frames[n+int(h.Length):]
	}
	return all
}
