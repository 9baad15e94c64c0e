package realservers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/loadrig/loadrig/authctx"
)

// onNode runs one of the servers on Node, which is of that module of npm.
func onNode(t *testing.T, script, module string) *server {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		need(t, "node", "apt-get install nodejs")
	}
	if _, err := os.Stat("node_modules/" + module); err != nil {
		need(t, "npm's "+module, "cd internal/realservers && npm ci")
	}
	return start(t, nil, path, "servers/"+script)
}

// keyFiles makes a key as openssl does, and the key set that verifies what it signs.
func keyFiles(t *testing.T) (key, jwks string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, jwks = filepath.Join(dir, "key.pem"), filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := authctx.LoadKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := authctx.NewKeySet(signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.WriteFile(jwks); err != nil {
		t.Fatal(err)
	}
	return key, jwks
}

// program finds one that may not be in the path, as Debian has servers where only root looks.
func program(t *testing.T, name, debian, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath(debian); err != nil {
			need(t, name, "apt-get install "+pkg)
		}
	}
	return path
}

// write writes a file into dir, and gives its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mosquitto runs the MQTT broker. stop ends it and gives its log.
func mosquitto(t *testing.T) (url string, stop func() string) {
	t.Helper()
	path := program(t, "mosquitto", "/usr/sbin/mosquitto", "mosquitto")
	addr := freeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	// It does not start without a listener that has no WebSockets.
	text := fmt.Sprintf("listener %s 127.0.0.1\nprotocol websockets\nlistener 0 %s/socket\nallow_anonymous true\nlog_dest stdout\nlog_type all\n", port, dir)
	if os.Getuid() == 0 {
		text += "user root\n" // or it becomes another, who may not read this file
	}
	var log bytes.Buffer
	cmd := exec.Command(path, "-c", write(t, dir, "mosquitto.conf", text))
	cmd.Stdout, cmd.Stderr = &log, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func(sig os.Signal) {
		if !ended {
			ended = true
			_ = cmd.Process.Signal(sig)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() { end(os.Kill) })
	awaitListener(t, addr)
	return "ws://" + addr + "/", func() string {
		end(syscall.SIGTERM)
		return log.String()
	}
}

// TestExampleMQTT: all get what each of 10 players publishes 5 times. The broker's log says what it got and
// sent.
func TestExampleMQTT(t *testing.T) {
	url, stop := mosquitto(t)
	s := example(t, "mqtt", "--url", url, "-c", "10")
	log := stop()
	got, sent := uint64(0), uint64(0)
	for _, c := range []struct {
		got, sent             string
		received, transmitted int
	}{
		{"New client connected from", "Sending CONNACK to", 10, 10},
		{"Received SUBSCRIBE from", "Sending SUBACK to", 10, 10},
		{"Received PUBLISH from", "Sending PUBLISH to", 10 * 5, 10 * 5 * 10},
		{"Received UNSUBSCRIBE from", "Sending UNSUBACK to", 10, 10},
		{"Received PINGREQ from", "Sending PINGRESP to", 10, 10},
		{"Received DISCONNECT from", "", 10, 0},
	} {
		in, out := strings.Count(log, ": "+c.got+" "), 0
		if c.sent != "" {
			out = strings.Count(log, ": "+c.sent+" ")
		}
		if in != c.received || out != c.transmitted {
			t.Errorf("%s: got %d, %s: got %d; want %d and %d", c.got, in, c.sent, out, c.received, c.transmitted)
		}
		got, sent = got+uint64(in), sent+uint64(out)
	}
	same(t, "packets to the broker", got, s.Messages.Sent)
	same(t, "packets from the broker", sent, s.Messages.Received)
}

// rabbit runs the STOMP broker RabbitMQ, with all that it writes and listens at being this test's own.
func rabbit(t *testing.T) (url string) {
	t.Helper()
	path := program(t, "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server", "rabbitmq-server")
	epmd := program(t, "epmd", "/usr/bin/epmd", "erlang-base")
	dir := t.TempDir()
	port := func() (addr, port string) {
		addr = freeAddress(t)
		_, port, _ = net.SplitHostPort(addr)
		return addr, port
	}
	// Erlang would start its name server itself, and leave it behind.
	names, namesPort := port()
	listens(t, names, epmd, "-address", "127.0.0.1", "-port", namesPort)
	_, distPort := port()
	addr, stompPort := port()
	for name, value := range map[string]string{
		"HOME": dir, "RUNNING_UNDER_SYSTEMD": "true", // so that it is one process
		"ERL_EPMD_PORT": namesPort, "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": distPort,
		"RABBITMQ_NODENAME": "loadrig" + stompPort + "@localhost", "RABBITMQ_MNESIA_BASE": dir + "/data", "RABBITMQ_LOG_BASE": dir,
		"RABBITMQ_PID_FILE": dir + "/pid", "RABBITMQ_CONF_ENV_FILE": dir + "/none",
		"RABBITMQ_GENERATED_CONFIG_DIR":       dir + "/config",
		"RABBITMQ_ENABLED_PLUGINS_FILE":       write(t, dir, "plugins", "[rabbitmq_web_stomp].\n"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_CONFIG_FILE": write(t, dir, "rabbitmq.conf", "listeners.tcp = none\nstomp.listeners.tcp = none\n"+
			"web_stomp.tcp.ip = 127.0.0.1\nweb_stomp.tcp.port = "+stompPort+"\n"+"log.console = false\nlog.file.level = error\n"),
	} {
		t.Setenv(name, value)
	}
	cmd := exec.Command(path)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "loadrig"+stompPort+"@localhost.log"))
			t.Logf("%s\n%s", out.String(), log[max(0, len(log)-2000):])
		}
	})
	awaitListener(t, addr)
	return "ws://" + addr + "/ws"
}

// TestExampleSTOMP: each of 10 players goes through the steps, and all get what one of them publishes.
func TestExampleSTOMP(t *testing.T) {
	s := example(t, "stomp", "--url", rabbit(t), "-c", "10")
	d := s.Scenario.Deliveries[0]
	if d.Published != 10*5 || d.Expected != 10*5*10 {
		t.Errorf("got %d published for %d, want %d for %d", d.Published, d.Expected, 10*5, 10*5*10)
	}
}
