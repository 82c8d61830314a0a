package envelope_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// What is binary without saying so is named, where its first bytes tell.
func TestBinaryIsNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"\x82\xa5title\xa4Disk\xa3sev\x01":     "MessagePack",
		"\x0a\x05hello\x10\x96\x01\x1a\x03abc": "Protobuf",
		"\x00\x00\x00\x00\x07\x0aHello\x02":    "schema 7",
	} {
		if _, err := envelope.Decode(envelope.Raw{Body: []byte(body)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that names %s", body, err, want)
		}
	}
}

// Programs of old send text in windows-1252 and do not say so. JSON is UTF-8 always.
func TestTextWithoutACharsetIsWestern(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"Pr\xfcfung f\xfcr 5 \x80 fehlgeschlagen":  "Prüfung für 5 € fehlgeschlagen",
		"{\"subject\":\"Pr\xfcfung f\xfcr alle\"}": "", "\xff\xfe\xfd": "", "ab\x00\xfcc defgh": "",
	} {
		e, err := envelope.Decode(envelope.Raw{Body: []byte(body)})
		if (err == nil) != (want != "") || e.Message != want {
			t.Errorf("%q is read as %q, %v, want %q", body, e.Message, err, want)
		}
	}
}

// A header may name thousands of encodings, and a small body may begin with as many.
func TestEncodingsAreBounded(t *testing.T) {
	t.Parallel()
	decode := func(codings int) error {
		body := []byte(`{"message":"hello"}`)
		for range codings {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write(body)
			_ = w.Close()
			body = packed.Bytes()
		}
		header := strings.TrimSuffix(strings.Repeat("gzip,", codings), ",")
		_, err := envelope.Decode(envelope.Raw{Body: body, Header: []envelope.Header{{Key: "content-encoding", Value: header}}})
		return err
	}
	if err := decode(5); err != nil {
		t.Errorf("5 encodings: %v", err)
	}
	if err := decode(6); err == nil || !strings.Contains(err.Error(), "has 6 encodings") {
		t.Errorf("6 encodings: %v", err)
	}
}
