//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-rounds 0", "-rounds: got 0, want 1 to 100"},
		{"-seconds NaN", "-seconds: got NaN, want 0.05 to 600"},
		{"-few 10 -many 10", "-many: got 10, want 11 to"},
		{"-connects 10001", "-connects: got 10001, want 1 to 10000"},
		{"-connections 100000000", "descriptors"},
		{"-only nothing", `-only: got "nothing", want some of closed,`},
		{"-procs 0", "-procs: got 0"},
		{"closed", `got the argument "closed", want flags only`},
	} {
		_, err := parse(strings.Fields(c.args))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.args, err, c.want)
		}
	}
}

func TestOptionsChoose(t *testing.T) {
	for _, c := range []struct {
		args               string
		modes, contestants []string
	}{
		{"", []string{modeClosed, modeConnect, modeIdle, modeTLS, modeTLSIdle, modeStory, modeStoryIdle}, unasked()},
		{"-paced", []string{modeClosed, modeConnect, modeIdle, modeTLS, modeTLSIdle, modeStory, modeStoryIdle, modePaced}, unasked()},
		{"-only idle,closed", []string{modeIdle, modeClosed}, unasked()},
		{"-only loadrig,bare", []string{modeClosed, modeConnect, modeIdle, modeTLS, modeTLSIdle, modeStory, modeStoryIdle}, []string{loadrig, bare}},
		{"-only paced,bare -paced", []string{modePaced}, []string{bare}},
	} {
		o, err := parse(strings.Fields(c.args))
		if err != nil || !slices.Equal(o.modes, c.modes) || !slices.Equal(o.contestants, c.contestants) {
			t.Errorf("%q: got %v of %v, %v, want %v of %v", c.args, o.modes, o.contestants, err, c.modes, c.contestants)
		}
	}
}

func TestOptionsQuick(t *testing.T) {
	o, err := parse([]string{"-rounds", "3", "-quick"})
	if err != nil || o.rounds != 3 || o.many != 2500 {
		t.Errorf("got %d rounds and %d connections, %v, want those given, 3, and 2500", o.rounds, o.many, err)
	}
}
