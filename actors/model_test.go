package actors

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loadrig/loadrig/internal/ledger"
	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
	"github.com/loadrig/loadrig/transport"
)

// Servers of the model, by the host that is dialed.
var hosts = map[string]func(net.Conn){
	"echo":     wstest.Echo,
	"mute":     swallow,
	"stubborn": func(c net.Conn) { _, _ = wstest.Accept(c); swallow(c) },
	"leaver": func(c net.Conn) {
		if p, err := wstest.Upgrade(c); err == nil {
			_, _ = p.Write(wstest.Close(1001, "bye"))
			_, _, _ = p.AwaitClose()
		}
	},
	"reject": func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\n\r\n")
		}
	},
}

const (
	modelClose = 5 * time.Second
	modelDial  = 30 * time.Second
)

// model is one connection as the contract has it (DESIGN §2), after everything under way has settled.
type model struct {
	id      messages.ConnID
	host    string // of the last Connect that was accepted
	state   messages.State
	closing bool
	began   time.Time // the attempt or the closing handshake
	causes  []messages.Cause
}

// do gives what a command leads to.
func (m *model) do(cmd messages.Command) error {
	t := messages.Next(m.state, cmd.Kind().Input())
	if t.Err != nil {
		return t.Err
	}
	if m.closing {
		return messages.ErrClosing // all that Connected takes
	}
	switch c := cmd.(type) {
	case *messages.Connect:
		m.host = c.URL[len("ws://"):]
		m.dial()
	case *messages.Reconnect:
		m.dial()
	case *messages.Disconnect:
		switch {
		case m.state == messages.Connected && m.host == "stubborn":
			m.closing, m.began = true, time.Now()
		default:
			m.end(messages.CauseLocal)
		}
	}
	return nil
}

func (m *model) dial() {
	m.began = time.Now()
	switch m.host {
	case "echo", "stubborn":
		m.state = messages.Connected
	case "mute":
		m.state = messages.Connecting
	case "leaver":
		m.end(messages.CauseRemote)
	case "reject":
		m.end(messages.CauseUpgradeStatus)
	default:
		m.end(messages.CauseRefused)
	}
}

func (m *model) end(cause messages.Cause) {
	m.state, m.closing = messages.Disconnected, false
	m.causes = append(m.causes, cause)
}

// pass has time pass until now.
func (m *model) pass(now time.Time) {
	switch {
	case m.closing && now.Sub(m.began) > modelClose:
		m.end(messages.CauseLocal)
	case m.state == messages.Connecting && now.Sub(m.began) > modelDial:
		m.end(messages.CauseConnectTimeout)
	}
}

// drain has everything end.
func (m *model) drain() {
	switch {
	case m.closing:
		m.end(messages.CauseLocal) // the first cause
	case m.state == messages.Connecting || m.state == messages.Connected:
		m.end(messages.CauseShutdown)
	}
}

// step is one thing that happens. All but a few are commands.
type step struct {
	Conn int
	What string
	Host string
}

func steps() *rapid.Generator[[]step] {
	what := []string{
		"connect", "connect", "connect", "reconnect", "reconnect", "disconnect", "disconnect", "text", "json", "binary", "ping",
		"wait", "drain", "remove", "all connect", "all reconnect", "all disconnect",
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			Conn: rapid.IntRange(0, 5).Draw(t, "conn"),
			What: rapid.SampledFrom(what).Draw(t, "what"),
			Host: rapid.SampledFrom([]string{"echo", "echo", "mute", "stubborn", "leaver", "reject", "nobody"}).Draw(t, "host"),
		}
	}), 1, 60)
}

// TestModel compares random commands with the model, after each of them: the answer, all states, and all
// causes. It runs in a bubble, where what was begun is seen to its end, and the timeouts take no time.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		script := steps().Draw(rt, "steps")
		var err error
		synctest.Test(t, func(t *testing.T) { err = play(t, script) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// bench is a Manager in a bubble, with the models of its connections.
type bench struct {
	*Manager
	ledgers []*ledger.Ledger
	models  []*model
}

func play(t *testing.T, script []step) error {
	b := &bench{ledgers: []*ledger.Ledger{ledger.New(), ledger.New()}, models: make([]*model, 6)}
	var err error
	b.Manager, err = NewManager(Options{
		Shards:    len(b.ledgers),
		Recorder:  func(i int) Recorder { return b.ledgers[i] },
		Logger:    slog.New(slog.DiscardHandler),
		Transport: transport.Options{CloseTimeout: modelClose, DialTimeout: modelDial, Dial: dialHosts(t)},
	})
	if err != nil {
		return err
	}
	defer b.Stop(context.Background())
	ids, err := b.OpenMany(len(b.models), nil)
	if err != nil {
		return err
	}
	for i, id := range ids {
		b.models[i] = &model{id: id}
	}
	for i, s := range script {
		if err := b.step(s); err != nil {
			return fmt.Errorf("step %d, %+v: %w", i, s, err)
		}
		synctest.Wait()
		if err := b.compare(); err != nil {
			return fmt.Errorf("after step %d, %+v: %w", i, s, err)
		}
	}
	if err := b.Stop(context.Background()); err != nil {
		return err
	}
	var wrong []error
	for _, l := range b.ledgers {
		wrong = append(wrong, l.Wrong())
		for id, a := range l.Accounts {
			if a.Attempts != len(a.Causes) {
				wrong = append(wrong, fmt.Errorf("stopped, %s: %+v", id, *a))
			}
		}
	}
	return errors.Join(wrong...)
}

func dialHosts(t *testing.T) transport.DialFunc {
	pipes := make(map[string]transport.DialFunc)
	for host, script := range hosts {
		pipes[host+":80"] = wstest.Pipes(t, script)
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if dial := pipes[address]; dial != nil {
			return dial(ctx, network, address)
		}
		return nil, fmt.Errorf("connect: %w", syscall.ECONNREFUSED)
	}
}

func (s step) command() messages.Command {
	switch s.What {
	case "connect", "all connect":
		return &messages.Connect{URL: "ws://" + s.Host}
	case "reconnect", "all reconnect":
		return &messages.Reconnect{}
	case "disconnect", "all disconnect":
		return &messages.Disconnect{}
	case "text":
		return text("x")
	case "json":
		return &messages.SendJSON{Object: []byte("{}")}
	case "binary":
		return &messages.SendBinary{Payload: []byte{1}}
	default:
		return &messages.Ping{}
	}
}

// step has one thing happen, and the models follow it.
func (b *bench) step(s step) error {
	ctx := context.Background()
	m := b.models[s.Conn]
	switch s.What {
	case "wait":
		time.Sleep(modelDial / 3)
		for _, m := range b.models {
			m.pass(time.Now())
		}
	case "drain":
		for _, m := range b.models {
			m.drain()
		}
		return b.Drain(ctx)
	case "remove":
		if err := b.Remove(ctx, m.id); err != nil {
			return err
		}
		id, err := b.Open(nil)
		b.models[s.Conn] = &model{id: id}
		return err
	case "all connect", "all reconnect", "all disconnect":
		for _, m := range b.models {
			_ = m.do(s.command())
		}
		return b.TellAll(s.command())
	default:
		cmd := s.command()
		want := m.do(cmd)
		if err := b.Do(ctx, m.id, cmd); !errors.Is(err, want) || (want == nil && err != nil) {
			return fmt.Errorf("got %w, want %w", err, want)
		}
	}
	return nil
}

// compare compares all counts and connections with the models.
func (b *bench) compare() error {
	audits := make([]error, len(b.ledgers))
	var got [messages.NumStates]int
	accounts := make([]map[messages.ConnID]ledger.Account, len(b.ledgers))
	err := b.Each(context.Background(), func(i int) {
		s := b.OnShard(i)
		audits[i] = b.ledgers[i].Audit(s.States, &s.Traffic)
		accounts[i] = make(map[messages.ConnID]ledger.Account)
		for id, a := range b.ledgers[i].Accounts {
			accounts[i][id] = *a
		}
	})
	if err := errors.Join(append(audits, err)...); err != nil {
		return err
	}
	snap, err := b.Snapshot(context.Background())
	if err != nil {
		return err
	}
	for _, m := range b.models {
		got[m.state]++
		a := accounts[m.id.Shard()][m.id]
		if a.State != m.state || fmt.Sprint(a.Causes) != fmt.Sprint(m.causes) {
			return fmt.Errorf("%s: got %s after %v, want %s after %v", m.id, a.State, a.Causes, m.state, m.causes)
		}
	}
	if got != snap.States {
		return fmt.Errorf("got %v, want %v", snap.States, got)
	}
	return nil
}
