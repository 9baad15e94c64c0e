package transport

import (
	"crypto/tls"
	"sync"
)

// Jar is what one player keeps from a connection to the next: the session of TLS that a reconnection may
// resume, and with Options.Cookies the server's cookies. The zero Jar is empty and ready to use. It must not
// be copied, and serves one player only, whose connections follow each other: resuming another's session would
// spare the server work that real players cause.
type Jar struct {
	// Owned by the player's loop.
	cookies *cookies // nil until there are some

	// Guarded by mu, as the handshakes of a player's last connection and of this one may overlap.
	mu      sync.Mutex
	host    string // whose session it is
	session *tls.ClientSessionState
}

// sessions is a Jar as crypto/tls sees it: a tls.ClientSessionCache of one session.
type sessions Jar

// Get implements tls.ClientSessionCache.
func (s *sessions) Get(host string) (*tls.ClientSessionState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil || s.host != host {
		return nil, false
	}
	return s.session, true
}

// Put implements tls.ClientSessionCache.
func (s *sessions) Put(host string, session *tls.ClientSessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.session = host, session
}

// KeepsFrom tells whether a connection to this URL leaves anything in a Jar, so that players who need
// none have none. The URL must be valid.
func (n *Network) KeepsFrom(url string) bool {
	return n.opts.Cookies || (!n.opts.NoResume && isSecure(url))
}
