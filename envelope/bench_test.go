package envelope_test

import (
	"os"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

func BenchmarkDecode(b *testing.B) {
	body, err := os.ReadFile("testdata/good/full.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := envelope.Decode(envelope.Raw{Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}
