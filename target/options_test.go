package target

import (
	"strings"
	"testing"
	"time"
)

func TestOptionsMistakes(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string // all of the error after "target: options: "
	}{
		{Options{Addr: "nowhere"}, `addr: got "nowhere", want host:port`},
		{Options{Path: "echo"}, `path: got "echo", want a path like /echo`},
		{Options{Path: "/echo?x"}, `path: got "/echo?x", want a path like /echo`},
		{Options{Subprotocols: []string{"a b"}}, `subprotocols: got "a b", want a token (RFC 6455 §4.1)`},
		{Options{Subprotocols: []string{"a", "a"}}, `subprotocols: "a" twice`},
		{Options{Kind: "rom"}, `kind: got "rom", want echo, room, tick or json-auth`},
		{Options{Kind: Tick, TickRate: -1}, "tick rate: got -1 a second, want 0 to 1000"},
		{Options{Kind: Tick, TickRate: 1001}, "tick rate: got 1001 a second, want 0 to 1000"},
		{Options{TickRate: 5}, "tick rate: got 5 for kind echo, want none; it is for tick"},
		{Options{Kind: Room, LoseEvery: -1}, "lose every: got -1 messages, want 0 or more"},
		{Options{ReorderEvery: 2}, "reorder every: got 2 for kind echo, want none; it is for room"},
		{Options{CorruptEvery: -1}, "corrupt every: got -1 messages, want 0 or more"},
		{Options{Kind: Tick, CorruptEvery: 2}, "corrupt every: got 2 for kind tick, want none; it is for echo, room and json-auth"},
		{Options{Kind: JSONAuth}, "jwks: got none, want a file or the JSON; kind json-auth needs it"},
		{Options{Kind: Room, Issuer: "x"}, "jwks, issuer, audience: got some for kind room, want none; they are for json-auth"},
		{Options{MaxMessage: -1}, "max message: got -1 bytes, want 0 or more"},
		{Options{MaxBacklog: -1}, "max backlog: got -1 bytes, want 0 or more"},
		{Options{Loops: -1}, "loops: got -1, want 0 or more"},
		{Options{HandshakeTimeout: -1}, "handshake timeout: got -1ns, want 0 or more"},
		{
			Options{CloseTimeout: -time.Second, Loops: -2},
			"loops: got -2, want 0 or more\nclose timeout: got -1s, want 0 or more",
		},
	} {
		_, err := Listen(c.o)
		if err == nil || strings.TrimPrefix(err.Error(), "target: options: ") != c.want {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
		}
	}
}

func TestOptionsDefaults(t *testing.T) {
	onEngines(t, func(t *testing.T, mk makeEngine) {
		for _, c := range []struct{ addr, host string }{
			{"", "127.0.0.1"}, {":0", "127.0.0.1"}, {"127.0.0.2:0", "127.0.0.2"},
		} {
			s := start(t, mk, Options{Addr: c.addr, Path: "/x"})
			if got := s.Addr().String(); !strings.HasPrefix(got, c.host+":") || strings.HasSuffix(got, ":0") {
				t.Errorf("addr %q: got %s, want %s and a port", c.addr, got, c.host)
			}
			if got, want := s.URL(), "ws://"+s.Addr().String()+"/x"; got != want {
				t.Errorf("url: got %s, want %s", got, want)
			}
		}
	})
	o := Options{MaxMessage: 5, Subprotocols: []string{"a"}}
	r, err := o.resolve()
	if err != nil || r.MaxMessage != 5 || r.MaxBacklog != DefaultMaxBacklog || r.Loops < 1 ||
		r.HandshakeTimeout != DefaultHandshakeTimeout || r.CloseTimeout != DefaultCloseTimeout {
		t.Errorf("got %+v, %v", r, err)
	}
	if o.MaxBacklog != 0 {
		t.Error("resolve changed its receiver")
	}
}

// The port is taken: the error says which, and unwraps to the system's.
func TestListenTaken(t *testing.T) {
	s := start(t, defaultEngine, Options{})
	_, err := Listen(Options{Addr: s.Addr().String()})
	if err == nil || !strings.HasPrefix(err.Error(), "target: listen tcp "+s.Addr().String()) {
		t.Errorf("got %v", err)
	}
}
