package envelope

import "strings"

// chat takes the texts of a message for a chat, and its links.
func (r *reading) chat() {
	e := &r.out
	list := r.paragraphs
	if e.Subject == "" && e.Message == "" && len(list) > 1 && isHeadline(list[0]) {
		e.Subject, list = list[0], list[1:]
	}
	for _, text := range list {
		text = e.withoutMarkup(text)
		if !strings.Contains(e.Message, text) && text != e.Subject {
			e.Message = strings.TrimPrefix(e.Message+"\n"+text, "\n")
		}
	}
	e.Subject, e.Message = e.unlink(e.Subject), e.unlink(e.Message)
}

var slackEscapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&") //nolint:gochecknoglobals // a constant

// unescape undoes what Slack demands of its senders.
func unescape(text string) string {
	if !strings.Contains(text, "&") {
		return text
	}
	return slackEscapes.Replace(text)
}

// unlink writes Slack's <https://…|name> as the name, and keeps the address as
// a link.
func (e *Envelope) unlink(text string) string {
	for from := 0; ; {
		start := strings.Index(text[from:], "<http")
		if start < 0 {
			return unescape(text)
		}
		start += from
		end := strings.IndexByte(text[start:], '>')
		if end < 0 {
			return unescape(text)
		}
		url, name, found := strings.Cut(text[start+1:start+end], "|")
		if strings.ContainsAny(url, " \n") {
			from = start + 1
			continue
		}
		if found {
			e.link(name, unescape(url))
			text = text[:start] + name + text[start+end+1:]
			from = start + len(name)
		} else {
			text = text[:start] + url + text[start+end+1:]
			from = start + len(url)
		}
	}
}

// isControl reports a button or the like of a chat message.
func isControl(object string) bool {
	for name, value := range members(object) {
		if name == "onClick" {
			return true
		}
		if (name == "type" || name == "@type") && value[0] == '"' {
			kind := unquote(value)
			return strings.Contains(kind, "button") || strings.HasPrefix(kind, "Action") || kind == "OpenUri"
		}
	}
	return false
}

// The arrays in which messages for chats have their texts, those within them, and
// the members that are texts.
var (
	chatArrays = setOf("attachments blocks sections embeds body content cards cards_v2")                                                                      //nolint:gochecknoglobals // a constant table
	chatParts  = setOf("elements facts fields columns items widgets")                                                                                         //nolint:gochecknoglobals // a constant table
	chatTexts  = setOf("text title subtitle top_label value pretext activity_title activity_subtitle activity_text description author_name content alt_text") //nolint:gochecknoglobals // a constant table
)

// addBlocks takes every text of cards and blocks, in their order.
func (t *tree) addBlocks(b branch, array string) {
	b.rich = true
	for _, element := range elements(array) {
		if name, value := pair(element); value != "" {
			t.add(branch{name: name, path: normal(name), depth: b.depth + 1}, value)
		} else {
			t.add(b, element)
		}
	}
}
