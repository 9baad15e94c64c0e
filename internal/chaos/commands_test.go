package chaos

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"

	"github.com/loadrig/loadrig/messages"
)

// Commands that are refused in every state.
var (
	badJSON = &messages.SendJSON{Object: []byte("[1]")}
	badPing = &messages.Ping{Payload: make([]byte, 126)}
	badRest = []messages.Command{
		badJSON, badPing,
		&messages.Connect{URL: "http://127.0.0.1/"},
		&messages.Connect{URL: "ws://127.0.0.1:0/"},
		&messages.Connect{URL: "ws://127.0.0.1/", Headers: http.Header{"Connection": {"close"}}},
		&messages.Connect{URL: "ws://127.0.0.1/", Subprotocols: []string{"not a token"}},
		&messages.SendText{Payload: []byte("\xe4\xf6\xfc")},
		&messages.Disconnect{Code: messages.CloseNoStatus},
		&messages.Disconnect{Code: 999},
		&messages.Disconnect{Code: 5000},
		&messages.Disconnect{Reason: string(bytes.Repeat([]byte("x"), messages.MaxCloseReason+1))},
		&messages.Disconnect{Reason: "\xe4"},
	}
)

// Good ones, but for Connect, whose URLs are the stage's.
var (
	reconnect   = &messages.Reconnect{}
	disconnects = []*messages.Disconnect{
		{}, {Code: messages.CloseNormal, Reason: "bye"}, {Code: messages.CloseGoingAway}, {Code: messages.ClosePolicyViolation},
		{Code: 3000}, {Code: 4999, Reason: "as I please"},
	}
	texts    = []*messages.SendText{{}, {Payload: []byte("hello")}, {Payload: []byte("grüß dich, Welt")}, {Payload: bytes.Repeat([]byte("0123456789"), 20)}}
	binaries = []*messages.SendBinary{{Payload: []byte{1}}, {Payload: make([]byte, 126)}, {Payload: make([]byte, 5<<10)}, {Payload: make([]byte, 16<<10)}}
	biggest  = &messages.SendBinary{Payload: make([]byte, 128<<10)} // too big to come back
	objects  = []*messages.SendJSON{{Object: []byte("{}")}, {Object: []byte(`{"x":[1,2,3],"y":{"z":null}}`)}}
	pings    = []*messages.Ping{{}, {Payload: []byte("are you there")}}
)

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// command draws a command of any kind, good or bad.
func (s *stage) command(r *rand.Rand) messages.Command {
	switch n := r.IntN(100); {
	case n < 16:
		return s.connect(r)
	case n < 32:
		return reconnect
	case n < 38:
		return one(r, disconnects)
	case n < 60:
		return one(r, texts)
	case n < 72:
		return one(r, binaries)
	case n < 80:
		return one(r, objects)
	case n < 90:
		return one(r, pings)
	default:
		return one(r, badRest)
	}
}

// untold draws a command for nobody to wait for. Of these, JSON and pings are always bad: a refusal of one
// can then be no other's, so that each of them is known to be refused once.
func (s *stage) untold(r *rand.Rand) messages.Command {
	switch cmd := s.command(r).(type) {
	case *messages.SendJSON:
		return badJSON
	case *messages.Ping:
		return badPing
	default:
		return cmd
	}
}

// fickle is an Authorizer that fails now and then.
type fickle struct{ asked atomic.Int64 }

var errFickle = errors.New("no token today")

// HandshakeHeaders implements messages.Authorizer.
func (f *fickle) HandshakeHeaders(context.Context) (http.Header, error) {
	if f.asked.Add(1)%5 == 0 {
		return nil, errFickle
	}
	return http.Header{"X-Player": {"one"}}, nil
}
