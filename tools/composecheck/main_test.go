package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestRepository: what is deployed has no mistake.
func TestRepository(t *testing.T) {
	var out strings.Builder
	if err := check(root, &out); err != nil {
		t.Error(err)
	}
	t.Log(out.String())
}

const (
	prometheusFile = "deploy/prometheus/prometheus.yml"
	recording      = "deploy/prometheus/recording.rules.yml"
	alerting       = "deploy/prometheus/alerting.rules.yml"
	ruleTests      = "deploy/prometheus/rules.test.yml"
	liveBoard      = "deploy/grafana/dashboards/live.json"
)

// TestMistakes makes one mistake at a time in a copy of what is deployed, and wants it to be told.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		file, old, new string
		want           string
	}{
		{composeFile, "services:", "servics:", "additional properties 'servics' not allowed"},
		{composeFile, "image: prom/prometheus:v3.15.0", "image: prom/prometheus:latest", `got the image "prom/prometheus:latest", want a version of three numbers`},
		{composeFile, "image: prom/prometheus:v3.15.0", "image: prom/prometheus:v3", `got the image "prom/prometheus:v3", want a version of three numbers`},
		{composeFile, "image: prom/prometheus:v3.15.0", "image: prom/prometheus:v3.14.0", "want prom/prometheus:v3.15.0 as in tools/composecheck/go.mod"},
		{composeFile, "image: grafana/grafana:13.2.3", "image: grafana/grafana", `got the image "grafana/grafana", want a version`},
		{composeFile, "test: [CMD, promtool, check", "disable: true\n      #", "service prometheus: got no health check"},
		{composeFile, "test: [CMD, probe,", "test: [CMD-SHELL, probe", "service loadrig: got a health check by CMD-SHELL"},
		{composeFile, "restart: \"no\"", "# restart", "service loadrig: got no restart policy"},
		{composeFile, "./deploy/scenarios/room.yaml:", "./deploy/scenarios/rooms.yaml:", "rooms.yaml: no such file"},
		{composeFile, "./deploy/prometheus:/etc/prometheus:ro", "./deploy/prometheus:/etc/prometheus", "mounted to be written to"},
		{composeFile, "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "got capabilities"},
		{composeFile, "security_opt: [no-new-privileges:true]", "security_opt: []", "no-new-privileges"},
		{composeFile, "read_only: true", "read_only: false", "got a root file system that can be written to"},
		{composeFile, "restart: \"no\"", "restart: \"no\"\n    privileged: true", "got the rights of the machine"},
		{composeFile, "127.0.0.1:9090:9090", "9090:9090", `got port 9090 published on ""`},
		{composeFile, "127.0.0.1:3000:3000", "0.0.0.0:3000:3000", `got port 3000 published on "0.0.0.0"`},
		{composeFile, `ADMIN_CREATION: "true"`, `ADMIN_CREATION: "false"`, "a password that everybody knows"},
		{composeFile, "GF_LOG_MODE: console", "GF_SECURITY_ADMIN_PASSWORD: secret", "got a password in the file"},
		{composeFile, "GF_AUTH_ANONYMOUS_ORG_ROLE: Viewer", "GF_AUTH_ANONYMOUS_ORG_ROLE: Admin", `got anybody as "Admin"`},
		{composeFile, `expose: ["9464"]`, `expose: ["9465"]`, "got the address loadrig:9464, want a port that service loadrig exposes"},
		{composeFile, "networks: [load, view]", "networks: [view]", "want a service on a network that prometheus is on"},

		{dockerFile, "FROM golang:1.26.8-bookworm", "FROM golang:1.26", "got FROM golang:1.26, want a version of three numbers"},
		{dockerFile, "FROM scratch", "FROM debian", "got FROM debian"},
		{dockerFile, "USER 65532:65532", "USER root", `got USER "root"`},
		{dockerFile, "USER 65532:65532", "USER 0:0", `got USER "0:0"`},
		{dockerFile, "USER 65532:65532\n", "", `got USER ""`},
		{dockerFile, "COPY . .", "ADD https://example.com/x.tar.gz .", "got ADD https://example.com/x.tar.gz"},
		{dockerFile, `ENTRYPOINT ["loadrig"]`, "ENTRYPOINT loadrig", "got an ENTRYPOINT for a shell"},
		{dockerFile, `ENTRYPOINT ["loadrig"]`, `ENTRYPOINT ["bash"]`, `got ENTRYPOINT ["bash"]`},
		{dockerFile, "ENV PATH", "RUN apk add curl\nENV PATH", "got RUN in the last stage"},
		{dockerFile, "CGO_ENABLED=0 ", "", "got no CGO_ENABLED=0"},
		{dockerFile, "-trimpath ", "", "got no -trimpath"},
		{dockerFile, "WORKDIR /src", "WORKDIRS /src", "unknown instruction: WORKDIRS"},

		{prometheusFile, "scrape_timeout: 5s", "scrape_timeout: 6s", "scrape timeout greater than scrape interval"},
		{prometheusFile, "job_name", "job", "field job not found"},
		{prometheusFile, "scrape_native_histograms: true", "scrape_native_histograms: false", "job loadrig: got no native histograms"},
		{prometheusFile, "recording.rules.yml", "record.rules.yml", "want files that exist"},
		{prometheusFile, "loadrig:9464", "rig:9464", "got the address rig:9464, want one of a service"},
		{prometheusFile, "scrape_interval: 5s", "scrape_interval: 10s", `got timeInterval "5s", want "10s"`},
		{recording, "sum by (job, instance) (rate(loadrig_iterations_total[1m]))", "sum by (job, instance (rate(loadrig_iterations_total[1m]))", "could not parse expression"},
		{recording, "instance:loadrig_iterations:rate1m", "loadrig_iterations_rate", "want level:metric:operation"},
		{recording, "(rate(loadrig_iterations_total[1m]))", "(loadrig_iterations_total)", "got loadrig_iterations_total without a rate"},
		{recording, "rate(loadrig_iterations_total[1m])", "rate(go_goroutines[1m])", `got "go_goroutines", want one of loadrig's metrics`},
		{recording, "instance:loadrig_response_seconds:p99_rate1m", "instance:loadrig_response:p99_rate1m", "got instance:loadrig_response_seconds:p99_rate1m, want a name that a rule records"},
		{alerting, "severity: info", "level: info", "LoadrigDown: got no severity"},
		{alerting, `summary: "{{ $labels.instance }} stood still"`, `title: "{{ $labels.instance }} stood still"`, "LoadrigStandstill: got no summary"},
		{alerting, "{{ $labels.instance }} stood still", "{{ $labels.instance } stood still", "LoadrigStandstill"},
		{alerting, "p99_rate1m > 0.5", "p99_rate1m > 5", "promtool test rules"},
		{ruleTests, "value: 25}", "value: 26}", "promtool test rules"},

		{datasourceFile, "uid: loadrig-prometheus", "uid: prometheus", `got the datasource "loadrig-prometheus", want one of ["prometheus"]`},
		{datasourceFile, "url: http://prometheus:9090", "url: http://localhost:9090", "got the address localhost:9090, want one of a service"},
		{liveBoard, `"schemaVersion": 42`, `"schemaVersion": 41`, "got schemaVersion 41, want 42"},
		{liveBoard, `"uid": "loadrig-live"`, `"uid": "loadrig-soak"`, `got the uid "loadrig-soak", want one that no other dashboard has`},
		{liveBoard, `"graphTooltip": 1`, `"graphTooltips": 1`, "unexpected field"},
		{liveBoard, `"description": "Players that are connected.",`, "", `panel 2 "Players": got no description`},
		{liveBoard, `"title": "Players",`, `"title": "",`, `panel 2 "": got no title`},
		{liveBoard, `"unit": "short",`, "", `panel 2 "Players": got no unit`},
		{liveBoard, `"legendFormat": "Players",`, "", `panel 2 "Players": query A: got no legend`},
		{liveBoard, `"refId": "B"`, `"refId": "A"`, `got the refId "A", want one of its own`},
		{liveBoard, `"id": 3,`, `"id": 2,`, `panel 2 "Wanted": got such an id`},
		{liveBoard, `"x": 3,`, `"x": 2,`, `got a place where "Players" is already`},
		{liveBoard, `"x": 21,`, `"x": 22,`, "want one within a width of 24"},
		{liveBoard, `"color": "text"`, `"color": "#ffffff"`, `got the colour "#ffffff"`},
		{liveBoard, `instance=~\"$instance\"`, `instance=~\"$rig\"`, "got the variable $rig"},
		{liveBoard, `[$__rate_interval]`, `[30s]`, "got a rate over 30s"},
		{liveBoard, `sum(loadrig_connections{`, `sum(loadrig_connections{{`, "panel 2 \"Players\": query A: "},
		{liveBoard, `sum(loadrig_connections{`, `sum(instance:connections:sum{`, "got instance:connections:sum, want a name that a rule records"},
		{docsFile, "rate(loadrig_schedule_lag_seconds[1m])", "rate(loadrig_schedule_lag_seconds)", "docs/metrics.md: "},
		{docsFile, "loadrig_tick_late_seconds_total[1m]", "tick_late_seconds_total[1m]", `got "tick_late_seconds_total", want one of loadrig's`},
		{liveBoard, `label_values(loadrig_build_info, instance)`, `values(loadrig_build_info)`, "want label_values(metric, label)"},
	} {
		t.Run(c.file+" "+c.want, func(t *testing.T) {
			dir := t.TempDir()
			copyOf(t, dir)
			change(t, filepath.Join(dir, filepath.FromSlash(c.file)), c.old, c.new)
			s := read(dir)
			if strings.HasPrefix(c.want, "promtool") {
				needPromtool(t)
				s.promtool()
			}
			if err := errors.Join(s.errs...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestMissing: each of the files must be there.
func TestMissing(t *testing.T) {
	for _, name := range []string{composeFile, dockerFile, prometheusFile, datasourceFile, dashboardDir, docsFile} {
		dir := t.TempDir()
		copyOf(t, dir)
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(read(dir).errs...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v, want an error that names it", name, err)
		}
	}
}

// copyOf copies what is checked.
func copyOf(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(dir, "deploy"), os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{composeFile, dockerFile, docsFile} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// change replaces the first occurrence of a text in a file, which must be there.
func change(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func needPromtool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("SKIPPED: promtool is not installed: apt-get install prometheus")
	}
}
