package messages

// Cause says why a connection, or the attempt to open one, ended. It is also the value of a metric
// label, so the list is closed.
type Cause uint8

// The causes.
const (
	CauseNone           Cause = iota // has not ended
	CauseLocal                       // a Disconnect command
	CauseRemote                      // the peer sent a close frame first
	CauseResolve                     // the name could not be looked up
	CauseRefused                     // TCP connect refused, or the host or network is unreachable
	CauseConnectTimeout              // the opening handshake did not end in time, in any of its phases
	CauseTLS                         // the TLS handshake failed
	CauseUpgradeStatus               // the server answered with another status than 101
	CauseUpgradeInvalid              // the answer to the upgrade broke RFC 6455 or HTTP
	CauseReset                       // the peer reset the TCP connection
	CauseEOF                         // the peer ended TCP without a close frame
	CauseIdleTimeout                 // nothing was received for the idle timeout
	CauseWriteTimeout                // the socket took nothing for the write timeout
	CauseProtocolError               // the peer broke the framing rules; closed with 1002
	CauseBadUTF8                     // the peer sent text that is not UTF-8; closed with 1007
	CauseTooBig                      // the peer sent more than the message limit; closed with 1009
	CauseBacklog                     // the peer did not read and the backlog's policy is to disconnect
	CauseAuth                        // no token or no auth context could be had
	CauseLocalResource               // this machine ran out: descriptors, ports, memory
	CauseInternal                    // a panic in the player, or a bug
	CauseShutdown                    // the rig stopped
	CauseProxy                       // the proxy refused, or could not reach the server
	CauseRedirect                    // the server answered the upgrade with another address; it is not followed
	NumCauses           = 23
)

var causeNames = [NumCauses]string{
	"none", "local", "remote", "resolve", "refused", "connect_timeout", "tls", "upgrade_status",
	"upgrade_invalid", "reset", "eof", "idle_timeout", "write_timeout", "protocol_error", "bad_utf8",
	"too_big", "backlog", "auth", "local_resource", "internal", "shutdown",
	"proxy", "redirect",
}

// String gives the metric label.
func (c Cause) String() string { return nameOf(causeNames[:], int(c)) }

// Causes lists all causes a connection can end with.
func Causes() []Cause {
	cs := make([]Cause, 0, NumCauses-1)
	for c := CauseLocal; c < NumCauses; c++ {
		cs = append(cs, c)
	}
	return cs
}

// Initiator says which side ended a connection.
type Initiator uint8

// The sides.
const (
	InitiatorLocal  Initiator = iota // this side closed or gave up, for whatever reason
	InitiatorRemote                  // the peer, or the network between
)

// String gives the metric label: local or remote.
func (i Initiator) String() string { return nameOf([]string{"local", "remote"}, int(i)) }

// Initiator tells who ended a connection that has this cause. A peer that breaks the protocol is cut
// off by this side, so those causes are local.
func (c Cause) Initiator() Initiator {
	switch c {
	case CauseRemote, CauseRefused, CauseUpgradeStatus, CauseReset, CauseEOF, CauseProxy, CauseRedirect:
		return InitiatorRemote
	default:
		return InitiatorLocal
	}
}

// Expected tells causes that are part of a run's plan from those that are failures.
func (c Cause) Expected() bool { return c == CauseLocal || c == CauseShutdown }

// OfRig tells causes that say something about this machine or this program, and nothing about the
// server.
func (c Cause) OfRig() bool { return c == CauseLocalResource || c == CauseInternal }
