package render_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// Passwords are not shown, wherever publishers put them.
func TestPasswordsAreHidden(t *testing.T) {
	t.Parallel()
	const address = "https://ann:hunter2@git.example.org/x.git"
	for name, body := range map[string]string{
		"title":   `{"subject":"clone of ` + address + ` failed"}`,
		"message": `{"subject":"clone failed","message":"it was ` + address + `"}`,
		"link":    `{"subject":"clone failed","links":{"repository":"` + address + `"}}`,
		"text":    "clone of " + address + " failed",
		"data":    `{"subject":"login failed","data":{"user":"ann","DB_PASSWORD":"hunter2"}}`,
		"members": `{"title":"login failed","user":"ann","authToken":"hunter2","x-api-key":"hunter2"}`,
	} {
		e, err := envelope.Decode(envelope.Raw{Body: []byte(body)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := render.Text(e)
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s: a password is shown:\n%s", name, text)
		}
		if !strings.Contains(text, "ann") || !strings.Contains(text, "failed") {
			t.Errorf("%s: what is no secret is not shown:\n%s", name, text)
		}
	}
}

// Nor is a part of one, wherever a text is cut.
func TestPasswordsAreNotCutInTwo(t *testing.T) {
	t.Parallel()
	texts := map[string]*render.Renderer{"default": newRenderer(t, settings())}
	c := settings()
	c.Style = "payara"
	texts["payara"] = newRenderer(t, c)
	for i := range 2100 {
		s := strings.Repeat("x", i) + " https://ann:hunter2hunter2@git.example.org/x.git"
		e := envelope.Envelope{Subject: s, HostName: s, Message: "it was " + s, State: envelope.Resolved}
		for style, r := range texts {
			list := []envelope.Summary{e.Summarize()}
			for what, text := range map[string]string{"text": r.Text(e), "line": r.Line(e), "digest": r.Digest(list), "expired": r.Expired(list)} {
				if strings.Contains(text, ":h") {
					t.Fatalf("behind %d bytes, %s, %s: a part of the password is shown:\n%s", i, style, what, text)
				}
			}
		}
	}
}
