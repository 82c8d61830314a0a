package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// forge has a stranger show a message with the id that a worker without a key would
// give the notification.
func (w *world) forge(n Notification) {
	if n.ID && !n.Malformed {
		w.server.PostAs("forger", forgedID(n.delivery().Identity()), "this is not it")
	}
}

// delivery is the message as a worker reads it.
func (n Notification) delivery() *sources.Delivery {
	d := sources.NewDelivery(sources.Message{Raw: envelope.Raw{Body: []byte(n.body())}}, nil)
	d.Decode(envelope.Decoder{})
	return d
}

// forgedID is the id of a notification, by the method of all ids and no key.
func forgedID(identity string) string {
	hash := func(text string) []byte {
		mac := hmac.New(sha256.New, nil)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	name := hash("n" + identity)[:12]
	tag := hash("t" + string(name))[:9]
	return base64.RawURLEncoding.EncodeToString(append(name, tag...))
}
