package envelope

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
)

// mailStart is the first line of the header of a mail.
var mailStart = regexp.MustCompile(`^(?i)(return-path|received|delivered-to|from|to|subject|date|message-id|mime-version|x-[\w-]+): `)

// mailMessage reads a mail, nothing of any other text.
func mailMessage(text string, words severities) (e Envelope) {
	if !mailStart.MatchString(text) {
		return e
	}
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil || m.Header.Get("Subject") == "" || m.Header.Get("From") == "" {
		return e
	}
	if e.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		e.Subject = m.Header.Get("Subject")
	}
	e.Time, _ = m.Header.Date()
	if from, err := mail.ParseAddress(m.Header.Get("From")); err == nil {
		e.Source = from.Address
	}
	e.Message = e.withoutMarkup(mailText(textproto.MIMEHeader(m.Header), m.Body, 0))
	read := textMessage(e.Subject+"\n"+e.Message, words)
	e.Severity, e.State = read.Severity, read.State
	return e
}

// mailText is the first text in a mail, or in a part of it.
func mailText(header textproto.MIMEHeader, body io.Reader, depth int) string {
	const deepest = 5
	kind, parameters, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case parameters["boundary"] != "" && depth < deepest:
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return ""
			}
			if text := mailText(part.Header, part, depth+1); text != "" {
				return text
			}
		}
	case kind != "" && !strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "multipart/"):
		return ""
	}
	text, _ := io.ReadAll(undone(body, header.Get("Content-Transfer-Encoding"))) // a cut mail is shown as far as it goes
	if utf8, err := decoded(text, header.Get("Content-Type")); err == nil && utf8 != nil {
		text = utf8
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "\uFFFD"))
}

// undone undoes the encoding in which a text is sent.
func undone(body io.Reader, encoding string) io.Reader {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	}
	return body
}
