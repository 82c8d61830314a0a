package envelope

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// htmlStart is the beginning of HTML: of a document, or of a part with a tag that
// no format of data has.
var htmlStart = regexp.MustCompile(`(?i)^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype html|html|head|body|p|div|h[1-6]|b|strong|em|ul|ol|table|span|br)\b[^>]*>`)

func isHTML(text string) bool {
	return strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") && htmlStart.MatchString(text)
}

// htmlBlock is in all HTML but that of chats, whose lines end as in text.
var htmlBlock = regexp.MustCompile(`(?i)<(html|body|p|div|br|li|tr|h[1-6])\b`)

// The elements that begin a line, and those whose text is not shown.
var (
	htmlLines  = setOf("p div h1 h2 h3 h4 h5 h6 br hr li ul ol dl dt dd tr table pre blockquote section article header footer") //nolint:gochecknoglobals // a constant table
	htmlHidden = setOf("script style title template svg")                                                                       //nolint:gochecknoglobals // a constant table
)

// page is the text of an HTML document.
type page struct {
	title string
	text  strings.Builder
	links []Link
	// lineEnd is what the end of a line of the source means.
	lineEnd string
}

// htmlMessage takes title, text and links of HTML, nothing of any other text.
func htmlMessage(text string) (e Envelope) {
	if !isHTML(text) {
		return e
	}
	p := readHTML(text)
	body := tidied(p.text.String())
	if e.Subject = strings.TrimSpace(p.title); e.Subject == "" && !isHeadline(body) {
		e.Subject, body, _ = strings.Cut(body, "\n")
	}
	if rest, found := strings.CutPrefix(body, e.Subject); found && e.Subject != "" {
		body = strings.TrimSpace(rest)
	}
	e.Message = body
	e.Links = p.links
	return e
}

// htmlInline is a tag that texts for chats have in their middle.
var htmlInline = regexp.MustCompile(`(?i)<(b|strong|i|em|u|s|del|code|pre|a|p|span|font|ul|ol)(?:\s[^<>]*)?>`)

// hasMarkup reports a text with HTML in it: a document, a line break, or a tag that
// is closed. What shows code may be about tags.
func hasMarkup(text string) bool {
	if isHTML(strings.TrimSpace(text)) {
		return true
	}
	if !strings.Contains(text, "<") || strings.Contains(text, "`") {
		return false
	}
	tag := htmlInline.FindStringSubmatch(text)
	return tag != nil && strings.Contains(text, "</"+tag[1]+">") || strings.Contains(text, "<br>") || strings.Contains(text, "<br/>") || strings.Contains(text, "<br />")
}

// withoutMarkup returns the text of HTML, whose links it keeps, and any other text
// as it is.
func (e *Envelope) withoutMarkup(text string) string {
	if !hasMarkup(text) {
		return text
	}
	p := readHTML(text)
	e.Links = append(e.Links, p.links...)
	return tidied(p.text.String())
}

func readHTML(text string) *page {
	p := new(page)
	if p.lineEnd = " "; !htmlBlock.MatchString(text) || !isHTML(strings.TrimSpace(text)) {
		p.lineEnd = "\n"
	}
	root, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil { // elements in one another without end
		p.text.WriteString(text)
		return p
	}
	p.add(root)
	return p
}

// add takes the text of a node and all in it.
func (p *page) add(n *html.Node) {
	name := n.Data
	switch {
	case n.Type == html.TextNode:
		p.text.WriteString(strings.ReplaceAll(n.Data, "\n", p.lineEnd))
		return
	case n.Type == html.CommentNode || htmlHidden[name]:
		if name == "title" && n.FirstChild != nil {
			p.title = n.FirstChild.Data
		}
		return
	case name == "td" || name == "th":
		p.text.WriteString(cellEnd)
	}
	p.endLine(name)
	from := p.text.Len()
	for child := range n.ChildNodes() {
		p.add(child)
	}
	for _, a := range n.Attr {
		if name == "a" && a.Key == "href" && a.Val != "" && len(p.links) < maxMembers {
			p.links = append(p.links, Link{strings.TrimSpace(p.text.String()[from:]), a.Val})
		}
	}
	p.endLine(name)
}

func (p *page) endLine(element string) {
	if htmlLines[element] {
		p.text.WriteByte('\n')
	}
}

// cellEnd is between the cells of a row.
const cellEnd = "\t"

// tidied writes every line without the space around and in it, and leaves the
// empty ones out.
func tidied(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		var cells []string
		for cell := range strings.SplitSeq(line, cellEnd) {
			if cell = strings.Join(strings.Fields(cell), " "); cell != "" {
				cells = append(cells, cell)
			}
		}
		if len(cells) > 0 {
			lines = append(lines, strings.Join(cells, ": "))
		}
	}
	return strings.Join(lines, "\n")
}
