package testbed

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"path/filepath"

	"github.com/segmentio/kafka-go"
)

// The account of a secure Kafka, for SASL PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
const (
	KafkaUser     = "worker"
	KafkaPassword = "worker-pw"
)

// KafkaSecurity is the listeners of a Kafka that ask for more than plain text.
type KafkaSecurity struct {
	TLS       string // host:port: TLS
	MutualTLS string // host:port: TLS with a client certificate
	SASL      string // host:port: SASL without TLS
	SASLTLS   string // host:port: SASL over TLS

	CAFile            string // the CA of the brokers' certificate, which is good for 127.0.0.1 alone
	CertFile, KeyFile string // a client certificate of that CA
	KeyStore          string // the broker's key and certificate
	User, Password    string // KafkaUser and KafkaPassword
}

// prepareKafkaSecurity makes certificates and finds ports. It returns nil if
// nothing was asked for.
func prepareKafkaSecurity(ctx context.Context, o Options) (*KafkaSecurity, error) {
	if !o.Secure {
		return nil, nil
	}
	ca := o.CA
	if ca == nil {
		var err error
		if ca, err = NewCA(); err != nil {
			return nil, err
		}
	}
	certs := filepath.Join(o.Dir, "certs")
	if err := ca.Issue(certs, "127.0.0.1"); err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(ctx, 4)
	if err != nil {
		return nil, err
	}
	return &KafkaSecurity{
		TLS: addrs[0], MutualTLS: addrs[1], SASL: addrs[2], SASLTLS: addrs[3],
		CAFile: filepath.Join(certs, "ca.crt"), KeyStore: filepath.Join(certs, "server.pem"),
		CertFile: filepath.Join(certs, "server.crt"), KeyFile: filepath.Join(certs, "server.key"),
		User: KafkaUser, Password: KafkaPassword,
	}, nil
}

// addScramUser tells a secure broker the account. It keeps it over restarts.
func (k *KafkaBroker) addScramUser(ctx context.Context) error {
	if k.Secure == nil {
		return nil
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(k.Addr), Transport: transport}
	sha256, err256 := scramUser(kafka.ScramMechanismSha256, sha256.New)
	sha512, err512 := scramUser(kafka.ScramMechanismSha512, sha512.New)
	if err := errors.Join(err256, err512); err != nil {
		return err
	}
	var errs []error
	for _, account := range []kafka.UserScramCredentialsUpsertion{sha256, sha512} { // one at a time is all it takes
		response, err := client.AlterUserScramCredentials(ctx, &kafka.AlterUserScramCredentialsRequest{
			Upsertions: []kafka.UserScramCredentialsUpsertion{account},
		})
		if err != nil {
			return fmt.Errorf("add account: %w", err)
		}
		for _, result := range response.Results {
			errs = append(errs, result.Error)
		}
	}
	return errors.Join(errs...)
}

func scramUser[H hash.Hash](mechanism kafka.ScramMechanism, newHash func() H) (kafka.UserScramCredentialsUpsertion, error) {
	const rounds = 4096 // the least that Kafka takes
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(newHash, KafkaPassword, salt, rounds, newHash().Size())
	if err != nil {
		return kafka.UserScramCredentialsUpsertion{}, fmt.Errorf("derive password: %w", err)
	}
	return kafka.UserScramCredentialsUpsertion{
		Name: KafkaUser, Mechanism: mechanism, Iterations: rounds, Salt: salt, SaltedPassword: salted,
	}, nil
}
