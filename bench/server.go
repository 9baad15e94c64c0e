//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/loadrig/loadrig/target"
)

// serverState is what the server answers, whatever it is asked.
type serverState struct {
	URL    string
	TLSURL string // of an echo server over TLS, with a goroutine for each connection
	Open   int    // connections
	Echoes uint64 // made since it began
	Pauses uint64 // in accepting, for want of descriptors
}

// playServer runs the echo server that all contestants are measured on, until stdin ends.
func playServer(stdin io.Reader, stdout io.Writer) error {
	s, err := target.Listen(target.Options{Loops: 1})
	if err != nil {
		return err
	}
	secure, err := listenTLS()
	if err != nil {
		return err
	}
	defer secure.close()
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	questions, answers := json.NewDecoder(stdin), json.NewEncoder(stdout)
	for {
		var question struct{}
		if err = hear(questions, &question); err != nil {
			break
		}
		st := s.Stats()
		if err = answers.Encode(serverState{s.URL(), secure.url(), st.Open + secure.open(), st.Sent, st.AcceptPauses}); err != nil {
			break
		}
	}
	_ = s.Close()
	if err != errEnd {
		return err
	}
	return <-served
}

// server is the echo server's process, as who compares sees it.
type server struct {
	*process
	url, tlsURL string
}

func startServer() (*server, error) {
	p, err := start(roleServer, 1)
	if err != nil {
		return nil, err
	}
	s := &server{process: p}
	st, err := s.state()
	if err != nil {
		_ = s.end()
		return nil, err
	}
	s.url, s.tlsURL = st.URL, st.TLSURL
	return s, nil
}

func (s *server) state() (st serverState, err error) {
	return st, s.ask(struct{}{}, &st, 10*time.Second)
}

// idle waits until the server has forgotten the connections of the last client, which the next one's
// figures shall not suffer from.
func (s *server) idle() error {
	for range 500 {
		st, err := s.state()
		if err != nil {
			return err
		}
		if st.Open == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("server: still has connections 10 s after their client ended")
}
