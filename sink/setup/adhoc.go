package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const (
	nsCommands = "http://jabber.org/protocol/commands"
	nodeAdd    = "http://jabber.org/protocol/admin#add-user" // XEP-0133, section 4.1
)

// command is the state of an ad-hoc command (XEP-0050).
type command struct {
	SessionID string `xml:"sessionid,attr"`
	Status    string `xml:"status,attr"`
	Form      form   `xml:"jabber:x:data x"`
	Notes     []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"note"`
}

// offersAddUser asks whether the administrator may make accounts. Servers that
// know nothing of it refuse the question in various ways.
func (j *job) offersAddUser(ctx context.Context) bool {
	info, err := muc.Discover(ctx, j.admin, j.domain, nodeAdd)
	return err == nil && info.Has(nsCommands)
}

// addUser makes the worker's account by XEP-0133.
func (j *job) addUser(ctx context.Context) error {
	if j.DryRun {
		return nil
	}
	begun, err := j.execute(ctx, "action='execute'", "")
	if err != nil {
		return j.notCreated(err)
	}
	for name, value := range map[string]string{
		"accountjid": j.Worker.JID,
		"password":   j.Worker.Password.Reveal(), "password-verify": j.Worker.Password.Reveal(),
	} {
		if one := begun.Form.get(name); one != nil {
			one.Values = []string{value}
		}
	}
	ended, err := j.execute(ctx, "sessionid='"+wire.Escape(begun.SessionID)+"'", begun.Form.submit())
	if err == nil {
		err = ended.outcome()
	}
	if err != nil {
		return j.notCreated(err)
	}
	return nil
}

func (j *job) execute(ctx context.Context, attributes, payload string) (command, error) {
	type answer struct {
		Command command `xml:"http://jabber.org/protocol/commands command"`
	}
	question := "<command xmlns='" + nsCommands + "' node='" + nodeAdd + "' " + attributes + ">" + payload + "</command>"
	result, err := wire.Result[answer](j.admin.Ask(ctx, "set", j.domain, question))
	return result.Command, err
}

// outcome is what became of a command that ought to be over. Prosody reports a
// failure by a note.
func (c *command) outcome() error {
	for _, note := range c.Notes {
		if text := strings.Join(strings.Fields(note.Text), " "); note.Type == "error" {
			if strings.Contains(text, "exists") {
				return errOtherPassword
			}
			return fmt.Errorf("%w: %.200q", errRefused, text)
		}
	}
	if c.Status != "completed" {
		return errors.New("the server asks for more than XEP-0133 names")
	}
	return nil
}
