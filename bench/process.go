//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// The roles of processes.
const (
	roleServer = "server"
	roleClient = "client"
)

// process is this program again, in a role. It answers each line of JSON on its stdin with one on its
// stdout, and ends when its stdin does, so that it never outlives who started it, however that ended.
type process struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

// start starts a process with that GOMAXPROCS.
func start(role string, procs int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{role: role, cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", procs), roleEnv+"="+role)
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	return p, nil
}

// ask sends a question and waits for its answer, at most for limit; then the process is killed.
func (p *process) ask(question, answer any, limit time.Duration) error {
	kill := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	defer func() {
		if !kill.Stop() {
			fmt.Fprintf(os.Stderr, "bench: %s took more than %v\n", p.role, limit)
		}
	}()
	if err := json.NewEncoder(p.in).Encode(question); err != nil {
		return fmt.Errorf("%s: ask: %w", p.role, err)
	}
	if err := p.out.Decode(answer); err != nil {
		return fmt.Errorf("%s: answer: %w", p.role, err)
	}
	return nil
}

// endTimeout bounds how long a process may take to end.
const endTimeout = 10 * time.Second

// end ends the process and waits for that.
func (p *process) end() error {
	_ = p.in.Close()
	kill := time.AfterFunc(endTimeout, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", p.role, err)
	}
	return nil
}

// errEnd is the end of stdin, by which a process is told to end.
var errEnd = io.EOF

// hear reads a question; errEnd means that there will be none.
func hear(in *json.Decoder, question any) error {
	err := in.Decode(question)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errEnd
	}
	return err
}
