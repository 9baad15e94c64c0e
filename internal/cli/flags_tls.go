package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loadrig/loadrig/rig"
)

// tlsFlags are the flags of wss.
type tlsFlags struct {
	insecure bool
	caCert   string
	cert     string
	key      string
	sni      string
	min      string
	resume   bool
}

func (f *tlsFlags) register(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.insecure, "insecure", "k", false, "accept any certificate of a wss:// server, and of an https:// proxy")
	fs.StringVar(&f.caCert, "cacert", "", "PEM `file` of the authorities that a wss:// server's certificate is checked with (default the system's)")
	fs.StringVar(&f.cert, "cert", "", "PEM `file` with a client certificate; {n} in its name stands for the player's number, so that each has its own")
	fs.StringVar(&f.key, "key", "", "PEM `file` with its private key, {n} as in --cert (default the file of --cert)")
	fs.StringVar(&f.sni, "sni", "", "server `name` to send and to check the certificate for (default the host of --url)")
	fs.StringVar(&f.min, "tls-min", "1.2", "oldest `version` of TLS to accept: 1.0, 1.1, 1.2 or 1.3")
	fs.BoolVar(&f.resume, "tls-resume", true, "players who reconnect resume their own TLS session")
}

var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// build sets what the flags say in c, whose URL and Connections are set; proxy tells that a proxy is spoken to
// over TLS, to which authorities and versions apply too. It reports every mistake.
func (f *tlsFlags) build(c *rig.Config, proxy bool, now time.Time) error {
	var errs []error
	if secure := strings.HasPrefix(strings.ToLower(c.URL), "wss:"); !secure {
		for _, g := range []struct {
			flag, value string
			ok          bool
		}{{"--cacert", f.caCert, proxy}, {"--cert", f.cert, false}, {"--key", f.key, false}, {"--sni", f.sni, false}} {
			if g.value != "" && !g.ok {
				errs = append(errs, fmt.Errorf("%s: got one for %s, which has no TLS; want --url wss://…", g.flag, orEmbedded(c.URL)))
			}
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
	cfg := &tls.Config{InsecureSkipVerify: f.insecure, ServerName: f.sni} // as the flag asks for
	var ok bool
	if cfg.MinVersion, ok = tlsVersions[f.min]; !ok {
		errs = append(errs, fmt.Errorf("--tls-min: got %q, want 1.0, 1.1, 1.2 or 1.3", f.min))
	}
	if f.caCert != "" {
		pool, err := authorities(f.caCert, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("--cacert: %w", err))
		}
		cfg.RootCAs = pool
	}
	if err := f.client(c, cfg, now); err != nil {
		errs = append(errs, err)
	}
	c.Transport.TLS, c.Transport.NoResume = cfg, !f.resume
	return errors.Join(errs...)
}

func orEmbedded(url string) string {
	if url == "" {
		return "the embedded target"
	}
	return rig.SafeURL(url)
}

// client loads the client certificate, or those of all players.
func (f *tlsFlags) client(c *rig.Config, cfg *tls.Config, now time.Time) error {
	if f.cert == "" {
		if f.key != "" {
			return errors.New("--key: got no --cert, whose private key it is to hold")
		}
		return nil
	}
	key := f.key
	if key == "" {
		key = f.cert
	}
	if !strings.Contains(f.cert, "{n}") {
		if strings.Contains(key, "{n}") {
			return fmt.Errorf("--key: got {n} in %s, but --cert %s is one for all", key, f.cert)
		}
		cert, err := clientCertificate(f.cert, key, now)
		if err != nil {
			return err
		}
		cfg.Certificates = []tls.Certificate{*cert}
		return nil
	}
	certs := make([]*tls.Certificate, max(0, c.Connections))
	for n := range certs {
		number := strconv.Itoa(n)
		var err error
		if certs[n], err = clientCertificate(strings.ReplaceAll(f.cert, "{n}", number), strings.ReplaceAll(key, "{n}", number), now); err != nil {
			return fmt.Errorf("%w (player %d of %d)", err, n, c.Connections)
		}
	}
	c.Certificate = func(n int) *tls.Certificate { return certs[n] }
	return nil
}

// clientCertificate reads a certificate and its key, which must be of today and belong together. Errors
// never hold what is in a key's file.
func clientCertificate(certFile, keyFile string, now time.Time) (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("--cert: %w", err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	if len(certificatesIn(certPEM)) == 0 {
		return nil, fmt.Errorf("--cert: got no certificate in %s, want one in PEM, from -----BEGIN CERTIFICATE----- on", certFile)
	}
	if !strings.Contains(string(keyPEM), "PRIVATE KEY-----") {
		return nil, fmt.Errorf("--key: got no private key in %s, want one in PEM, from -----BEGIN PRIVATE KEY----- on", keyFile)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("--cert, --key: %s and %s: %s", certFile, keyFile, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if err := inTime(cert.Leaf, now); err != nil {
		return nil, fmt.Errorf("--cert: %s: %w", certFile, err)
	}
	return &cert, nil
}

func inTime(c *x509.Certificate, now time.Time) error {
	switch {
	case c == nil:
		return nil
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate expired on %s", c.NotAfter.UTC().Format(time.DateTime+" MST"))
	case now.Before(c.NotBefore):
		return fmt.Errorf("the certificate is valid from %s on only", c.NotBefore.UTC().Format(time.DateTime+" MST"))
	default:
		return nil
	}
}

// authorities reads a bundle, of which at least one must be of today.
func authorities(file string, now time.Time) (*x509.CertPool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	var unfit error
	usable := 0
	for _, der := range certificatesIn(b) {
		c, err := x509.ParseCertificate(der)
		if err == nil {
			err = inTime(c, now)
		}
		if err != nil {
			unfit = err
			continue
		}
		pool.AddCert(c)
		usable++
	}
	switch {
	case usable > 0:
		return pool, nil
	case unfit != nil:
		return nil, fmt.Errorf("%s: %w", file, unfit)
	default:
		return nil, fmt.Errorf("got no certificate in %s, want some in PEM, from -----BEGIN CERTIFICATE----- on", file)
	}
}

// certificatesIn gives the certificates of a PEM file, undecoded.
func certificatesIn(b []byte) (ders [][]byte) {
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return ders
		}
		if block.Type == "CERTIFICATE" {
			ders = append(ders, block.Bytes)
		}
	}
}
