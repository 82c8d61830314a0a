package envelope_test

import "github.com/xmpp-notifier/xmpp-notifier/envelope"

// newDecoder returns a Decoder for a Config that the test knows to be valid.
func newDecoder(c envelope.Config) envelope.Decoder {
	d, err := envelope.NewDecoder(c)
	if err != nil {
		panic(err)
	}
	return d
}
