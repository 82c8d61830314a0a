package testbed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// CA is a certificate authority for one test run.
type CA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// NewCA makes a certificate authority. It lives in memory and for a day.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	template := validity(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "xmpp-notifier test CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	})
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read CA certificate: %w", err)
	}
	return &CA{certificate, key, block("CERTIFICATE", der)}, nil
}

// PEM is the CA's certificate, which clients need to trust.
func (ca *CA) PEM() []byte { return bytes.Clone(ca.pem) }

// Issue writes a certificate for hosts (names and IP addresses) to dir, good
// for servers and clients, in the arrangements that servers ask for:
//
//	ca.crt         the CA's certificate
//	server.crt     the server's certificate
//	server.key     its key
//	fullchain.pem  certificate and CA
//	server.pem     certificate, key and CA
func (ca *CA) Issue(dir string, hosts ...string) error {
	return ca.IssueUntil(time.Now().Add(90*24*time.Hour), dir, hosts...)
}

// IssueUntil is Issue for a certificate that ends at a certain time, which may
// be in the past.
func (ca *CA) IssueUntil(end time.Time, dir string, hosts ...string) error {
	return ca.issue(end, dir, hosts[0], hosts)
}

// issueWithoutNames is Issue for a certificate with no more than a common name, which
// clients do not look at any more.
func (ca *CA) issueWithoutNames(dir, name string) error {
	return ca.issue(time.Now().Add(90*24*time.Hour), dir, name, nil)
}

func (ca *CA) issue(end time.Time, dir, name string, hosts []string) error {
	crt, key, err := ca.sign(end, name, hosts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create certificate folder: %w", err)
	}
	for name, parts := range map[string][][]byte{
		"ca.crt":        {ca.pem},
		"server.crt":    {crt},
		"server.key":    {key},
		"fullchain.pem": {crt, ca.pem},
		"server.pem":    {crt, key, ca.pem},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Join(parts, nil), 0o600); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
	}
	return nil
}

func (ca *CA) sign(end time.Time, name string, hosts []string) (crt, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make server key: %w", err)
	}
	template := validity(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	template.NotAfter = end
	if template.NotBefore.After(end) {
		template.NotBefore = end.Add(-time.Hour)
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		return nil, nil, fmt.Errorf("make server certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode server key: %w", err)
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8), nil
}

func validity(template *x509.Certificate) *x509.Certificate {
	now := time.Now()
	template.SerialNumber = big.NewInt(now.UnixNano())
	template.NotBefore = now.Add(-time.Hour)
	template.NotAfter = now.Add(24 * time.Hour)
	return template
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
