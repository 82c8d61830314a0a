package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// newTLS is nil without TLS.
func newTLS(cfg Config) (*tls.Config, error) {
	if !cfg.TLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read KAFKA_CA: %s holds no PEM certificate", cfg.CA)
		}
	}
	if cfg.Cert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_CERT and KAFKA_KEY: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// newMechanism is nil without SASL.
func newMechanism(cfg Config) (sasl.Mechanism, error) {
	password := cfg.Password.Reveal()
	var algorithm scram.Algorithm
	switch cfg.SASL {
	case saslNone:
		return nil, nil
	case saslOAuth:
		return bearer{cfg.tokens()}, nil
	case saslPlain:
		return plain.Mechanism{Username: cfg.User, Password: password}, nil
	case sasl256:
		algorithm = scram.SHA256
	default:
		algorithm = scram.SHA512
	}
	mechanism, err := scram.Mechanism(algorithm, cfg.User, password)
	if err != nil { // it shows the password
		return nil, fmt.Errorf("KAFKA_USER or KAFKA_PASSWORD has a character that SASLprep (RFC 4013) forbids, which %s needs", cfg.SASL)
	}
	return mechanism, nil
}
