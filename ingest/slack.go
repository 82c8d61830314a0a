package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// slackMessage is the part of a message for Slack's incoming webhooks that people
// read.
type slackMessage struct {
	Text        string            `json:"text"`
	Username    string            `json:"username"`
	Attachments []slackAttachment `json:"attachments"`
	Blocks      []slackBlock      `json:"blocks"`
}

type slackAttachment struct {
	Color     string       `json:"color"`
	Fallback  string       `json:"fallback"`
	Pretext   string       `json:"pretext"`
	Title     string       `json:"title"`
	TitleLink string       `json:"title_link"`
	Text      string       `json:"text"`
	Fields    []slackField `json:"fields"`
	Blocks    []slackBlock `json:"blocks"`
}

type slackField struct {
	Title string    `json:"title"`
	Value slackText `json:"value"`
}

// slackBlock is a block or an element in one.
type slackBlock struct {
	Text     slackText    `json:"text"`
	URL      string       `json:"url"`
	Fields   []slackBlock `json:"fields"`
	Elements []slackBlock `json:"elements"`
}

// slackText is a text, a number, or an object with a text.
type slackText string

// UnmarshalJSON takes whatever it finds: an unknown kind of block has no text here.
func (t *slackText) UnmarshalJSON(raw []byte) error {
	var object struct {
		Text string `json:"text"`
	}
	var plain string
	var number json.Number
	switch {
	case json.Unmarshal(raw, &plain) == nil:
		*t = slackText(plain)
	case json.Unmarshal(raw, &object) == nil:
		*t = slackText(object.Text)
	case json.Unmarshal(raw, &number) == nil:
		*t = slackText(number.String())
	}
	return nil
}

// fromSlack takes JSON, or a form with it, as Slack does: payload={…}.
func fromSlack(r *http.Request, body []byte) ([]byte, error) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") && !strings.HasPrefix(string(body), "{") {
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("payload") == "" {
			return nil, errors.New("the form has no member payload")
		}
		body = []byte(form.Get("payload"))
	}
	var m slackMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("it is no message for Slack: %w", err)
	}
	var p slackPage
	p.read(&m)
	subject, text, _ := strings.Cut(strings.Join(p.lines, "\n"), "\n")
	return json.Marshal(native{Source: m.Username, Severity: p.severity, Subject: subject, Message: text, Links: p.links})
}

// slackPage is what people would see in Slack, line by line.
type slackPage struct {
	lines    []string
	seen     map[string]bool
	links    map[string]string
	severity string
}

func (p *slackPage) read(m *slackMessage) {
	p.add(m.Text)
	p.blocks(m.Blocks)
	for i := range m.Attachments {
		a := &m.Attachments[i]
		p.severity = cmp.Or(p.severity, severityOf(a.Color))
		p.add(a.Pretext)
		p.add(a.Title)
		p.link(a.Title, a.TitleLink)
		p.add(a.Text)
		for _, f := range a.Fields {
			p.pair(f.Title, string(f.Value))
		}
		p.blocks(a.Blocks)
		if a.Text == "" && a.Title == "" && len(a.Fields) == 0 && len(a.Blocks) == 0 {
			p.add(a.Fallback)
		}
	}
}

func (p *slackPage) blocks(list []slackBlock) {
	for i := range list {
		b := &list[i]
		if b.URL != "" {
			p.link(string(b.Text), b.URL) // a button
			continue
		}
		title, value, found := strings.Cut(string(b.Text), "\n")
		if bold := strings.Trim(title, "*"); found && len(bold) == len(title)-2 {
			p.pair(bold, value)
		} else {
			p.add(string(b.Text))
		}
		p.blocks(b.Fields)
		p.blocks(b.Elements)
	}
}

// pair adds a name with its value, unless the value is there already.
func (p *slackPage) pair(name, value string) {
	if value = plainSlack(value); value != "" && !p.seen[value] {
		p.add(plainSlack(name) + ": " + value)
	}
}

// add adds the lines that are not there yet: senders put the same words into the
// text, for clients that know no blocks, and into blocks.
func (p *slackPage) add(text string) {
	for line := range strings.Lines(plainSlack(text)) {
		if line = strings.TrimSpace(line); line == "" || p.seen[line] {
			continue
		}
		if p.seen == nil {
			p.seen = map[string]bool{}
		}
		p.seen[line] = true
		p.lines = append(p.lines, line)
	}
}

func (p *slackPage) link(name, to string) {
	if to == "" {
		return
	}
	if p.links == nil {
		p.links = map[string]string{}
	}
	p.links[cmp.Or(plainSlack(name), "link")] = to
}

// Slack's marks in text.
var (
	namedLink = regexp.MustCompile(`<(https?://[^|>]+)\|([^>]+)>`)
	mention   = regexp.MustCompile(`<[!@#](?:[^|>]+\|)?([^>]+)>`)
	bareLink  = regexp.MustCompile(`<((?:https?|mailto):[^>]+)>`)
	boldWords = regexp.MustCompile(`(^|\s)\*([^*\s](?:[^*\n]*[^*\s])?)\*`)
)

// plainSlack makes plain text of Slack's mrkdwn: links, mentions and bold words.
func plainSlack(text string) string {
	text = namedLink.ReplaceAllString(text, "$2 ($1)")
	text = mention.ReplaceAllString(text, "@$1")
	text = bareLink.ReplaceAllString(text, "$1")
	text = boldWords.ReplaceAllString(text, "$1$2")
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(strings.TrimSpace(text))
}

// severityOf understands Slack's words for colours, and red, yellow and green ones.
func severityOf(color string) string {
	switch color {
	case "danger":
		return "error"
	case "warning":
		return "warning"
	case "good":
		return "info"
	}
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		return ""
	}
	red, green, blue := rgb>>16, rgb>>8&0xff, rgb&0xff
	switch {
	case red > 2*green && red > 2*blue:
		return "error"
	case red > 2*blue && green > 2*blue:
		return "warning"
	case green > red && green > blue:
		return "info"
	}
	return ""
}
