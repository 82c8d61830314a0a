//go:build real

package chaos_test

import (
	"context"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// fault is something that goes wrong in mid-run.
type fault struct {
	name string
	// drive makes it happen, ends it, and returns when it was over.
	drive func(tr *trial) time.Time
	// forgets says why the server cannot tell what it has shown; "" if it can.
	forgets string
	options testbed.Options // of the server
	prepare func(tr *trial) // of the room, before the worker comes; may be nil
	n       int             // how many notifications, 0 for the usual number
	poison  int             // a poison message behind every so many, 0 for none
	// poisonText is that of a poison message, which is a notification then; "" for
	// one that cannot be decoded.
	poisonText string
	env        map[string]string // of the worker, beside the usual
	only       string            // the kind of server that can be made to do it; "" for all
	joins      int               // how many joins of the room there may be at most
	short      bool              // part of the short form
	// reorders says why the order may suffer; "" if it may not.
	reorders string
}

const (
	forgetsAll = "the room's history is gone"
	pushedOut  = "others push ours out of the room's history"
	noIDs      = "a room without ids cannot tell which of our messages it has shown"
	unwritten  = "the archive loses what was not yet on disk"
	firstLimit = "of those in flight when it first refuses one, the room may take a later one"
	redelivers = "JetStream redelivers what was pending at a dead worker behind later ones"
)

// roomRules are what a room does with messages that have certain words.
const roomRules = `
INSPECT: body#/=swallow this
DROP.

INSPECT: body#/=bounce this
BOUNCE=service-unavailable (not this text)
`

// muteRules have a room answer no request of the worker, joinRules let only some joins
// through.
const (
	muteRules = `
KIND: iq
FROM: <notifier>@<xmpp.test>
DROP.
`
	joinRules = `
%RATE joins: 0.5 (burst 4)

KIND: presence
TYPE: available
LIMIT: joins on $<@to|bare>
BOUNCE=policy-violation:wait (The room is overactive, try again later)
`
)

// rateLimit is the time between two messages in a room that limits the rate.
const rateLimit = 50 * time.Millisecond

// slow is for servers that are silent for seconds under load.
func slow() map[string]string {
	return map[string]string{"XMPP_PING_INTERVAL": "15s", "XMPP_CONNECT_TIMEOUT": "60s"}
}

// shortStall is for a room that swallows: when all that is in flight at the reset is what it
// never shows, two sessions end before others are sent that can prove it.
func shortStall() map[string]string { return map[string]string{"XMPP_STALL_TIMEOUT": "10s"} }

// shortLease makes JetStream redeliver after 2 s what is not kept alive.
func shortLease() map[string]string { return map[string]string{"NATS_ACK_WAIT": "2s"} }

func faults() []fault {
	return []fault{
		{name: "connection reset", drive: reset, short: true},
		{name: "black hole for 3 s", drive: blackHole},
		{name: "black hole towards the worker for 3 s", drive: inboundBlackHole, short: true},
		{name: "cut that the server does not see", drive: ghost},
		{name: "server terminated and started", drive: func(tr *trial) time.Time { return restart(tr, false) }, forgets: forgetsAll},
		{name: "server killed and started", drive: func(tr *trial) time.Time { return restart(tr, true) }, forgets: forgetsAll, short: true},
		{name: "chat service restarted", drive: component, forgets: forgetsAll, short: true},
		{name: "room destroyed and created anew", drive: destroyed, forgets: forgetsAll, short: true},
		{name: "kicked", drive: kicked, short: true},
		{name: "banned for 2 s", drive: banned},
		{name: "voice taken for 1 s", drive: muted},
		{name: "kicked, nickname taken by another", drive: nickTaken},
		{name: "kicked, room password changed for 2 s", drive: password},
		{name: "hostile occupant", drive: hostile, short: true, joins: 1},
		{name: "hostile occupant and reset", drive: hostileReset, forgets: pushedOut},
		{name: "hostile occupant and black hole towards the worker", drive: hostileInbound, forgets: pushedOut},
		{name: "worker killed and started", drive: workerKilled, env: shortLease(), reorders: redelivers, short: true},
		{name: "away for three times the ack wait", drive: longOutage, env: shortLease()},
		{name: "poison messages, and reset", drive: reset, poison: 20, short: true},
		{name: "messages that the room swallows, and reset", drive: reset, only: "Prosody", options: testbed.Options{RoomRules: roomRules}, n: 1000, poison: 20, poisonText: "swallow this", joins: 4, env: shortStall(), short: true},
		{name: "messages that the room bounces, and reset", drive: reset, only: "Prosody", options: testbed.Options{RoomRules: roomRules}, n: 1000, poison: 20, poisonText: "bounce this"},
		{name: "room that limits the rate, and reset", drive: reset, options: testbed.Options{MessageInterval: rateLimit}, n: 150, joins: 2, reorders: firstLimit},
		{name: "session replaced by another", drive: replaced, joins: 2},
		{name: "sent to another host (see-other-host)", drive: seeOtherHost, joins: 2, short: true},
		{name: "room that keeps no ids, and reset", drive: reset, only: "Prosody", options: testbed.Options{NoIDs: true}, forgets: noIDs, joins: 2},
		{name: "room that answers no request, and reset", drive: reset, only: "Prosody", options: testbed.Options{RoomRules: muteRules}, joins: 2, env: map[string]string{"XMPP_CONNECT_TIMEOUT": "9s"}},
		{name: "room that limits joins, and reset", drive: reset, only: "Prosody", options: testbed.Options{RoomRules: joinRules}, joins: 2},
		{name: "WebSocket, and reset", drive: reset, options: testbed.Options{WebSocket: true}, joins: 2},
		{name: "WebSocket, and black hole towards the worker for 3 s", drive: inboundBlackHole, options: testbed.Options{WebSocket: true}, joins: 2},
		{name: "limits that Debian ships, and reset", drive: reset, options: testbed.Options{Throttle: true}, n: 80, joins: 2, env: slow()},
		{name: "limits that Debian ships, and a cut that the server does not see", drive: ghost, options: testbed.Options{Throttle: true}, n: 80, joins: 2, env: slow()},
		{name: "limits that Debian ships, and black hole towards the worker", drive: inboundBlackHole, options: testbed.Options{Throttle: true}, n: 80, joins: 2, env: slow()},
		{name: "large archive, and reset", drive: reset, prepare: largeArchive, options: testbed.Options{Archive: true}, n: 120, joins: 2, env: slow()},
		{name: "archive; server terminated and started", drive: func(tr *trial) time.Time { return restart(tr, false) }, options: testbed.Options{Archive: true}, n: 200, env: slow()},
		{name: "archive; server killed and started", drive: func(tr *trial) time.Time { return restart(tr, true) }, options: testbed.Options{Archive: true}, n: 200, env: slow(), forgets: unwritten},
	}
}

func reset(tr *trial) time.Time {
	tr.proxy.Reset()
	return time.Now()
}

func blackHole(tr *trial) time.Time {
	tr.proxy.Blackhole()
	return tr.healLater()
}

// inboundBlackHole lets what is on its way arrive, but not its reflections.
func inboundBlackHole(tr *trial) time.Time {
	tr.proxy.BlackholeInbound()
	return tr.healLater()
}

func (tr *trial) healLater() time.Time {
	tr.Helper()
	pause(tr.T, 3*time.Second)
	tr.proxy.Heal()
	return time.Now()
}

// ghost leaves an occupant behind that has the worker's nickname.
func ghost(tr *trial) time.Time {
	tr.proxy.CutClients()
	return time.Now()
}

// behindGate keeps the worker, once its connection has ended, away until the
// observer is back: so the observer misses nothing.
func (tr *trial) behindGate(do func()) time.Time {
	tr.Helper()
	tr.proxy.Refuse(true)
	do()
	tr.watch.join()
	tr.proxy.Refuse(false)
	return time.Now()
}

func restart(tr *trial, kill bool) time.Time {
	tr.Helper()
	return tr.behindGate(func() {
		if kill {
			must(tr, tr.server.Kill())
		} else {
			must(tr, tr.server.Stop(tr.Context()))
		}
		must(tr, tr.server.Start(tr.Context()))
	})
}

func component(tr *trial) time.Time {
	tr.Helper()
	return tr.behindGate(func() { must(tr, restartRooms(tr.Context(), tr.server)) })
}

func destroyed(tr *trial) time.Time {
	tr.Helper()
	return tr.behindGate(func() {
		must(tr, tr.admin.Destroy(tr.Context(), ""))
		until(tr.T, "the room is there again", func(ctx context.Context) (bool, error) {
			err := tr.admin.Create(ctx, owner.Room{})
			return err == nil, err
		})
	})
}

// workerKilled leaves to the next what the last one had not acknowledged.
func workerKilled(tr *trial) time.Time {
	tr.Helper()
	tr.worker().kill()
	tr.startWorker()
	return time.Now()
}

// longOutage keeps the worker away from the room for longer than the broker
// waits for it.
func longOutage(tr *trial) time.Time {
	tr.Helper()
	tr.proxy.Refuse(true)
	tr.proxy.Reset()
	pause(tr.T, 6*time.Second)
	tr.proxy.Refuse(false)
	return time.Now()
}

func kicked(tr *trial) time.Time {
	tr.Helper()
	must(tr, tr.admin.Kick(tr.Context(), tr.nick()))
	return time.Now()
}

func banned(tr *trial) time.Time {
	tr.Helper()
	must(tr, tr.admin.Ban(tr.Context(), tr.jid()))
	pause(tr.T, 2*time.Second)
	must(tr, tr.admin.Unban(tr.Context(), tr.jid()))
	return time.Now()
}

func muted(tr *trial) time.Time {
	tr.Helper()
	must(tr, tr.admin.Configure(tr.Context(), owner.Room{Moderated: true}))
	must(tr, tr.admin.Mute(tr.Context(), tr.nick()))
	pause(tr.T, time.Second)
	// It may be out at the moment, or about to leave and lose the voice, because of what
	// was refused before: more is shown than was in flight when it has a voice and stays.
	begin, enough := time.Now(), min(tr.watch.count()+2*inFlight, tr.total)
	until(tr.T, "the worker speaks again", func(ctx context.Context) (bool, error) {
		err := tr.admin.Voice(ctx, tr.nick())
		return tr.watch.count() >= enough, err
	})
	return begin
}

func nickTaken(tr *trial) time.Time {
	tr.Helper()
	other := tr.login("other")
	nick := tr.nick()
	tr.proxy.Refuse(true)
	must(tr, tr.admin.Kick(tr.Context(), nick))
	until(tr.T, "another has the nickname", func(ctx context.Context) (bool, error) {
		_, err := other.Enter(ctx, nick, "")
		return err == nil, err
	})
	tr.proxy.Refuse(false)
	return time.Now()
}

func password(tr *trial) time.Time {
	tr.Helper()
	must(tr, tr.admin.Configure(tr.Context(), owner.Room{Password: "changed"}))
	must(tr, tr.admin.Kick(tr.Context(), tr.nick()))
	pause(tr.T, 2*time.Second)
	must(tr, tr.admin.Configure(tr.Context(), owner.Room{}))
	return time.Now()
}

// replaced logs in with the worker's own address, which ends its session.
func replaced(tr *trial) time.Time {
	tr.Helper()
	must(tr, owner.Replace(tr.Context(), tr.server, tr.worker().jid()))
	return time.Now()
}

// seeOtherHost breaks the connection, and sends who comes back to the server's own
// address, as a cluster does whose node is about to go.
func seeOtherHost(tr *trial) time.Time {
	tr.Helper()
	tr.proxy.SendElsewhere(tr.server.Addr)
	tr.proxy.Reset()
	return time.Now()
}
