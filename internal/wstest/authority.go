package wstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates, for servers and clients, good ones and bad ones.
type Authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// NewAuthority makes an authority that is valid for an hour.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, next: 1}
	a.key = a.newKey()
	template := a.template("wstest authority", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	a.must(err)
	a.cert, err = x509.ParseCertificate(der)
	a.must(err)
	return a
}

// Issue makes a certificate for localhost, 127.0.0.1 and ::1, for servers and clients, with its key.
func (a *Authority) Issue(name string, from, to time.Time) (certPEM, keyPEM []byte) {
	a.t.Helper()
	key := a.newKey()
	template := a.template(name, from, to)
	template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	a.must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	a.must(err)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8)
}

// PEM gives the authority's own certificate.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.cert.Raw) }

// Pool trusts the authority and nobody else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Demanding is the configuration of a server that wants a certificate of this authority from its clients.
func (a *Authority) Demanding() *tls.Config {
	a.t.Helper()
	cert, err := tls.X509KeyPair(a.Issue("server", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	a.must(err)
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool()}
}

// WriteFiles writes to dir: ca.pem; NAME.pem and NAME.key of each of names; expired.pem and future.pem with
// their keys; and empty.pem.
func (a *Authority) WriteFiles(dir string, names ...string) {
	a.t.Helper()
	write := func(name string, b []byte) { a.must(os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	issue := func(name string, from, to time.Time) {
		cert, key := a.Issue(name, from, to)
		write(name+".pem", cert)
		write(name+".key", key)
	}
	now := time.Now()
	write("ca.pem", a.PEM())
	write("empty.pem", nil)
	issue("expired", now.Add(-2*time.Hour), now.Add(-time.Hour))
	issue("future", now.Add(time.Hour), now.Add(2*time.Hour))
	for _, name := range names {
		issue(name, now.Add(-time.Hour), now.Add(time.Hour))
	}
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	return key
}

func (a *Authority) template(name string, from, to time.Time) *x509.Certificate {
	a.next++
	return &x509.Certificate{SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to}
}

func (a *Authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
