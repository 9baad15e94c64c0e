package actors

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// commands has one of each kind, all of which are in order.
func commands(url string) []messages.Command {
	return []messages.Command{
		&messages.Connect{URL: url}, &messages.Reconnect{}, &messages.Disconnect{},
		text("x"), &messages.SendBinary{Payload: []byte{0xff}}, &messages.SendJSON{Object: []byte(`{"a":1}`)}, &messages.Ping{},
	}
}

// TestCommands gives every command in every state; what is accepted and what is refused is the table's,
// and a refusal says so in its error and in its event.
func TestCommands(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		silent, echo := mute(t), wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		reach := map[messages.State]func(id messages.ConnID){
			messages.Idle:       func(messages.ConnID) {},
			messages.Connecting: func(id messages.ConnID) { f.must(t, id, &messages.Connect{URL: silent.URL()}) },
			messages.Connected:  func(id messages.ConnID) { f.connect(t, id, echo.URL()) },
			messages.Disconnected: func(id messages.ConnID) {
				f.connect(t, id, echo.URL())
				f.must(t, id, &messages.Disconnect{})
				f.ev.state(t, id, messages.Disconnected)
			},
		}
		for _, st := range messages.States() {
			for _, cmd := range commands(echo.URL()) {
				id := f.open(t, nil)
				reach[st](id)
				want := messages.Next(st, cmd.Kind().Input())
				err := f.do(t, id, cmd)
				if want.Err == nil {
					if err != nil {
						t.Errorf("%s in %s: got %v, want it accepted", cmd.Kind(), st, err)
					}
					if want.To != st {
						f.ev.state(t, id, want.To)
					}
					continue
				}
				var refused *messages.RefusedError
				if !errors.As(err, &refused) || !errors.Is(err, want.Err) || refused.Command != cmd.Kind() || refused.State != st {
					t.Errorf("%s in %s: got %v, want it refused: %v", cmd.Kind(), st, err, want.Err)
				}
				ev := await(t, f.ev, "refusal", func(m messages.Refused) bool { return m.ID == id })
				if ev.Command != cmd.Kind() || ev.State != st || !errors.Is(ev.Err, want.Err) {
					t.Errorf("%s in %s: got the event %+v", cmd.Kind(), st, ev)
				}
			}
		}
	})
}

// TestClosing: while the closing handshake is under way the state is Connected, and nothing may be sent.
func TestClosing(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		release := make(chan struct{})
		got := make(chan error, 1)
		srv := wstest.Serve(t, func(c net.Conn) {
			if p, err := wstest.Upgrade(c); err == nil {
				_, _, err = p.AwaitClose()
				got <- err
				<-release
			}
		})
		f := start(t, o)
		id := f.open(t, nil)
		f.connect(t, id, srv.URL())
		f.must(t, id, &messages.Disconnect{Code: 4000, Reason: "enough"})
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		for _, cmd := range commands(srv.URL()) {
			want := messages.ErrClosing
			if in := cmd.Kind().Input(); in == messages.InputConnect || in == messages.InputReconnect {
				want = messages.Next(messages.Connected, in).Err
			}
			var refused *messages.RefusedError
			if err := f.do(t, id, cmd); !errors.Is(err, want) || !errors.As(err, &refused) || refused.State != messages.Connected {
				t.Errorf("%s: got %v, want %v in connected", cmd.Kind(), err, want)
			}
		}
		close(release)
		if end := f.ev.end(t, id); end.Cause != messages.CauseLocal || end.Clean || end.Code != 4000 || !end.Opened {
			t.Errorf("got %+v, want local, not clean, 4000", end)
		}
	})
}

// TestRefusals: what is refused for what it says, in a state that would take it.
func TestRefusals(t *testing.T) {
	echo := wstest.Serve(t, wstest.Echo)
	f := start(t, Options{})
	id := f.open(t, nil)
	for _, c := range []struct {
		cmd  messages.Command
		want error
	}{
		{&messages.Connect{URL: "http://x/"}, messages.ErrBadURL},
		{&messages.Connect{URL: "ws://"}, messages.ErrBadURL},
		{&messages.Connect{URL: "ws://u:p@x/"}, messages.ErrBadURL},
		{&messages.Connect{URL: "ws://x/#f"}, messages.ErrBadURL},
		{&messages.Connect{URL: "ws://x:0/"}, messages.ErrBadURL},
		{&messages.Connect{URL: echo.URL(), Headers: http.Header{"Upgrade": {"h2c"}}}, messages.ErrBadHeader},
		{&messages.Connect{URL: echo.URL(), Subprotocols: []string{"a b"}}, messages.ErrBadHeader},
	} {
		if err := f.do(t, id, c.cmd); !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v, want %v", c.cmd, err, c.want)
		}
	}
	if err := f.do(t, id, &messages.Reconnect{}); !errors.Is(err, messages.ErrNeverConnected) {
		t.Errorf("reconnect after Connects that were refused: got %v, want ErrNeverConnected", err)
	}
	f.connect(t, id, echo.URL())
	for _, c := range []struct {
		cmd  messages.Command
		want error
	}{
		{&messages.SendJSON{Object: []byte(`[1]`)}, messages.ErrNotObject},
		{&messages.SendJSON{Object: []byte(`"text"`)}, messages.ErrNotObject},
		{&messages.SendJSON{Object: []byte(`{"a":}`)}, messages.ErrNotObject},
		{&messages.SendJSON{Object: []byte(`{} {}`)}, messages.ErrNotObject},
		{&messages.SendJSON{}, messages.ErrNotObject},
		{&messages.SendJSON{Object: []byte("{\"a\":\"\xff\"}")}, messages.ErrNotUTF8},
		{text("a\xc3"), messages.ErrNotUTF8},
		{&messages.Ping{Payload: make([]byte, 126)}, messages.ErrTooLong},
		{&messages.Disconnect{Code: messages.CloseAbnormal}, messages.ErrCloseCode},
		{&messages.Disconnect{Code: messages.CloseServiceRestart}, messages.ErrCloseCode},
		{&messages.Disconnect{Code: 5000}, messages.ErrCloseCode},
		{&messages.Disconnect{Reason: strings.Repeat("x", 124)}, messages.ErrTooLong},
		{&messages.Disconnect{Reason: "\xff"}, messages.ErrNotUTF8},
	} {
		var refused *messages.RefusedError
		if err := f.do(t, id, c.cmd); !errors.Is(err, c.want) || !errors.As(err, &refused) || refused.State != messages.Connected {
			t.Errorf("%+v: got %v, want %v", c.cmd, err, c.want)
		}
	}
	if err := f.do(t, id, text("still open")); err != nil {
		end := f.ev.end(t, id)
		t.Fatalf("%v after %+v", err, end)
	}
	f.ev.message(t, id, messages.OpText, "still open")
	for _, bad := range []messages.ConnID{0, messages.NewConnID(99, 0, 0), messages.NewConnID(0, 4711, 0), messages.NewConnID(id.Shard(), id.Slot(), 1)} {
		if err := f.do(t, bad, &messages.Reconnect{}); !errors.Is(err, messages.ErrUnknownID) {
			t.Errorf("%s, which was never given: got %v, want ErrUnknownID", bad, err)
		}
	}
	for _, bad := range []messages.ConnID{0, messages.NewConnID(99, 0, 0)} {
		if err := f.Tell(bad, &messages.Reconnect{}); !errors.Is(err, messages.ErrUnknownID) {
			t.Errorf("tell %s: got %v, want ErrUnknownID", bad, err)
		}
	}
	if f.do(t, id, nil) == nil || f.Tell(id, nil) == nil || f.TellAll(nil) == nil {
		t.Error("no command was accepted")
	}
}

// stray is a command that the vocabulary does not have.
type stray struct{}

func (stray) Kind() messages.CommandKind { return messages.KindConnect }

func TestStrayCommand(t *testing.T) {
	f := start(t, Options{})
	id := f.open(t, nil)
	var refused *messages.RefusedError
	if err := f.do(t, id, stray{}); !errors.As(err, &refused) {
		t.Errorf("got %v, want it refused", err)
	}
}

// TestMessages: what goes out comes back, with its kind.
func TestMessages(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		echo := wstest.Serve(t, wstest.Echo)
		f := start(t, o)
		id := f.open(t, nil)
		f.connect(t, id, echo.URL())
		for _, c := range []struct {
			cmd     messages.Command
			op      messages.Op
			payload string
		}{
			{text("héllo"), messages.OpText, "héllo"},
			{&messages.SendBinary{Payload: []byte{0, 0xff}}, messages.OpBinary, "\x00\xff"},
			{&messages.SendJSON{Object: []byte(` {"a":[1]}`)}, messages.OpText, ` {"a":[1]}`},
			{&messages.Ping{Payload: []byte("are you there")}, messages.OpPong, "are you there"},
			{text(""), messages.OpText, ""},
		} {
			f.must(t, id, c.cmd)
			f.ev.message(t, id, c.op, c.payload)
		}
	})
}

// TestReplace: a Connect in Disconnected replaces the parameters, which a Reconnect then uses.
func TestReplace(t *testing.T) {
	asked := make(chan string, 10)
	srv := wstest.Serve(t, func(c net.Conn) {
		if r, err := wstest.Accept(c); err == nil {
			asked <- r.URL.Path + " " + r.Header.Get("X-Player")
			_ = wstest.EchoFrames(c)
		}
	})
	f := start(t, Options{})
	id := f.open(t, nil)
	for i, cmd := range []messages.Command{
		&messages.Connect{URL: srv.URL() + "a", Headers: http.Header{"X-Player": {"one"}}},
		&messages.Reconnect{},
		&messages.Connect{URL: srv.URL() + "b"},
		&messages.Reconnect{},
	} {
		f.must(t, id, cmd)
		f.ev.state(t, id, messages.Connected)
		want := [...]string{"/a one", "/a one", "/b ", "/b "}[i]
		if got := <-asked; got != want {
			t.Errorf("%s: got %q, want %q", cmd.Kind(), got, want)
		}
		f.must(t, id, &messages.Disconnect{})
		f.ev.state(t, id, messages.Disconnected)
	}
	// One that is refused replaces nothing.
	if err := f.do(t, id, &messages.Connect{URL: "ftp://x"}); err == nil {
		t.Error("ftp was accepted")
	}
	f.must(t, id, &messages.Reconnect{})
	if got := <-asked; got != "/b " {
		t.Errorf("got %q, want /b", got)
	}
}

// TestCancel: Disconnect while Connecting ends the attempt at once, in whatever phase.
func TestCancel(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		silent := mute(t)
		f := start(t, o)
		for name, cmd := range map[string]*messages.Connect{
			"upgrade": {URL: silent.URL()},
			"auth":    {URL: silent.URL(), Auth: stuck{}},
		} {
			id := f.open(t, nil)
			f.must(t, id, cmd)
			if err := f.do(t, id, &messages.Disconnect{Code: 5000}); !errors.Is(err, messages.ErrCloseCode) {
				t.Errorf("%s: a bad code: got %v, want ErrCloseCode", name, err)
			}
			f.must(t, id, &messages.Disconnect{})
			end := f.ev.end(t, id)
			if end.Cause != messages.CauseLocal || end.Opened || end.Code != messages.CloseAbnormal || end.Clean {
				t.Errorf("%s: got %+v, want local, never opened", name, end)
			}
		}
	})
}

// stuck is an Authorizer that gives nothing for as long as it may.
type stuck struct{}

func (stuck) HandshakeHeaders(ctx context.Context) (http.Header, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestDisconnect: the peer gets the code and the reason, and its answer makes the end a clean one.
func TestDisconnect(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		got := make(chan string, 1)
		srv := wstest.Serve(t, func(c net.Conn) {
			p, err := wstest.Upgrade(c)
			if err != nil {
				return
			}
			_, f, err := p.AwaitClose()
			if err != nil {
				got <- err.Error()
				return
			}
			got <- messages.CloseCode(wstest.CloseCode(f)).String() + " " + string(f.Payload[2:])
			_, _ = p.Write(wstest.Close(wstest.CloseCode(f), ""))
		})
		f := start(t, o)
		id := f.open(t, nil)
		longest := strings.Repeat("é", 61) + "!" // 2 × 61 + 1 = 123
		for _, c := range []struct {
			cmd  messages.Disconnect
			code messages.CloseCode
		}{
			{messages.Disconnect{}, messages.CloseNormal},
			{messages.Disconnect{Code: 4999, Reason: longest}, 4999},
			{messages.Disconnect{Reason: "bye"}, messages.CloseNormal},
		} {
			f.connect(t, id, srv.URL())
			f.must(t, id, &c.cmd)
			if got, want := <-got, c.code.String()+" "+c.cmd.Reason; got != want {
				t.Errorf("the peer got %q, want %q", got, want)
			}
			if end := f.ev.end(t, id); end.Cause != messages.CauseLocal || !end.Clean || end.Code != c.code || end.Err != nil {
				t.Errorf("got %+v, want local, clean, %s", end, c.code)
			}
		}
	})
}
