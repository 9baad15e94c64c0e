package transport

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Bounds of what a server can have a player keep. RFC 6265 §6.1 asks for room for 50 cookies of a domain; the
// head of an answer, which is where they come from, holds 16 KiB.
const (
	maxCookies     = 50
	maxCookieBytes = maxHead
)

// cookies are those of one player.
type cookies struct {
	jar   *cookiejar.Jar
	kept  map[string]int // the size of each, by name, domain and path
	bytes int
}

// keepCookies keeps the cookies that came from a URL, as net/http has it. When it is too many it starts afresh
// with those.
func (j *Jar) keepCookies(from *url.URL, lines []string) {
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			continue
		}
		if j.cookies == nil || !j.cookies.room(c, len(line)) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				return
			}
			j.cookies = &cookies{jar: jar, kept: make(map[string]int)}
			j.cookies.room(c, len(line))
		}
		j.cookies.jar.SetCookies(from, []*http.Cookie{c})
	}
}

// room makes room for c, whose line has size bytes; false if there is none.
func (k *cookies) room(c *http.Cookie, size int) bool {
	key := c.Name + "\x00" + c.Domain + "\x00" + c.Path
	had, has := k.kept[key]
	if c.MaxAge < 0 {
		delete(k.kept, key)
		k.bytes -= had
		return true
	}
	if k.bytes-had+size > maxCookieBytes || (!has && len(k.kept) >= maxCookies) {
		return false
	}
	k.bytes += size - had
	k.kept[key] = size
	return true
}

// cookies gives what belongs into the one Cookie header of the request: what was given with the headers, what
// the auth context adds, and what the player has kept.
func (hs *handshake) cookies(auth []string) string {
	all := append(hs.target.cookies[:len(hs.target.cookies):len(hs.target.cookies)], auth...)
	if hs.jar != nil && hs.jar.cookies != nil {
		for _, c := range hs.jar.cookies.jar.Cookies(hs.target.origin) {
			all = append(all, c.String())
		}
	}
	return strings.Join(all, "; ")
}
