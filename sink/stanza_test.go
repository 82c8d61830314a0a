package sink_test

import (
	"context"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestExtraXMLIsShownBesideTheText(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	c := openRoom(t, settings(t, srv))
	c.joined()
	const extra = "<data xmlns='urn:example' severity='critical'/>"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := c.Submit(ctx, sink.Message{Identity: "1", Body: "a < b", Extra: extra, Done: func(r sink.Result) { c.done("1", r) }})
	if err != nil {
		t.Fatal(err)
	}
	posts, err := srv.WaitPosts(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if posts[0].Body != "a < b" || !strings.Contains(posts[0].Inner, "<body>a &lt; b</body>"+extra) {
		t.Errorf("the room shows %q, %s", posts[0].Body, posts[0].Inner)
	}
}

func TestPreviewIsTheStanza(t *testing.T) {
	const extra = "<x xmlns='urn:example'/>"
	for name, c := range map[string]struct {
		m        sink.Message
		maxBytes int
		want     string
	}{
		"text and extra": {sink.Message{Body: "a < b\x00", Extra: extra}, 1000, "<body>a &lt; b\uFFFD</body>" + extra + "</message>"},
		"long extra":     {sink.Message{Body: "a", Extra: "<x>" + strings.Repeat("y", 1000) + "</x>"}, 1000, "<body>a</body></message>"},
		"long text":      {sink.Message{Body: strings.Repeat("é", 1000), Extra: extra}, 1000, " […]</body>" + extra + "</message>"},
	} {
		got := sink.Preview("room@conference.example.org", c.m, c.maxBytes)
		if !strings.HasSuffix(got, c.want) || len(got) > c.maxBytes {
			t.Errorf("%s: %d bytes: %s", name, len(got), got)
		}
		if err := xml.Unmarshal([]byte(got), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
