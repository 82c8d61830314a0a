package raw

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// login goes from TCP to a bound resource: STARTTLS, PLAIN, bind, session if offered.
func (c *Client) login(ctx context.Context) error {
	if _, err := c.open(); err != nil {
		return err
	}
	if err := c.expect("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "proceed"); err != nil {
		return err
	}
	secure := tls.Client(c.conn, &tls.Config{ServerName: c.account.Domain, RootCAs: c.account.CA, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	c.conn = secure
	if _, err := c.open(); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + c.account.User + "\x00" + c.account.Password))
	if err := c.expect("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+plain+"</auth>", "success"); err != nil {
		return err
	}
	features, err := c.open()
	if err != nil {
		return err
	}
	resource := ""
	if c.account.Resource != "" {
		resource = "<resource>" + Escape(c.account.Resource) + "</resource>"
	}
	if err := c.expect("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"+resource+"</bind></iq>", "iq"); err != nil {
		return err
	}
	if strings.Contains(features.Inner, "urn:ietf:params:xml:ns:xmpp-session") {
		if err := c.expect("<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>", "iq"); err != nil {
			return err
		}
	}
	return nil
}

// open starts the stream and returns its features.
func (c *Client) open() (Stanza, error) {
	err := c.Write("<stream:stream to='" + c.account.Domain + "' version='1.0' " +
		"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	if err != nil {
		return Stanza{}, err
	}
	c.decoder = xml.NewDecoder(c.conn)
	if _, err := c.start(); err != nil { // the stream's own tag
		return Stanza{}, err
	}
	return c.next()
}

// expect sends text, and returns an error if the answer has another name. Who takes the
// address of another session may get what was for that.
func (c *Client) expect(text, answer string) error {
	if err := c.Write(text); err != nil {
		return err
	}
	s, err := c.next()
	for err == nil && (s.Kind == "message" || s.Kind == "presence") {
		s, err = c.next()
	}
	if err == nil && (s.Kind != answer || s.Type == "error") {
		err = fmt.Errorf("expected <%s>, got <%s>%s", answer, s.Kind, s.Inner)
	}
	return err
}

// next reads the next element.
func (c *Client) next() (Stanza, error) {
	start, err := c.start()
	if err != nil {
		return Stanza{}, err
	}
	s := Stanza{Kind: start.Name.Local, ID: Attr(start.Attr, "id"), From: Attr(start.Attr, "from"), Type: Attr(start.Attr, "type")}
	return s, c.decoder.DecodeElement(&s, &start)
}

// Attr returns an attribute without a prefix. encoding/xml takes a:from for
// from as well, and others may send that.
func Attr(list []xml.Attr, name string) string {
	for _, a := range list {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// start reads the next start tag.
func (c *Client) start() (xml.StartElement, error) {
	for {
		token, err := c.decoder.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}
