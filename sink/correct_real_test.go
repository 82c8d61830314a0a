//go:build real

package sink_test

import (
	"encoding/xml"
	"fmt"
	"slices"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// corrections: a worker corrects what another has posted that died, where the room tells
// which messages are of one account; else only what it has posted itself. What is too far
// up, or unknown, is not corrected.
func corrections(sc *scene) {
	sc.create(owner.Room{})
	w := sc.watch()
	cfg := sc.settings()
	cfg.EditWithin = 20
	first := openRoom(sc.T, cfg)
	first.post(0, 5)
	first.delivered(5)
	sc.proxy.Refuse(true) // it is gone, and has not said so
	sc.proxy.Reset()
	cfg.Addr, cfg.Nick = sc.server.Addr, "second"
	second := openRoom(sc.T, cfg)
	second.joined()
	ofAnother := second.correct("3 is over", "message 3").Replaced != ""
	if byAccount := sc.name == "Prosody"; ofAnother != byAccount {
		sc.Errorf("what another worker has posted is corrected: %v", ofAnother)
	}
	second.post(5, 6)
	second.delivered(2)
	for _, name := range []string{"5 is over", "5 is over at last"} {
		of := map[string]string{"5 is over": "message 5", "5 is over at last": "5 is over"}[name]
		if second.correct(name, of).Replaced == "" {
			sc.Errorf("%s: what was posted in this session is not corrected", name)
		}
	}
	second.post(6, 27)
	second.delivered(4 + 21)
	for _, of := range []string{"message 5", "message 4", "never posted"} {
		if r := second.correct("the end of "+of, of); r.Replaced != "" {
			sc.Errorf("%s is corrected: %s", of, r.Replaced)
		}
	}
	want := append(append(bodies(27), "the end of message 5"), "the end of message 4", "the end of never posted")
	if want[5] = "5 is over at last"; ofAnother {
		want[3] = "3 is over"
	} else {
		want = slices.Insert(want, 5, "3 is over")
	}
	w.wait(5 + 1 + 1 + 2 + 21 + 3)
	if got := merged(w.shown()); !slices.Equal(got, want) && !sc.disorder {
		sc.Errorf("people read %q, want %q", got, want)
	}
}

// merged is what people see with a client that does as Gajim: a correction takes the place
// of the message that it names, if both are of one occupant by id, or by nickname where
// there are no ids. Else it is a message.
func merged(messages []observer.Message) (texts []string) {
	at := map[string]int{} // index of the text, by author and id
	for _, m := range messages {
		var inner struct {
			Replace struct {
				ID string `xml:"id,attr"`
			} `xml:"urn:xmpp:message-correct:0 replace"`
			Occupant struct {
				ID string `xml:"id,attr"`
			} `xml:"urn:xmpp:occupant-id:0 occupant-id"`
		}
		if err := xml.Unmarshal([]byte("<m>"+m.Inner+"</m>"), &inner); err != nil {
			return append(texts, err.Error())
		}
		author := inner.Occupant.ID
		if author == "" {
			author = m.Nick
		}
		if i, known := at[fmt.Sprint(author, "\n", inner.Replace.ID)]; known && inner.Replace.ID != "" {
			texts[i] = m.Body
			continue
		}
		at[fmt.Sprint(author, "\n", m.ID)] = len(texts)
		texts = append(texts, m.Body)
	}
	return texts
}
