package owner

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/internal/raw"
)

// Room is how a room is to be. Rooms made by this package are persistent.
type Room struct {
	Password    string // "" for none
	MembersOnly bool
	Moderated   bool // without a voice nobody can post
	// History is how many messages the room replays, where an owner may say so
	// (Prosody); 0 leaves it alone.
	History int
}

// Create enters the room, which must not exist, and configures it.
func (o *Owner) Create(ctx context.Context, r Room) error {
	created, err := o.Enter(ctx, o.nick, "")
	if err != nil {
		return fmt.Errorf("create room: %w", err)
	}
	if !created {
		return fmt.Errorf("create room: %s exists", o.room)
	}
	return o.Configure(ctx, r)
}

// Configure makes an existing room, or one just created, as r says.
func (o *Owner) Configure(ctx context.Context, r Room) error {
	inner, err := o.ask(ctx, "get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>")
	if err != nil {
		return fmt.Errorf("get form of %s: %w", o.room, err)
	}
	form, err := parseForm(inner)
	if err != nil {
		return fmt.Errorf("read form of %s: %w", o.room, err)
	}
	_, err = o.ask(ctx, "set", "<query xmlns='http://jabber.org/protocol/muc#owner'>"+form.submit(r)+"</query>")
	if err != nil {
		return fmt.Errorf("configure %s: %w", o.room, err)
	}
	return nil
}

// form is the room's configuration as it offers it (XEP-0004). It goes back
// whole: some services reset what is left out, and some refuse what they have
// not listed.
type form struct {
	Fields []field `xml:"jabber:x:data x>field"`
}

type field struct {
	Var    string   `xml:"var,attr"`
	Type   string   `xml:"type,attr"`
	Values []string `xml:"value"`
}

func parseForm(inner string) (form, error) {
	var f form
	err := xml.Unmarshal([]byte(inner), &f)
	return f, err
}

// submit returns the form filled in.
func (f form) submit(r Room) string {
	values := r.values()
	var b strings.Builder
	b.WriteString("<x xmlns='jabber:x:data' type='submit'>")
	for _, field := range f.Fields {
		name := field.Var
		if name == "" || field.Type == "fixed" {
			continue
		}
		if value, ok := values[strings.TrimPrefix(name, "muc#roomconfig_")]; ok {
			field.Values = []string{value}
		}
		b.WriteString("<field var='" + raw.Escape(name) + "'>")
		for _, value := range slices.DeleteFunc(field.Values, func(v string) bool { return v == "" && name != "muc#roomconfig_roomsecret" }) {
			b.WriteString("<value>" + raw.Escape(value) + "</value>")
		}
		b.WriteString("</field>")
	}
	return b.String() + "</x>"
}

// values returns the fields that r decides, by name without prefix.
func (r Room) values() map[string]string {
	bit := func(b bool) string {
		if b {
			return "1"
		}
		return "0"
	}
	values := map[string]string{
		"persistentroom":        "1",
		"membersonly":           bit(r.MembersOnly),
		"moderatedroom":         bit(r.Moderated),
		"members_by_default":    bit(!r.Moderated), // ejabberd: who comes has a voice
		"passwordprotectedroom": bit(r.Password != ""),
		"roomsecret":            r.Password,
	}
	if r.History > 0 {
		values["historylength"] = strconv.Itoa(r.History)
		values["defaulthistorymessages"] = strconv.Itoa(r.History)
	}
	return values
}
