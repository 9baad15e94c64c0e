package transport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	xproxy "golang.org/x/net/proxy"
)

var (
	errProxyGone    = errors.New("it ended the connection before it had answered; is it a proxy?")
	errProxyNotHTTP = errors.New(`want its answer to start with "HTTP/1."; is it an HTTP proxy?`)
	errProxyHead    = fmt.Errorf("got more than %d bytes of its answer without the end", maxHead)
	httpStart       = []byte("HTTP/1.")
)

// connectHTTP asks a proxy for a tunnel to server (RFC 9110 §9.3.6).
func (p *proxy) connectHTTP(rw io.ReadWriter, server, userAgent string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nUser-Agent: %s\r\n", server, userAgent)
	if name, password, given := p.credentials(); given {
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(rw, b.String()); err != nil {
		return p.fail(proxyRefused, err)
	}
	head, err := readHead(rw)
	if err != nil {
		return p.fail(proxyRefused, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return p.fail(proxyRefused, fmt.Errorf("got %q, %w", clip(head), errProxyNotHTTP))
	}
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return p.refused(resp.StatusCode, server)
}

// refused tells what a status of the proxy means. Its own words are not repeated, as they are anybody's.
func (p *proxy) refused(status int, server string) error {
	stage, remedy := proxyRefused, "it does not let through to "+server
	switch {
	case status == http.StatusProxyAuthRequired && p.user == nil:
		remedy = "it wants a user and a password in its URL"
	case status == http.StatusProxyAuthRequired:
		remedy = "it does not take the user and the password in its URL"
	case status >= 500:
		stage, remedy = proxyBeyond, "it cannot reach "+server
	}
	return p.fail(stage, fmt.Errorf("got status %s, want 200; %s", strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status))), remedy))
}

// readHead reads the head of a proxy's answer with its empty line, and no byte more, as what follows is the
// server's: it never asks for more bytes than are missing at least.
func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, 0, 256)
	for {
		seen := len(headEnd) - 1
		for !bytes.HasSuffix(head, headEnd[:seen]) {
			seen--
		}
		missing := len(headEnd) - seen
		if len(head)+missing > maxHead {
			return nil, errProxyHead
		}
		head = append(head, headEnd[:missing]...)
		n, err := r.Read(head[len(head)-missing:])
		head = head[:len(head)-missing+n]
		switch at := min(len(head), len(httpStart)); {
		case !bytes.Equal(head[:at], httpStart[:at]):
			return nil, fmt.Errorf("got %q, %w", clip(head), errProxyNotHTTP)
		case bytes.HasSuffix(head, headEnd):
			return head, nil
		case errors.Is(err, io.EOF):
			return nil, errProxyGone
		case err != nil:
			return nil, err
		}
	}
}

// open is a connection that golang.org/x/net/proxy is to use instead of dialing one.
type open struct{ net.Conn }

// Dial implements xproxy.Dialer.
func (o open) Dial(string, string) (net.Conn, error) { return o.Conn, nil }

// DialContext implements xproxy.ContextDialer.
func (o open) DialContext(context.Context, string, string) (net.Conn, error) { return o.Conn, nil }

// socksBeyond are the answers that say that the server could not be reached (RFC 1928 §6), in the words of
// golang.org/x/net.
var socksBeyond = []string{
	"general SOCKS server failure", "network unreachable", "host unreachable", "connection refused", "TTL expired", "address type not supported",
}

// connectSOCKS asks a SOCKS5 proxy for a tunnel to server.
func (p *proxy) connectSOCKS(ctx context.Context, wire net.Conn, server string) error {
	var auth *xproxy.Auth
	if name, password, given := p.credentials(); given {
		auth = &xproxy.Auth{User: name, Password: password}
	}
	d, err := xproxy.SOCKS5("tcp", p.at.String(), auth, open{wire})
	if err != nil {
		return p.fail(proxyRefused, err)
	}
	_, err = d.(xproxy.ContextDialer).DialContext(ctx, "tcp", server)
	if err == nil {
		return nil
	}
	var op *net.OpError
	if errors.As(err, &op) && strings.HasPrefix(op.Op, "socks") {
		err = op.Err // it has the addresses again
	}
	text := strings.TrimPrefix(err.Error(), "unknown error ")
	for _, beyond := range socksBeyond {
		if text == beyond {
			return p.fail(proxyBeyond, fmt.Errorf("socks5: it cannot reach %s: %s", server, text))
		}
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errProxyGone
	case text != err.Error():
		err = errors.New(text)
	case text == "no acceptable authentication methods" && auth == nil:
		err = errors.New("it wants a user and a password in its URL")
	}
	return p.fail(proxyRefused, fmt.Errorf("socks5: %w", err))
}
