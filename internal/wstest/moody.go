package wstest

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
)

// Moods are the paths that Moody knows, and what it does to whom they are asked of.
var Moods = map[string]func(p *Peer){
	"/leave":    func(p *Peer) { p.say(Close(1001, "bye")); _, _, _ = p.AwaitClose() },
	"/drop":     func(*Peer) {},
	"/stubborn": func(p *Peer) { _, _ = io.Copy(io.Discard, p) }, // answers nothing, not even a close frame
	"/reserved": func(p *Peer) { p.say(RawFrame(0xf2, []byte("x"))); _ = p.AwaitEnd() },
	"/latin":    func(p *Peer) { p.say(Text("\xe4\xf6\xfc")); _ = p.AwaitEnd() },
	"/huge":     func(p *Peer) { p.say([]byte{0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0}); _ = p.AwaitEnd() }, // the head of 4 GiB
	"/endless":  endless,
}

// Refusals are further paths of Moody: those that never become a WebSocket, and what it answers there.
var Refusals = map[string]string{
	"/reject": "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
	"/babble": "SMTP? 220 at your service\r\n",
	"/unkey":  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
	"/mute":   "", // waits until the client has had enough
}

// Moody is a script for servers that treat their clients as the request's path says, and never well.
func Moody(c net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	if answer, ok := Refusals[r.URL.Path]; ok {
		_, _ = io.WriteString(c, answer)
		if answer == "" {
			_, _ = io.Copy(io.Discard, c)
		}
		return
	}
	if mood := Moods[r.URL.Path]; mood != nil && answerUpgrade(c, r, nil) == nil {
		mood(NewPeer(c, r))
	}
}

func (p *Peer) say(b []byte) { _, _ = p.Write(b) }

// endless sends 1 MiB of the fragments of a message that has no end.
func endless(p *Peer) {
	op := ws.OpText
	for range 256 {
		p.say(Frame(op, false, make([]byte, 4<<10)))
		op = ws.OpContinuation
	}
	_ = p.AwaitEnd()
}
