//go:build linux

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// tlsServer echoes over TLS, a goroutine for each connection. It is plain rather than fast: what it costs
// is not counted.
type tlsServer struct {
	ln   net.Listener
	live atomic.Int64
}

func listenTLS() (*tlsServer, error) {
	cert, err := selfSigned()
	if err != nil {
		return nil, err
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return nil, err
	}
	s := &tlsServer{ln: ln}
	go s.serve()
	return s, nil
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func (s *tlsServer) url() string { return "wss://" + s.ln.Addr().String() + "/" }
func (s *tlsServer) open() int   { return int(s.live.Load()) }
func (s *tlsServer) close()      { _ = s.ln.Close() }

func (s *tlsServer) serve() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.live.Add(1)
		go func() {
			defer s.live.Add(-1)
			defer c.Close()
			s.echo(c)
		}()
	}
}

func (s *tlsServer) echo(c net.Conn) {
	if _, err := ws.Upgrade(c); err != nil {
		return
	}
	r := bufio.NewReaderSize(c, 512)
	for {
		f, err := ws.ReadFrame(r)
		if err != nil {
			return
		}
		out, err := ws.CompileFrame(ws.NewFrame(f.Header.OpCode, true, ws.UnmaskFrameInPlace(f).Payload))
		if err != nil {
			return
		}
		if _, err := c.Write(out); err != nil || f.Header.OpCode == ws.OpClose {
			return
		}
	}
}
