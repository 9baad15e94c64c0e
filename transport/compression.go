package transport

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Compression offers permessage-deflate (RFC 7692) in the opening handshake. The zero value works: it
// offers what needs no memory between messages. A server that does not take the offer is talked to
// without compression; messages.Opened says what was agreed on.
type Compression struct {
	// Takeover lets each side refer back to its earlier messages (context takeover), which makes small
	// messages that are much alike a good deal smaller. It costs each connection up to the server's window,
	// 32 KiB by default, and 8 KiB more for what was sent. Default false: the server is asked for
	// server_no_context_takeover, and one that takes the offer without it is refused; nothing is kept of a
	// connection between messages.
	Takeover bool

	// ServerWindow is the largest window that the server may use, as its base-2 logarithm, 8 to 15. A
	// server that takes the offer without a window as small as that is refused. Default 0: up to the server.
	ServerWindow int
	// ClientWindow is the largest window that is used for sending, likewise. The server may ask for a
	// smaller one, whatever is set here. Default 0: 15, that is 32 KiB.
	ClientWindow int

	// Threshold is the size in bytes from which on messages are sent compressed; smaller ones are sent as
	// they are. Default 0: all are compressed, those that grow by it too.
	Threshold int
}

const (
	minWindowBits = 8
	maxWindowBits = 15
)

// The names of RFC 7692 §7.
const (
	permessageDeflate       = "permessage-deflate"
	serverNoContextTakeover = "server_no_context_takeover"
	clientNoContextTakeover = "client_no_context_takeover"
	serverMaxWindowBits     = "server_max_window_bits"
	clientMaxWindowBits     = "client_max_window_bits"
)

// validate reports every mistake in o at once. Nil is valid.
func (o *Compression) validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	for _, w := range []struct {
		name string
		bits int
	}{{"server window", o.ServerWindow}, {"client window", o.ClientWindow}} {
		if w.bits != 0 && (w.bits < minWindowBits || w.bits > maxWindowBits) {
			errs = append(errs, fmt.Errorf("compress: %s: got %d bits, want %d to %d, or 0 for no limit", w.name, w.bits, minWindowBits, maxWindowBits))
		}
	}
	if o.Threshold < 0 {
		errs = append(errs, fmt.Errorf("compress: threshold: got %d bytes, want 0 or more", o.Threshold))
	}
	return errors.Join(errs...)
}

// offer gives the header line that offers o, empty if o is nil.
func (o *Compression) offer() []byte {
	if o == nil {
		return nil
	}
	var params []string
	if !o.Takeover {
		params = append(params, serverNoContextTakeover, clientNoContextTakeover)
	}
	if o.ServerWindow != 0 {
		params = append(params, serverMaxWindowBits+"="+strconv.Itoa(o.ServerWindow))
	}
	// Without a value it says that the server may ask for a smaller window, as browsers do.
	client := clientMaxWindowBits
	if o.ClientWindow != 0 {
		client += "=" + strconv.Itoa(o.ClientWindow)
	}
	params = append(params, client)
	return fmt.Appendf(nil, "Sec-WebSocket-Extensions: %s; %s\r\n", permessageDeflate, strings.Join(params, "; "))
}
