package wstest

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
)

// HTTPProxy is the script of a proxy for HTTP CONNECT. It lets in who has the credentials, "user:password", and
// anybody where there are none; asked, if it is not nil, is told of each request.
func HTTPProxy(credentials string, asked func(*http.Request)) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if asked != nil {
			asked(r)
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
		switch {
		case r.Method != http.MethodConnect:
			_, _ = io.WriteString(c, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		case credentials != "" && r.Header.Get("Proxy-Authorization") != want:
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
		default:
			up, err := net.Dial("tcp", r.Host)
			if err != nil {
				_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: 1.1 wstest\r\n\r\n")
			splice(c, br, up)
		}
	}
}

// SOCKSProxy is the script of a SOCKS5 proxy (RFC 1928, RFC 1929); see HTTPProxy. asked is told host:port.
func SOCKSProxy(credentials string, asked func(server string)) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 255)
		var failed error
		read := func(n int) []byte {
			if failed == nil {
				_, failed = io.ReadFull(c, b[:n])
			}
			return b[:n]
		}
		if !socksAuth(c, credentials) {
			return
		}
		var host string
		switch read(4)[3] {
		case 1:
			host = netip.AddrFrom4([4]byte(read(4))).String()
		case 4:
			host = netip.AddrFrom16([16]byte(read(16))).String()
		default:
			host = string(read(int(read(1)[0])))
		}
		server := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(2)))))
		if failed != nil {
			return
		}
		if asked != nil {
			asked(server)
		}
		up, err := net.Dial("tcp", server)
		if err != nil {
			_, _ = c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0}) // connection refused
			return
		}
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		splice(c, c, up)
	}
}

// socksAuth agrees on a method and carries it out.
func socksAuth(c net.Conn, credentials string) bool {
	b := make([]byte, 2+255+1+255)
	if _, err := io.ReadFull(c, b[:2]); err != nil {
		return false
	}
	methods := b[2 : 2+int(b[1])]
	if _, err := io.ReadFull(c, methods); err != nil {
		return false
	}
	if credentials == "" {
		_, err := c.Write([]byte{5, 0})
		return err == nil
	}
	for _, m := range methods {
		if m != 2 {
			continue
		}
		if _, err := c.Write([]byte{5, 2}); err != nil {
			return false
		}
		if _, err := io.ReadFull(c, b[:2]); err != nil {
			return false
		}
		user := make([]byte, b[1]+1)
		if _, err := io.ReadFull(c, user); err != nil {
			return false
		}
		password := make([]byte, user[len(user)-1])
		if _, err := io.ReadFull(c, password); err != nil {
			return false
		}
		if string(user[:len(user)-1])+":"+string(password) == credentials {
			_, err := c.Write([]byte{1, 0})
			return err == nil
		}
		_, _ = c.Write([]byte{1, 1})
		return false
	}
	_, _ = c.Write([]byte{5, 0xff})
	return false
}

// splice copies between two connections until both are at their end, or one fails, and closes up.
func splice(c net.Conn, from io.Reader, up net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := io.Copy(up, from); err != nil {
			_ = up.Close()
			return
		}
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	_, err := io.Copy(c, up)
	if half, ok := c.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
	} else {
		_ = c.Close()
	}
	<-done
	_ = up.Close()
}
