package envelope

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// chat takes the texts of a message for a chat, and its links.
func (r *reading) chat() {
	e := &r.out
	list := r.paragraphs
	if e.Subject == "" && e.Message == "" && len(list) > 1 && isHeadline(list[0]) {
		e.Subject, list = list[0], list[1:]
	}
	for _, text := range list {
		text = e.withoutMarkup(text)
		value := text
		if m := boldTitle.FindStringSubmatch(text); m != nil {
			text, value = m[1]+": "+m[2], m[2]
		}
		if !strings.Contains(e.Message, value) && text != e.Subject {
			e.Message = strings.TrimPrefix(e.Message+"\n"+text, "\n")
		}
	}
	e.Subject, e.Message = e.withoutSlackLinks(e.Subject), e.withoutSlackLinks(e.Message)
	if len(r.paragraphs) > 0 || slices.ContainsFunc(r.leaves, func(l leaf) bool { return l.path == "text" }) { // Slack's own
		e.Subject, e.Message = withoutSlackMarks(e.Subject), withoutSlackMarks(e.Message)
	}
	e.Subject, e.Message = slackEscapes.Replace(e.Subject), slackEscapes.Replace(e.Message)
}

// The marks in texts for Slack: a field whose first line is its name, links, mentions,
// and words in bold.
var (
	boldTitle    = regexp.MustCompile(`^\*([^*\n]+)\*\n((?s).+)$`)
	slackLink    = regexp.MustCompile(`<((?:https?://|mailto:)[^|<>\s]*)(?:\|([^<>\n]+))?>`)
	slackMention = regexp.MustCompile(`<([!@#])(\w[^|<>\s]*)(?:\|@?([^<>\n]+))?>`)
	boldWords    = regexp.MustCompile(`(^|\s)\*([^*\s](?:[^*\n]*[^*\s])?)\*\B`)
)

var slackEscapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&") //nolint:gochecknoglobals // a constant

// withoutSlackLinks writes links with their addresses, and keeps those.
func (e *Envelope) withoutSlackLinks(text string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	return slackLink.ReplaceAllStringFunc(text, func(mark string) string {
		parts := slackLink.FindStringSubmatch(mark)
		if parts[2] == "" {
			return parts[1]
		}
		e.link(parts[2], slackEscapes.Replace(parts[1]))
		return parts[2] + " (" + parts[1] + ")"
	})
}

// withoutSlackMarks writes mentions and bold words as people see them.
func withoutSlackMarks(text string) string {
	text = slackMention.ReplaceAllStringFunc(text, func(mark string) string {
		parts := slackMention.FindStringSubmatch(mark)
		return strings.Replace(parts[1], "!", "@", 1) + cmp.Or(parts[3], parts[2])
	})
	return boldWords.ReplaceAllString(text, "$1$2")
}

// colourWord is the word for a colour that means something: red, yellow or green.
func colourWord(colour string) string {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if number, fails := strconv.ParseUint(colour, 10, 24); fails == nil && len(colour) > 6 { // Discord's
		rgb, err = number, nil
	}
	switch red, green, blue := rgb>>16, rgb>>8&0xff, rgb&0xff; {
	case err != nil:
		return colour
	case red > 2*green && red > 2*blue:
		return "red"
	case red > 2*blue && green > 2*blue:
		return "yellow"
	case green > red && green > blue:
		return "green"
	}
	return ""
}

// labelOf is what a part of a chat message says, like a button.
func labelOf(object string) string {
	for _, name := range [...]string{"title", "text"} {
		value := memberOf(object, name)
		if label, ok := text(cmp.Or(memberOf(value, "text"), value, "null")); ok {
			return label
		}
	}
	return ""
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
