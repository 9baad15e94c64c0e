package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/loadrig/loadrig/internal/wstest"
	"github.com/loadrig/loadrig/messages"
)

// TestCookies: what a server sets, also in a refusal, comes with the player's next handshake, in one header with
// what was given; another player has none of it, and nor does anybody without the option.
func TestCookies(t *testing.T) {
	eachEngine(t, func(t *testing.T, e Engine) {
		type visit struct {
			status int
			set    []string
		}
		visits := make(chan visit, 1)
		saw := make(chan []string, 1)
		srv := wstest.Serve(t, func(c net.Conn) {
			v := <-visits
			if v.status == 101 {
				var lines []string
				for _, s := range v.set {
					lines = append(lines, "Set-Cookie: "+s)
				}
				if r, err := wstest.Accept(c, lines...); err == nil {
					saw <- r.Header["Cookie"]
					_ = wstest.EchoFrames(c)
				}
				return
			}
			says(fmt.Sprintf("HTTP/1.1 %d x\r\nSet-Cookie: %s\r\n\r\n", v.status, strings.Join(v.set, "\r\nSet-Cookie: ")))(c)
		})
		given := &messages.Connect{URL: srv.URL() + "game/x", Headers: http.Header{"cookie": {"given=1", "too=2"}}}
		authorizing := &messages.Connect{URL: srv.URL() + "game/x", Auth: authorized(func(context.Context) (http.Header, error) {
			return http.Header{"Cookie": {"auth=3"}}, nil
		})}
		b := newLab(t, Options{Engine: e, Cookies: true})
		visitAs := func(b *lab, jar *Jar, connect *messages.Connect, v visit) []string {
			t.Helper()
			visits <- v
			p := b.player()
			p.jar = jar
			p.dial(connect)
			if v.status != 101 {
				if m := p.awaitClosed(); m.Status != v.status {
					t.Errorf("got %s, %v, want status %d", m.Cause, m.Err, v.status)
				}
				return nil
			}
			roundTrip(t, waitOpen(p))
			return await(t, saw, "the server")
		}
		var one, another Jar
		for i, c := range []struct {
			jar     *Jar
			connect *messages.Connect
			visit   visit
			want    string
		}{
			{&one, given, visit{101, []string{"a=1; Path=/game/", "c=3; Domain=other.example", `q="quoted"`, "not a cookie"}}, "given=1; too=2"},
			{&one, given, visit{403, []string{"d=4"}}, ""},
			{&one, given, visit{101, []string{"d=5; Path=/", "a=; Max-Age=0; Path=/game/"}}, `given=1; too=2; a=1; q="quoted"; d=4`},
			{&one, authorizing, visit{302, []string{"e=6\r\nLocation: /"}}, ""},
			{&one, authorizing, visit{101, nil}, `auth=3; q="quoted"; d=4; e=6; d=5`},
			{&another, given, visit{101, nil}, "given=1; too=2"},
			{nil, given, visit{101, []string{"f=7"}}, "given=1; too=2"},
		} {
			got := visitAs(b, c.jar, c.connect, c.visit)
			if c.want != "" && (len(got) != 1 || got[0] != c.want) {
				t.Errorf("visit %d: got %q, want one header: %s", i, got, c.want)
			}
		}
		without := newLab(t, Options{Engine: e})
		var jar Jar
		visitAs(without, &jar, given, visit{101, []string{"a=1"}})
		if got := visitAs(without, &jar, &messages.Connect{URL: srv.URL()}, visit{101, nil}); got != nil || jar.cookies != nil {
			t.Errorf("without the option: got %q", got)
		}
	})
}

// TestCookiesOverTLS: a secure cookie comes back over wss, and over ws to this machine only.
func TestCookiesOverTLS(t *testing.T) {
	_, pool := wstest.Certificate()
	eachEngine(t, func(t *testing.T, e Engine) {
		saw := make(chan []string, 1)
		srv := wstest.ServeTLS(t, func(c net.Conn) {
			if r, err := wstest.Accept(c, "Set-Cookie: s=1; Secure; HttpOnly; SameSite=Strict"); err == nil {
				saw <- r.Header["Cookie"]
				_ = wstest.EchoFrames(c)
			}
		})
		b := newLab(t, Options{Engine: e, Cookies: true, TLS: &tls.Config{RootCAs: pool}})
		var jar Jar
		for _, want := range []string{"", "s=1"} {
			p := b.player()
			p.jar = &jar
			roundTrip(t, waitOpen(p.dial(&messages.Connect{URL: srv.URL()})))
			if got := strings.Join(await(t, saw, "the server"), "|"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		for rawURL, want := range map[string]string{"wss://game.example/": "s=1", "ws://game.example/": "", "wss://other.example/": ""} {
			tgt, err := compile(&messages.Connect{URL: rawURL}, "")
			if err != nil {
				t.Fatal(err)
			}
			var jar Jar
			jar.keepCookies(&url.URL{Scheme: "https", Host: "game.example"}, []string{"s=1; Secure"})
			hs := handshake{target: tgt, jar: &jar}
			if got := hs.cookies(nil); got != want {
				t.Errorf("%s: got %q, want %q", rawURL, got, want)
			}
		}
	})
}

// TestCookiesBounded: whatever a server sets, a jar holds no more than its bounds, and always what came last.
func TestCookiesBounded(t *testing.T) {
	from := &url.URL{Scheme: "http", Host: "game.example", Path: "/"}
	for _, c := range []struct {
		name  string
		value func(i int) string
	}{
		{"many", func(i int) string { return fmt.Sprintf("n%d=x", i) }},
		{"large", func(i int) string { return fmt.Sprintf("n%d=%s", i, strings.Repeat("x", 4000)) }},
		{"other paths", func(i int) string { return fmt.Sprintf("n=x; Path=/%d", i) }},
		{"refused ones", func(i int) string { return fmt.Sprintf("n%d=x; Domain=other.example", i) }},
		{"one that grows", func(i int) string { return "n=" + strings.Repeat("x", i*10) }},
	} {
		var j Jar
		for i := range 1000 {
			j.keepCookies(from, []string{c.value(i)})
			k := j.cookies
			sum := 0
			for _, size := range k.kept {
				sum += size
			}
			if len(k.kept) > maxCookies || k.bytes > maxCookieBytes || sum != k.bytes || len(k.kept) == 0 {
				t.Fatalf("%s: after %d: %d cookies of %d bytes, counted %d", c.name, i+1, len(k.kept), sum, k.bytes)
			}
		}
	}
	var j Jar
	j.keepCookies(from, []string{"a=1", "a=1; Max-Age=0"})
	if len(j.cookies.kept) != 0 || j.cookies.bytes != 0 || len(j.cookies.jar.Cookies(from)) != 0 {
		t.Errorf("a cookie that was taken back is still there: %+v", j.cookies)
	}
}

func TestKeepsFrom(t *testing.T) {
	for _, c := range []struct {
		o    Options
		url  string
		want bool
	}{
		{Options{}, "ws://x", false},
		{Options{}, "wss://x", true},
		{Options{NoResume: true}, "wss://x", false},
		{Options{NoResume: true, Cookies: true}, "ws://x", true},
	} {
		n, err := NewNetwork(c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.KeepsFrom(c.url); got != c.want {
			t.Errorf("%+v, %s: got %v, want %v", c.o, c.url, got, c.want)
		}
	}
}
