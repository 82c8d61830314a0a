package nats

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Config holds the settings of the JetStream source.
type Config struct {
	Stream     string        `envconfig:"NATS_STREAM" required:"true" desc:"stream to read; it must exist"`
	Consumer   string        `envconfig:"NATS_CONSUMER" default:"xmpp-notifier" desc:"durable pull consumer; workers with the same one share the work"`
	Create     bool          `envconfig:"NATS_CREATE" default:"false" desc:"create the durable consumer if it is missing; it then begins with the oldest message of the stream"`
	Subjects   []string      `envconfig:"NATS_SUBJECTS" desc:"subjects to read, comma-separated, wildcards allowed, empty for all; used only to create the consumer, and by init to create the stream"`
	AckWait    time.Duration `envconfig:"NATS_ACK_WAIT" default:"30s" desc:"a worker that died is replaced after this time, at least 1s; used only to create the consumer"`
	MaxDeliver int           `envconfig:"NATS_MAX_DELIVER" default:"0" desc:"a notification that the broker has delivered more often than this becomes a dead letter, undecoded; 0 for never, else at least 20, because stops and crashes of workers count, whoever is to blame"`
}

// minAckWait leaves the keepalive, at a third of it, room for a slow network.
const minAckWait = time.Second

// minMaxDeliver is more than the deliveries that a bad day of rolling restarts
// costs a notification that is not to blame.
const minMaxDeliver = 20

// Validate reports what is wrong with the settings, each with its cure.
func (c Config) Validate() []error {
	errs := slices.Concat(validName("NATS_STREAM", c.Stream), validName("NATS_CONSUMER", c.Consumer), validSubjects("NATS_SUBJECTS", c.Subjects))
	if c.AckWait < minAckWait {
		errs = append(errs, fmt.Errorf("NATS_ACK_WAIT %v is too short: use at least %v", c.AckWait, minAckWait))
	}
	if c.MaxDeliver != 0 && c.MaxDeliver < minMaxDeliver {
		errs = append(errs, fmt.Errorf("NATS_MAX_DELIVER %d is too low: use at least %d, or 0 for no limit", c.MaxDeliver, minMaxDeliver))
	}
	return errs
}

func validName(setting, name string) []error {
	switch {
	case name == "":
		return []error{fmt.Errorf("%s is empty: name the %s", setting, strings.ToLower(setting[len("NATS_"):]))}
	case strings.ContainsAny(name, " \t\r\n.*>/\\"):
		return []error{fmt.Errorf(`%s %q is no name: leave out spaces and . * > / \`, setting, name)}
	}
	return nil
}

// validSubjects also refuses subjects that overlap: the broker takes no such
// filters, and without JetStream it would deliver twice what is in both.
func validSubjects(setting string, subjects []string) []error {
	var errs []error
	for i, subject := range subjects {
		if !validSubject(subject) {
			errs = append(errs, fmt.Errorf("%s has the entry %q, which is no subject: use words joined by dots", setting, subject))
			continue
		}
		for _, other := range subjects[:i] {
			if overlap(subject, other) {
				errs = append(errs, fmt.Errorf("%s has the entries %q and %q, which overlap: keep the wider one", setting, other, subject))
			}
		}
	}
	return errs
}

// maxAckPending is shared by all workers on the durable: it must exceed the
// sum of their windows, and messages released with a delay count too.
const maxAckPending = 10_000

// durable is the consumer that the source promises to work well with. There
// is no MaxDeliver: beyond it the broker would skip a message in silence.
func (c Config) durable() jetstream.ConsumerConfig {
	d := jetstream.ConsumerConfig{
		Durable:       c.Consumer,
		Description:   "notifications for an XMPP room",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       c.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	}
	if len(c.Subjects) == 1 { // known to servers before 2.10, too
		d.FilterSubject = c.Subjects[0]
	} else {
		d.FilterSubjects = c.Subjects
	}
	return d
}
