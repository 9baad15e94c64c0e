package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// command gives the command line that has a tool do a job against the server at address, and what is to be added to its
// environment. Defaults stay as the tool's makers chose them, but for what would leave this machine (usage reports).
func command(scratch, tool string, j job, address, dir string) (args, env []string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
	fill := map[string]string{
		"URL": strings.TrimSuffix(address, "/"), "PORT": u.Port(), "PLAYERS": strconv.Itoa(j.players), "RATE": strconv.Itoa(j.rate),
		"RAMP": seconds(j.ramp()), "HOLD": seconds(play - j.ramp()), "PERIOD": seconds(j.period),
		"COUNT": strconv.Itoa(int(play / max(j.period, time.Microsecond))), "PHASE": seconds(2*j.ramp() + 5*time.Second),
	}
	for k, v := range fill {
		env = append(env, k+"="+v)
	}
	switch tool {
	case "loadrig", "loadrig-1":
		args := []string{
			filepath.Join(scratch, "loadrig"), "run", "--url", address, "-c", fill["PLAYERS"], "-d", play.String(),
			"--rate", fill["RATE"] + "/s", "--run-dir", filepath.Join(dir, "run"),
		}
		if j.period > 0 {
			args = append(args, "--msg-rate", fmt.Sprintf("%g/m", time.Minute.Seconds()/j.period.Seconds()))
		} else {
			args = append(args, "--traffic", "pingpong")
		}
		if tool == "loadrig-1" {
			args = append(args, "--shards", "1")
		}
		return args, nil, nil
	case "k6":
		return []string{filepath.Join(scratch, "k6"), "run", "--no-usage-report", "k6.js"}, env, nil
	case "locust":
		return []string{
			"locust", "-f", "locustfile.py", "--headless", "--only-summary", "-u", fill["PLAYERS"], "-r", fill["RATE"],
			"-t", seconds(play), "--host", address,
		}, env, nil
	case "artillery":
		script, err := filled("artillery.yaml", dir, fill)
		bin := filepath.Join(scratch, "artillery", "node_modules", ".bin")
		return []string{filepath.Join(bin, "node"), filepath.Join(bin, "artillery"), "run", script}, []string{"ARTILLERY_DISABLE_TELEMETRY=true"}, err
	case "tsung":
		script, err := filled("tsung.xml", dir, fill)
		return []string{"tsung", "-f", script, "-l", dir, "-n", "start"}, []string{"HOME=" + dir, "ERL_EPMD_ADDRESS=127.0.0.1"}, err
	}
	return nil, nil, fmt.Errorf("got tool %q, want loadrig, loadrig-1, k6, artillery, locust or tsung", tool)
}

var pauses = regexp.MustCompile(`(?m)^.*@PERIOD@.*\n`)

// filled writes a copy of a template into dir with the values for what is in @ signs.
func filled(template, dir string, values map[string]string) (string, error) {
	b, err := os.ReadFile(template)
	if err != nil {
		return "", err
	}
	s := string(b)
	if values["PERIOD"] == "0" { // a pause of nothing is refused by some
		s = pauses.ReplaceAllString(s, "")
	}
	for k, v := range values {
		s = strings.ReplaceAll(s, "@"+k+"@", v)
	}
	name := filepath.Join(dir, template)
	return name, os.WriteFile(name, []byte(s), 0o600)
}
