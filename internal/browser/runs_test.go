package browser

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// served starts one of loadrig's own servers, which ends with the test.
func served(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"target"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// chat is talkers and listeners in a room. The request "other" is one that the server never answers.
const chat = `
name: a chat with faults
target: {limits: {max_backlog: 1MiB}}
players:
  talker:
    weight: 1
    on: [{json: {op: say}, delivery: say, stamp: $.stamp}]
    steps:
      - connect
      - join: lobby
      - request: {name: join, json: {op: join, id: "{{ seq }}", room: lobby}, id: $.id}
      - think: 500ms
      - every:
          interval: 100ms
          times: 30
          do:
            - publish: {name: say, audience: lobby, json: {op: say, room: lobby, stamp: "{{ stamp }}"}}
      - think: 500ms
      - leave: lobby
      - disconnect
  listener:
    weight: 4
    on:
      - {json: {op: say}, delivery: say, stamp: $.stamp}
      - {json: {op: say}, do: [{check: {name: has a room, that: 'json("room") == "lobby"'}}]}
    steps:
      - connect
      - join: lobby
      - request: {name: join, json: {op: join, id: "{{ seq }}", room: lobby}, id: $.id}
      - think: 4s
      - leave: lobby
      - disconnect
thresholds:
  - request join: p(95)<2s
  - delivery say: p(99)<1us
load: {stages: [{duration: 1s, players: 50}, {duration: 4s, players: 50}]}
`

// faulty runs players in a room whose server loses, doubles, reorders and changes messages, and gives the run directory
// and the summary.
func faulty(t *testing.T) (dir, summary string) {
	t.Helper()
	parent := t.TempDir()
	if err := os.WriteFile(filepath.Join(parent, "chat.yaml"), []byte(chat), 0o600); err != nil {
		t.Fatal(err)
	}
	url := served(t, "room", "--lose-every", "97", "--duplicate-every", "89", "--reorder-every", "83", "--corrupt-every", "79")
	dir = filepath.Join(parent, "run")
	loadrig(t, parent, []string{"run", "chat.yaml", "--url", url, "-q", "--run-dir", dir, "--name", "</script><b>a name</b>", "--tag", `why="<i>x</i>"`}, 98, 99)
	return dir, read(t, filepath.Join(dir, "summary.json"))
}

// plain runs paced traffic against an echo server that is late, loses and changes some, and where some players cannot be.
func plain(t *testing.T, dir string, flags ...string) (summary string) {
	t.Helper()
	url := served(t, "echo", "--delay", "uniform:5ms-30ms", "--lose-every", "53", "--duplicate-every", "101", "--corrupt-every", "97")
	loadrig(t, filepath.Dir(dir), append([]string{"run", "--url", url, "-q", "-c", "200", "-d", "6s", "--msg-rate", "5/s", "--threshold", "p(95)<1ms", "--threshold", "opened >= 200", "--run-dir", dir}, flags...), 98, 99)
	return read(t, filepath.Join(dir, "summary.json"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
