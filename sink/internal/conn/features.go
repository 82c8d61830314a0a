package conn

import (
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// features is what a server offers on a stream.
type features struct {
	StartTLS   *struct{} `xml:"urn:ietf:params:xml:ns:xmpp-tls starttls"`
	Mechanisms []string  `xml:"urn:ietf:params:xml:ns:xmpp-sasl mechanisms>mechanism"`
	Session    *struct { // RFC 3921, 3
		Optional *struct{} `xml:"optional"`
	} `xml:"urn:ietf:params:xml:ns:xmpp-session session"`
	Limits struct { // XEP-0478; 0: not announced
		MaxBytes    int `xml:"max-bytes"`
		IdleSeconds int `xml:"idle-seconds"`
	} `xml:"urn:xmpp:stream-limits:0 limits"`
	Bindings []struct { // to the TLS channel, XEP-0440
		Type string `xml:"type,attr"`
	} `xml:"urn:xmpp:sasl-cb:0 sasl-channel-binding>channel-binding"`
}

func parseFeatures(e wire.Element) (f features, _ error) {
	if string(e.Name) != "stream:features" {
		return f, fmt.Errorf("expected stream features, got %.60q", e.Raw)
	}
	return f, wire.Decode(e.Raw, &f)
}

// binds reports whether the server takes a kind of channel binding.
func (f *features) binds(kind string) bool {
	for _, b := range f.Bindings {
		if b.Type == kind {
			return true
		}
	}
	return false
}
