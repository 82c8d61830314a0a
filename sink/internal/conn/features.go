package conn

import (
	"fmt"
	"time"

	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// features is what a server offers on a stream.
type features struct {
	stanza.StreamFeatures
	maxBytes int           // XEP-0478; 0: not announced
	idle     time.Duration // the same
	bindings []string      // types of channel binding, XEP-0440
}

func parseFeatures(e wire.Element) (features, error) {
	var f features
	if string(e.Name) != "stream:features" {
		return f, fmt.Errorf("expected stream features, got %.60q", e.Raw)
	}
	if err := wire.Decode(e.Raw, &f.StreamFeatures); err != nil {
		return f, err
	}
	var more struct {
		Limits struct {
			MaxBytes    int `xml:"max-bytes"`
			IdleSeconds int `xml:"idle-seconds"`
		} `xml:"urn:xmpp:stream-limits:0 limits"`
		Bindings []struct {
			Type string `xml:"type,attr"`
		} `xml:"urn:xmpp:sasl-cb:0 sasl-channel-binding>channel-binding"`
	}
	if err := wire.Decode(e.Raw, &more); err != nil {
		return f, err
	}
	f.maxBytes, f.idle = more.Limits.MaxBytes, time.Duration(more.Limits.IdleSeconds)*time.Second
	for _, b := range more.Bindings {
		f.bindings = append(f.bindings, b.Type)
	}
	return f, nil
}
