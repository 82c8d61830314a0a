package render

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Config is what the operator says about the text.
type Config struct {
	Style           string   `envconfig:"TEXT_STYLE" default:"plain" desc:"How the text looks: plain, styled (the title in bold by XEP-0393), or payara (title and text as Payara's own notifier wrote them)."`
	MaxLines        int      `envconfig:"TEXT_MAX_LINES" default:"20" desc:"Longest text in lines, 1 to 500. Longer ones are cut with a mark. The lines for links and origin come on top."`
	MaxBytes        int      `envconfig:"TEXT_MAX_BYTES" default:"2000" desc:"Longest text in bytes of UTF-8, 200 to 60000. Longer ones are cut with a mark."`
	Mention         []string `envconfig:"MENTION" desc:"Nicknames in the room to mention, so that clients alert these people; see MENTION_SEVERITY."`
	MentionSeverity string   `envconfig:"MENTION_SEVERITY" default:"critical" desc:"Least severity that mentions the people in MENTION: debug, info, warning, error, critical or a synonym. What is resolved mentions nobody."`
	Template        string   `envconfig:"TEMPLATE" desc:"Template of the text, in the language of Go's text/template, instead of TEXT_STYLE. If it fails for a notification, the default text is sent."`
	TemplateFile    string   `envconfig:"TEMPLATE_FILE" desc:"File with the template; use it or TEMPLATE."`
	GroupAbove      int      `envconfig:"GROUP_ABOVE" default:"5" desc:"From so many notifications in one message on, like the alerts of a webhook, they become one post that lists them, worst first, with one mention. 1: always, 0: never."`
	Payload         bool     `envconfig:"PAYLOAD" default:"false" desc:"Add an element to each message from which bots in the room can read id, source and severity."`

	nicks []*regexp.Regexp // of Mention
}

// The values of TEXT_STYLE.
const (
	stylePlain  = "plain"
	styleStyled = "styled"
	stylePayara = "payara"
)

// The limits of the limits.
const (
	mostLines  = 500
	leastBytes = 200
	mostBytes  = 60000
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	var faults check.Faults
	faults.Add(c.Style != stylePlain && c.Style != styleStyled && c.Style != stylePayara,
		fmt.Sprintf("use %s, %s or %s", stylePlain, styleStyled, stylePayara), "TEXT_STYLE=%q", c.Style)
	faults.Add(c.MaxLines < 1 || c.MaxLines > mostLines, fmt.Sprintf("use 1 to %d", mostLines), "TEXT_MAX_LINES=%d", c.MaxLines)
	faults.Add(c.MaxBytes < leastBytes || c.MaxBytes > mostBytes, fmt.Sprintf("use %d to %d", leastBytes, mostBytes), "TEXT_MAX_BYTES=%d", c.MaxBytes)
	faults.Add(c.GroupAbove < 0, "use 1 or more, or 0 for never", "GROUP_ABOVE=%d", c.GroupAbove)
	for _, nick := range c.Mention {
		isNick := strings.TrimSpace(nick) != "" && utf8.ValidString(nick) && !strings.ContainsFunc(nick, unicode.IsControl) && len(nick) <= maxNick
		faults.Add(!isNick, "give nicknames with commas between", "MENTION: %q is no nickname", nick)
	}
	s, known := envelope.ParseSeverity(c.MentionSeverity)
	faults.Add(!known || s == envelope.Unspecified, "use debug, info, warning, error or critical", "MENTION_SEVERITY=%q", c.MentionSeverity)
	if _, err := c.template(); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// template returns the template of c, nil if there is none.
func (c Config) template() (*tmpl, error) {
	text, name := c.Template, "TEMPLATE"
	if c.TemplateFile != "" {
		if c.Template != "" {
			return nil, check.Faultf("remove one", "TEMPLATE and TEMPLATE_FILE are both set")
		}
		content, err := os.ReadFile(c.TemplateFile)
		if err != nil {
			return nil, check.Faultf("name a readable file", "TEMPLATE_FILE=%q: %w", c.TemplateFile, errors.Unwrap(err))
		}
		text, name = string(content), "TEMPLATE_FILE"
	}
	if text == "" {
		return nil, nil
	}
	t, err := parseTemplate(text, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// defaults returns the settings of the default text.
func defaults() Config {
	return Config{Style: stylePlain, MaxLines: maxLines, MaxBytes: maxBytes}
}
