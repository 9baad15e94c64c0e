package outputs

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"json=a.json":                 {JSON, "a.json"},
		"csv=-":                       {CSV, Stdout},
		"text=a=b":                    {Text, "a=b"},
		"otlp=http://[::1]:4318/v1/m": {OTLP, "http://[::1]:4318/v1/m"},
		"remote-write=https://prometheus.example/api/v1/write?tenant=1": {RemoteWrite, "https://prometheus.example/api/v1/write?tenant=1"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                      `got "", want FORMAT=DESTINATION, as json=summary.json; a format is text, json, csv, junit, markdown, hgrm, html, remote-write or otlp`,
		"out.txt":               `got "out.txt", want FORMAT=DESTINATION, as json=summary.json; a format is text, json, csv, junit, markdown, hgrm, html, remote-write or otlp`,
		"jsn=a":                 `got the format "jsn"; did you mean json?`,
		"prometheus=a":          `got the format "prometheus", want text, json, csv, junit, markdown, hgrm, html, remote-write or otlp`,
		"json":                  `got "json" without a destination, want json=FILE, or json=- for standard output`,
		"json=":                 `got "json" without a destination, want json=FILE, or json=- for standard output`,
		"otlp=":                 `got "otlp" without a destination, want otlp=http://127.0.0.1:4318/v1/metrics`,
		"otlp=localhost:4318":   `otlp: got "a URL that is not one", want http:// or https://, a host and a path`,
		"remote-write=ftp://x/": `remote-write: got "ftp://x/", want http:// or https://, a host and a path`,
		"remote-write=http://me:secret@x/?key=secret":      `remote-write: got "http://x/" with a user, which would be in the list of processes; want it in the environment`,
		"remote-write=http://me:secret@x/%zz":              `remote-write: got a URL that is not one, want http://HOST:PORT/PATH`,
		"http://me:secret@x/?key=secret":                   `got an output without a format, want FORMAT=DESTINATION, as json=summary.json`,
		"remote-write=http://x/api/v1/write?key=secret#me": `remote-write: got "http://x/api/v1/write" with a #, want a URL without`,
	} {
		_, err := Parse(text)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the secret is told", text)
		}
	}
	if got := (Spec{RemoteWrite, "http://me:secret@x/w?key=secret"}).String(); got != "remote-write=http://x/w" {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "=", "json=a", "otlp=http://x", "remote-write=http://a:b@c/d?e#f", "jsno=%%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err == nil && text != string(s.Format)+"="+s.Destination {
			t.Errorf("%q: got %+v", text, s)
		}
	})
}
