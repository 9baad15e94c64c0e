package realservers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counts is what a server saw.
type counts struct {
	Connections int            `json:"connections"`
	Rejected    int            `json:"rejected"`
	Received    uint64         `json:"received"`
	Sent        uint64         `json:"sent"`
	Closes      map[string]int `json:"closes"`
	Users       int            `json:"users"`
	Tokens      int            `json:"tokens"`
	Deflated    int            `json:"deflated"` // connections that agreed on permessage-deflate
	Seen        int            `json:"seen"`     // notifications
}

// server is a running server.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	addr  string
	ended bool
}

// start runs a program that prints its port first.
func start(t *testing.T, env []string, name string, args ...string) *server {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, cmd: cmd, stdin: in, out: bufio.NewReader(out)}
	t.Cleanup(s.kill)
	port, err := s.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", name, err)
	}
	s.addr = "127.0.0.1:" + strings.TrimSpace(port)
	return s
}

func (s *server) url() string { return "ws://" + s.addr + "/" }

// stop ends the server and gives its counts.
func (s *server) stop() (c counts) {
	s.t.Helper()
	s.ended = true
	_ = s.stdin.Close()
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		s.t.Fatalf("the server's counts: %v", err)
	}
	if err := json.Unmarshal(line, &c); err != nil {
		s.t.Fatalf("the server's counts: %v in %q", err, line)
	}
	_ = s.cmd.Wait()
	return c
}

// kill ends the server as a crash does.
func (s *server) kill() {
	if !s.ended {
		s.ended = true
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// need skips the test because something is not installed, which in CI is a failure.
func need(t *testing.T, what, remedy string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and must be in CI: %s", what, remedy)
	}
	t.Skipf("SKIPPED: %s is not installed: %s", what, remedy)
}

func node(t *testing.T, env ...string) *server {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		need(t, "node", "apt-get install nodejs")
	}
	if _, err := os.Stat("node_modules/ws"); err != nil {
		need(t, "npm's ws", "cd internal/realservers && npm ci")
	}
	return start(t, env, path, "servers/node.js")
}

func python(t *testing.T, env ...string) *server {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(path, "-c", "import websockets").Run() == nil {
			return start(t, env, path, "servers/python.py")
		}
	}
	need(t, "python3-websockets", "apt-get install python3-websockets")
	return nil
}

// nginx puts nginx in front of a server, with further lines for its listening part, and gives its address.
// $ssl_session_reused and $ssl_client_verify of each connection are in the file log of dir.
func nginx(t *testing.T, behind *server, tls bool, lines string) (addr, dir string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			need(t, "nginx", "apt-get install nginx-light")
		}
	}
	addr = freeAddress(t)
	dir = t.TempDir()
	access, listen := "off", ""
	if tls {
		access, listen = dir+"/log tls", "ssl"
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; worker_rlimit_nofile 20000;
pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events { worker_connections 15000; }
http {
  log_format tls '$ssl_session_reused $ssl_client_verify $ssl_protocol $ssl_server_name';
  access_log %[4]s; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
  uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen %[2]s %[5]s backlog=4096;
    %[6]s
    location / {
      proxy_pass http://%[3]s; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
    }
  }
}`, dir, addr, behind.addr, access, listen, lines)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listens(t, addr, path, "-p", dir, "-c", conf)
	return addr, dir
}

// freeAddress gives an address that nobody listens at, for a program that is to be told its own.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// listens runs a program until the test ends, and waits until it listens at addr.
func listens(t *testing.T, addr, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	awaitListener(t, addr)
}

// awaitListener waits until something accepts connections at addr.
func awaitListener(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // RabbitMQ takes a while
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("nothing listens at %s: %v", addr, err)
		}
	}
}
