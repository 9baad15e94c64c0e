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
  - "request join: p(95)<2s"
  - "delivery say: p(99)<1us"
load: {stages: [{duration: 1s, players: 50}, {duration: 4s, players: 50}]}
`

// kept is a run that was kept.
type kept struct{ dir, summary string }

func (k kept) page() string { return fileURL(filepath.Join(k.dir, "report.html")) }

// once gives what the first test that asks for it made; if that failed, the others do.
func once(t *testing.T, make func(dir string) kept, made map[string]kept, name string) kept {
	t.Helper()
	if k, ok := made[name]; ok {
		if k.summary == "" {
			t.Fatalf("the run %s failed in a test before", name)
		}
		return k
	}
	made[name] = kept{}
	parent := filepath.Join(filepath.Dir(program), name)
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	k := make(parent)
	k.summary = read(t, filepath.Join(k.dir, "summary.json"))
	made[name] = k
	return k
}

// made is the runs so far; tests of this package take turns.
var made = make(map[string]kept)

// faulty gives a run of players in a room whose server loses, doubles, reorders and changes messages. Its names are hostile.
func faulty(t *testing.T) kept {
	t.Helper()
	return once(t, func(parent string) kept {
		if err := os.WriteFile(filepath.Join(parent, "chat.yaml"), []byte(chat), 0o600); err != nil {
			t.Fatal(err)
		}
		url := served(t, "room", "--lose-every", "97", "--duplicate-every", "89", "--reorder-every", "83", "--corrupt-every", "79")
		dir := filepath.Join(parent, "run")
		loadrig(t, parent, []string{"run", "chat.yaml", "--url", url, "-q", "--run-dir", dir, "--name", "</script><b>a name</b>", "--tag", `why="<i>x</i>"`}, 98, 99)
		return kept{dir: dir}
	}, made, "faulty")
}

// plain gives a run of paced traffic against an echo server that is late, loses, doubles and changes some.
func plain(t *testing.T) kept {
	t.Helper()
	return once(t, func(parent string) kept {
		url := served(t, "echo", "--delay", "uniform:5ms-30ms", "--lose-every", "53", "--duplicate-every", "101", "--corrupt-every", "97")
		dir := filepath.Join(parent, "run")
		loadrig(t, parent, []string{"run", "--url", url, "-q", "-c", "200", "-d", "6s", "--msg-rate", "5/s", "--threshold", "p(95)<1ms",
			"--threshold", "opened >= 200", "--kernel-timestamps", "--run-dir", dir}, 98, 99)
		return kept{dir: dir}
	}, made, "plain")
}

// copied gives a copy of a run, to be changed.
func copied(t *testing.T, k kept) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(k.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// different gives a page that compares two runs, of which one's server is slower.
func different(t *testing.T) (page string) {
	t.Helper()
	k := once(t, func(parent string) kept {
		for _, run := range []struct{ name, delay string }{{"a", "5ms"}, {"b", "40ms"}} {
			url := served(t, "echo", "--delay", run.delay)
			loadrig(t, parent, []string{"run", "--url", url, "-q", "-c", "50", "-d", "7s", "--msg-rate", "5/s", "--run-dir", run.name, "--name", run.name}, 0, 98)
		}
		text := loadrig(t, parent, []string{"compare", "./a", "./b", "--html", "difference.html"}, 99)
		if !strings.Contains(text, "slower") {
			t.Errorf("got %s", text)
		}
		return kept{dir: filepath.Join(parent, "a")}
	}, made, "different")
	return fileURL(filepath.Join(filepath.Dir(k.dir), "difference.html"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
