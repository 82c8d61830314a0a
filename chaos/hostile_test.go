//go:build real

package chaos_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// hostile lets another occupant say whatever might confuse a client, for a
// second in mid-run.
func hostile(tr *trial) time.Time {
	tr.Helper()
	stop := tr.attack()
	pause(tr.T, time.Second)
	stop()
	return time.Now()
}

// hostileReset breaks the connection in the middle of it.
func hostileReset(tr *trial) time.Time {
	tr.Helper()
	stop := tr.attack()
	pause(tr.T, 200*time.Millisecond)
	tr.proxy.Reset()
	mended := time.Now()
	pause(tr.T, time.Second)
	stop()
	return mended
}

// hostileInbound lets what is on its way arrive, but not its reflections.
func hostileInbound(tr *trial) time.Time {
	tr.Helper()
	stop := tr.attack()
	pause(tr.T, 200*time.Millisecond)
	mended := inboundBlackHole(tr)
	pause(tr.T, time.Second)
	stop()
	return mended
}

// attack begins and returns how to end it.
func (tr *trial) attack() (stop func()) {
	tr.Helper()
	attacker := tr.login("other")
	_, err := attacker.Enter(tr.Context(), "attacker", "")
	must(tr, err)
	ctx, cancel := context.WithCancel(tr.Context())
	var talking sync.WaitGroup
	talking.Go(func() {
		pace := time.NewTicker(4 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			if err := attacker.Send(tr.nonsense(i)); err != nil {
				tr.Errorf("the hostile occupant was cut off: %v", err)
				return
			}
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		talking.Wait()
	}
}

// nonsense returns something hostile that servers pass on.
func (tr *trial) nonsense(i int) string {
	id := "x"
	if ids := tr.watch.lastIDs(8); len(ids) > 0 {
		id = ids[i%len(ids)]
	}
	room, me := tr.room(), tr.room()+"/"+tr.nick()
	shown := fmt.Sprintf("n %d", tr.total-i%10)
	delay := "<delay xmlns='urn:xmpp:delay' from='" + room + "' stamp='2026-01-01T00:00:00Z'/>"
	inner := fmt.Sprintf("<message xmlns='jabber:client' type='groupchat' from='%s' id='%s'><body>%s</body></message>", me, id, shown)
	message := func(attributes, content string) string {
		return fmt.Sprintf("<message to='%s' type='groupchat' %s>%s</message>", room, attributes, content)
	}
	text := "<body>" + shown + "</body>"
	all := []string{
		message("id='"+id+"'", text),
		message("id='"+id+"'", text+delay),
		message(fmt.Sprintf("id='y' xmlns:a='urn:a' a:id='%s' a:from='%s' a:type='error'", id, me), text),
		message("id='z'", "<x xmlns='urn:unknown'>"+inner+"</x>"+text),
		message("id='z'", "<forwarded xmlns='urn:xmpp:forward:0'>"+delay+inner+"</forwarded>"+text),
		message("id='z'", "<x xmlns='urn:unknown'>"+strings.Repeat("<y>", 90)+strings.Repeat("</y>", 90)+"</x>"+text),
		message("id='z'", "<error xmlns='jabber:client' type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"+text),
		message("id='z'", "<stanza-id xmlns='urn:xmpp:sid:0' by='"+room+"' id='"+id+"'/><origin-id xmlns='urn:xmpp:sid:0' id='"+id+"'/>"+text),
		fmt.Sprintf("<presence to='%s/attacker'><x xmlns='urn:unknown'><priority>abc</priority><status code='110'/></x></presence>", room),
		fmt.Sprintf("<message to='%s' type='error' id='%s'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", me, id),
		fmt.Sprintf("<message to='%s' type='chat' id='%s'><body>%s</body></message>", me, id, shown),
		fmt.Sprintf("<iq to='%s' type='set' id='%s'><query xmlns='jabber:iq:roster'/></iq>", me, id),
	}
	if i%60 == 59 {
		return message("id='big'", "<body>"+strings.Repeat("&lt;", 50_000)+"</body>")
	}
	return all[i%len(all)]
}
