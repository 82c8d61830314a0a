package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// patience bounds every wait for something that takes a second at most.
const patience = 30 * time.Second

// demo is the stage: the broker, the room, and the terminal on which both are
// watched.
type demo struct {
	opts   options
	screen *screen
	broker *broker
	room   *room

	sent  int    // messages, the broken one included
	acked uint64 // the last that was shown as acknowledged
	dead  uint64 // dead letters that were shown
}

// run sets the stage, plays the story and clears up. It returns an error if
// the numbers at the end do not agree.
func run(ctx context.Context, opts options, screen *screen) (err error) {
	dir, err := os.MkdirTemp("", "xmpp-notifier-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	broker, err := startBroker(dir)
	if err != nil {
		return err
	}
	defer broker.stop()
	room, err := startRoom(screen)
	if err != nil {
		return fmt.Errorf("start the room: %w", err)
	}
	defer room.Close()
	d := &demo{opts: opts, screen: screen, broker: broker, room: room}
	return d.play(ctx, dir)
}

// play ends when ctx does, but not without the summary.
func (d *demo) play(ctx context.Context, dir string) error {
	d.introduce()
	stop, err := startWorker(d, dir)
	if err != nil {
		return err
	}
	told := d.tell(ctx)
	if errors.Is(told, context.Canceled) {
		told = nil // asked for
	}
	d.screen.chapter("The services stop; the worker waits for the messages in flight, and leaves.")
	settled := d.settle(context.WithoutCancel(ctx))
	stopped := stop()
	if !d.room.inside() {
		d.room.sawLeave("has left")
	}
	return errors.Join(told, settled, stopped, d.summarize(context.WithoutCancel(ctx)))
}

func (d *demo) introduce() {
	d.screen.title("xmpp-notifier demo: a broker, a chat room and the worker in one process.")
	d.screen.line(plain, "broker", "NATS JetStream at "+d.broker.url()+", stream "+streamName)
	d.screen.line(plain, "room", d.room.RoomJID()+", XMPP over TLS at "+d.room.Addr())
	d.screen.line(plain, "worker", "the real one, on the durable consumer "+durableName)
	d.screen.line(plain, "", fmt.Sprintf("Ends by itself after about %v, or on Ctrl-C.", d.opts.duration))
}

// summarize compares what the broker and the room remember.
func (d *demo) summarize(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e, err := d.broker.evidence(ctx)
	if err != nil {
		return err
	}
	e.posts = d.room.Transcript()
	t := e.tally()
	t.show(d.screen)
	return t.check()
}
