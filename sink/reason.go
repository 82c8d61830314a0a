package sink

import (
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
)

// Reasons lists all words that Reason returns.
func Reasons() []string {
	kinds := []conn.Kind{
		muc.KindBounced, conn.KindClosed, conn.KindDNS, muc.KindJoin, conn.KindLogin, conn.KindNetwork, kindNick, kindNotInRoom,
		muc.KindRemoved, conn.KindSilent, kindStalled, conn.KindStream, conn.KindTimeout, conn.KindTLS,
	}
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return words
}

// Reason returns one of a few words for what ended a session or an attempt, for
// statistics. What the other side says never becomes part of it.
func Reason(err error) string {
	if _, removed := errors.AsType[*RemovedError](err); removed {
		return string(muc.KindRemoved)
	}
	return string(conn.KindOf(err))
}
