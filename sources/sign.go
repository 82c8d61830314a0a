package sources

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"sync"
)

// Signer proves that a worker of the same room wrote a dead letter. A notification
// without an id is known by its place in the broker; replayed, it has another
// place, and carries its identity with it. Without the proof, whoever can publish
// could take the identity of another notification, and suppress it.
type Signer struct{ key func() []byte }

// keyRounds makes it slow to guess the secret from dead letters. It takes 0.1 s,
// once, when the first proof is made or looked at.
const keyRounds = 300_000

// NewSigner makes the signer of all workers that have the secret.
func NewSigner(secret string) *Signer {
	return &Signer{key: sync.OnceValue(func() []byte {
		key, err := pbkdf2.Key(sha256.New, secret, []byte("xmpp-notifier dead letters"), keyRounds, sha256.Size)
		if err != nil { // only with parameters that are not these
			return nil
		}
		return key
	})}
}

// sign makes the proof that body has the identity. Nil makes none.
func (s *Signer) sign(identity string, body []byte) string {
	if s == nil {
		return ""
	}
	sum := sha256.Sum256(body)
	mac := hmac.New(sha256.New, s.key())
	mac.Write([]byte(join(identity, string(sum[:]))))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verify reports whether proof is ours. Nil believes nobody.
func (s *Signer) verify(identity string, body []byte, proof string) bool {
	return s != nil && proof != "" && hmac.Equal([]byte(proof), []byte(s.sign(identity, body)))
}
