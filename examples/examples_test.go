package examples

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/scenario"
)

// TestScenarios: each is without mistakes and explains itself, and shoots at nothing but a server of
// loadrig's own or one on this machine.
func TestScenarios(t *testing.T) {
	var names []string
	for _, s := range Scenarios() {
		names = append(names, s.Name)
		got, err := scenario.Read(bytes.NewReader(s.Text), s.Name+".yaml", t.TempDir(), scenario.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Doc == "" || strings.HasPrefix(s.Doc, "#") || len(s.Doc) > 105 {
			t.Errorf("%s: got the description %q, want a short line", s.Name, s.Doc)
		}
		if n := bytes.Count(s.Text, []byte("# ")); n < 6 {
			t.Errorf("%s: got %d comments, want more", s.Name, n)
		}
		if got.File.Name != s.Name || !bytes.Contains(s.Text, []byte("#   loadrig run "+s.Name+".yaml")) {
			t.Errorf("%s: is called %q, or does not say how it is run", s.Name, got.File.Name)
		}
		if l := got.File.Load; l.Duration == 0 || l.Players == 0 && l.Rate == 0 {
			t.Errorf("%s: says not how many players come, or for how long", s.Name)
		}
		target := got.File.Target
		if u, err := url.Parse(target.URL); target.Embedded == "" && (err != nil || u.Hostname() != "127.0.0.1") {
			t.Errorf("%s: shoots at %q", s.Name, target.URL)
		}
	}
	want := []string{"auth", "chat", "echo", "game", "graphql", "jsonrpc", "mqtt", "stomp", "storm"}
	if !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

// TestMQTT holds the bytes of the MQTT example to the wire format: a type, the length of the rest, the rest
// (MQTT 3.1.1 §2.2).
func TestMQTT(t *testing.T) {
	i := slices.IndexFunc(Scenarios(), func(s Scenario) bool { return s.Name == "mqtt" })
	s, err := scenario.Read(bytes.NewReader(Scenarios()[i].Text), "mqtt.yaml", "", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var types []byte
	for _, in := range s.Programs[0].Code {
		m, ok := in.Arg.(*scenario.Message)
		if !ok {
			continue
		}
		b := m.Body.Text()
		if int(b[1]) != len(b)-2 {
			t.Errorf("packet % x: says that %d bytes follow, and %d do", b, b[1], len(b)-2)
		}
		if kind := b[0] >> 4; kind == 3 || kind == 8 || kind == 10 {
			topic := b[2:] // PUBLISH with quality of service 0 has no packet id
			if kind != 3 {
				topic = b[4:]
			}
			if n := int(topic[0])<<8 + int(topic[1]); string(topic[2:2+n]) != "loadrig/all" {
				t.Errorf("packet % x: has the topic %q", b, topic[2:2+n])
			}
		}
		types = append(types, b[0]>>4)
	}
	// CONNECT, SUBSCRIBE, PUBLISH, UNSUBSCRIBE, PINGREQ, DISCONNECT, and the rule's PINGREQ.
	if want := []byte{1, 8, 3, 10, 12, 14, 12}; !bytes.Equal(types, want) {
		t.Errorf("got packets of types %v, want %v", types, want)
	}
}
