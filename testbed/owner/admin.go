package owner

import (
	"context"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/internal/raw"
)

// Kick puts the occupant of that nickname out of the room (status 307).
func (o *Owner) Kick(ctx context.Context, nick string) error {
	return o.admin(ctx, "kick", "nick='%s' role='none'", nick)
}

// Mute takes the occupant's voice; it matters in a moderated room.
func (o *Owner) Mute(ctx context.Context, nick string) error {
	return o.admin(ctx, "mute", "nick='%s' role='visitor'", nick)
}

// Voice gives the occupant a voice.
func (o *Owner) Voice(ctx context.Context, nick string) error {
	return o.admin(ctx, "give voice to", "nick='%s' role='participant'", nick)
}

// Ban puts the account (user@domain) out of the room for good (status 301).
// jabberd2 answers only if the account is in the room, Vysper only if not.
func (o *Owner) Ban(ctx context.Context, jid string) error {
	return o.admin(ctx, "ban", "jid='%s' affiliation='outcast'", jid)
}

// Unban lifts a ban.
func (o *Owner) Unban(ctx context.Context, jid string) error {
	return o.admin(ctx, "unban", "jid='%s' affiliation='none'", jid)
}

// Admit makes the account a member.
func (o *Owner) Admit(ctx context.Context, jid string) error {
	return o.admin(ctx, "admit", "jid='%s' affiliation='member'", jid)
}

// Revoke takes the account's membership. A members-only room should put it out
// (status 321).
func (o *Owner) Revoke(ctx context.Context, jid string) error {
	return o.admin(ctx, "revoke membership of", "jid='%s' affiliation='none'", jid)
}

func (o *Owner) admin(ctx context.Context, what, item, whom string) error {
	_, err := o.ask(ctx, "set", "<query xmlns='http://jabber.org/protocol/muc#admin'><item "+
		fmt.Sprintf(item, raw.Escape(whom))+"/></query>")
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, whom, err)
	}
	return nil
}

// Destroy ends the room. Its occupants are told to go to the alternative, a
// room's address, unless that is empty.
func (o *Owner) Destroy(ctx context.Context, alternative string) error {
	jid := ""
	if alternative != "" {
		jid = " jid='" + raw.Escape(alternative) + "'"
	}
	_, err := o.ask(ctx, "set", "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy"+jid+"/></query>")
	if err != nil {
		return fmt.Errorf("destroy %s: %w", o.room, err)
	}
	return nil
}
