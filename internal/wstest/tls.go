package wstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// Certificate gives a certificate for localhost and 127.0.0.1, and a pool that trusts it. It is made once
// a process.
var Certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "wstest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
})

// ServeTLS is Serve over TLS with the certificate of Certificate.
func ServeTLS(t testing.TB, script func(net.Conn)) *Server {
	t.Helper()
	cert, _ := Certificate()
	return ServeTLSConfig(t, &tls.Config{Certificates: []tls.Certificate{cert}}, script)
}

// ServeTLSConfig is ServeTLS with a configuration of one's own.
func ServeTLSConfig(t testing.TB, cfg *tls.Config, script func(net.Conn)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return serveTLSOn(t, ln, cfg, script)
}

// ServeTLSOn is ServeTLS on a given listener.
func ServeTLSOn(t testing.TB, ln net.Listener, script func(net.Conn)) *Server {
	t.Helper()
	cert, _ := Certificate()
	return serveTLSOn(t, ln, &tls.Config{Certificates: []tls.Certificate{cert}}, script)
}

func serveTLSOn(t testing.TB, ln net.Listener, cfg *tls.Config, script func(net.Conn)) *Server {
	s := newServer(t, tls.NewListener(ln, cfg), script)
	s.scheme = "wss"
	return s
}
