package envelope

import (
	"cmp"
	"regexp"
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
	e.Subject, e.Message = e.withoutSlackMarks(e.Subject), e.withoutSlackMarks(e.Message)
}

// The marks in texts for Slack: a field whose first line is its name, links and
// mentions, and words in bold.
var (
	boldTitle = regexp.MustCompile(`^\*([^*\n]+)\*\n((?s).+)$`)
	slackMark = regexp.MustCompile(`<(https?://|mailto:|[!@#]\w)([^|<>\s]*)(?:\|([^<>\n]+))?>`)
	boldWords = regexp.MustCompile(`(^|\s)\*([^*\s](?:[^*\n]*[^*\s])?)\*`)
)

var slackEscapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&") //nolint:gochecknoglobals // a constant

// withoutSlackMarks writes links with their addresses, which it keeps, and undoes
// what Slack demands of its senders.
func (e *Envelope) withoutSlackMarks(text string) string {
	if strings.Contains(text, "<") {
		text = slackMark.ReplaceAllStringFunc(text, func(mark string) string {
			parts := slackMark.FindStringSubmatch(mark)
			target, name := parts[1]+parts[2], parts[3]
			switch {
			case target[0] == '!' || target[0] == '@':
				return "@" + strings.TrimPrefix(cmp.Or(name, target[1:]), "@")
			case target[0] == '#':
				return "#" + cmp.Or(name, target[1:])
			case name == "":
				return target
			}
			e.link(name, slackEscapes.Replace(target))
			return name + " (" + target + ")"
		})
	}
	return slackEscapes.Replace(boldWords.ReplaceAllString(text, "$1$2"))
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
