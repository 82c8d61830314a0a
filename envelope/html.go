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
	// hidden is how many open elements hide their text.
	hidden int
	inTag  string
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
	e.takeLinks(p)
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
	e.takeLinks(p)
	return tidied(p.text.String())
}

func (e *Envelope) takeLinks(p *page) {
	for _, l := range p.links {
		e.link(strings.TrimSpace(l.Name), l.URL)
	}
}

func readHTML(text string) *page {
	p := new(page)
	if p.lineEnd = " "; !htmlBlock.MatchString(text) || !isHTML(strings.TrimSpace(text)) {
		p.lineEnd = "\n"
	}
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		switch kind := tokens.Next(); kind { //nolint:exhaustive // comments and the like have no text
		case html.ErrorToken:
			return p
		case html.TextToken:
			p.addText(tokens.Token().Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(tokens.Token(), kind == html.StartTagToken)
		case html.EndTagToken:
			p.end(tokens.Token().Data)
		}
	}
}

func (p *page) addText(text string) {
	switch {
	case p.inTag == "title":
		p.title += text
	case p.hidden == 0:
		if n := len(p.links); p.inTag == "a" && n > 0 && len(p.links[n-1].Name) < maxShort {
			p.links[n-1].Name += text
		}
		p.text.WriteString(strings.ReplaceAll(text, "\n", p.lineEnd))
	}
}

func (p *page) start(t html.Token, hasEnd bool) {
	switch {
	case htmlLines[t.Data]:
		p.text.WriteByte('\n')
	case t.Data == "td" || t.Data == "th":
		p.text.WriteString(cellEnd)
	}
	if !hasEnd {
		return
	}
	p.inTag = t.Data
	if htmlHidden[t.Data] {
		p.hidden++
	}
	for _, a := range t.Attr {
		if t.Data == "a" && a.Key == "href" && len(p.links) < maxMembers {
			p.links = append(p.links, Link{URL: a.Val})
		}
	}
}

func (p *page) end(name string) {
	p.inTag = ""
	if htmlLines[name] {
		p.text.WriteByte('\n')
	}
	if htmlHidden[name] {
		p.hidden = max(p.hidden-1, 0)
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
