package sinktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a certificate authority and the server certificate that it signed.
type Authority struct {
	root   *x509.Certificate
	server tls.Certificate
}

// NewAuthority makes both on the spot. Servers may share them (Config.Authority).
func NewAuthority(names []string, notAfter time.Time) (*Authority, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority key: %w", err)
	}
	lasting := time.Now().Add(24 * time.Hour)
	if notAfter.After(lasting) {
		lasting = notAfter
	}
	root := template(1, "sinktest CA", lasting)
	root.IsCA, root.BasicConstraintsValid = true, true
	root.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	root, err = sign(root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, fmt.Errorf("make authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make server key: %w", err)
	}
	leaf, err := sign(leafTemplate(names, notAfter), root, &key.PublicKey, rootKey)
	if err != nil {
		return nil, fmt.Errorf("make server certificate: %w", err)
	}
	server := tls.Certificate{Certificate: [][]byte{leaf.Raw, root.Raw}, PrivateKey: key, Leaf: leaf}
	return &Authority{root: root, server: server}, nil
}

func leafTemplate(names []string, notAfter time.Time) *x509.Certificate {
	leaf := template(2, names[0], notAfter)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if name == "" {
			continue // no subjectAltName at all
		}
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	return leaf
}

func template(serial int64, name string, notAfter time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     notAfter,
	}
}

func sign(cert, parent *x509.Certificate, pub *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// tlsConfig is that of both listeners.
func (a *Authority) tlsConfig(newest uint16) *tls.Config {
	return &tls.Config{ //nolint:gosec // an old server is one of the faults
		Certificates: []tls.Certificate{a.server},
		MinVersion:   tls.VersionTLS10,
		MaxVersion:   newest,
		NextProtos:   []string{"xmpp-client"},
	}
}

// CAPEM returns the certificate of the authority.
func (a *Authority) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// ServerPEM returns the certificate of the server.
func (a *Authority) ServerPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Leaf.Raw})
}

// CAPEM returns the certificate of the server's own authority.
func (s *Server) CAPEM() []byte { return s.ca.CAPEM() }

// CertPool returns a pool that trusts the server's own authority and nobody else.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.root)
	return pool
}
