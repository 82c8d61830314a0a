package jetstream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// Config holds the settings of the source.
type Config struct {
	Stream     string        `envconfig:"NATS_STREAM" required:"true" desc:"Stream to read; it must exist, xmpp-notifier init --create makes it."`
	Consumer   string        `envconfig:"NATS_CONSUMER" default:"xmpp-notifier" desc:"Durable pull consumer; workers with the same one share the work."`
	Create     bool          `envconfig:"NATS_CREATE" default:"false" desc:"Create the durable consumer if it is missing; it then begins with the oldest message of the stream."`
	Subjects   []string      `envconfig:"NATS_SUBJECTS" desc:"Subjects to read, comma-separated, wildcards allowed; used only to create the consumer, and by init to create the stream. Default: all of the stream."`
	AckWait    time.Duration `envconfig:"NATS_ACK_WAIT" default:"30s" desc:"Ack wait of the consumer, at least 1s: what a dead worker had received is redelivered after it; used only to create the consumer."`
	Order      string        `envconfig:"NATS_ORDER" default:"shared" desc:"shared: all workers on the consumer receive, so the order of the stream is kept by a single worker only; strict: one worker receives at a time, and the others stand by (NATS 2.11 or newer, and a consumer that init has made for it)."`
	MaxDeliver int           `envconfig:"NATS_MAX_DELIVER" default:"0" desc:"A notification that the broker has delivered more often than this becomes a dead letter, undecoded. 0: never; else at least 20, because every stop or crash of a worker counts."`

	// Holds is how many messages a worker may hold unacknowledged, which the consumer
	// must allow. The program sets it.
	Holds int
}

// The values of NATS_ORDER.
const (
	shared = "shared"
	strict = "strict"
)

// minAckWait leaves the in-progress acks, at a third of it, time for a slow
// network.
const minAckWait = time.Second

// minMaxDeliver is more than the deliveries that a bad day of rolling restarts
// costs a notification that is not to blame.
const minMaxDeliver = 20

// Validate reports what is wrong with the settings, each with its fix.
func (c Config) Validate() []error {
	var errs check.Faults = subject.Validate("NATS_SUBJECTS", c.Subjects)
	for _, s := range [][2]string{{"NATS_STREAM", c.Stream}, {"NATS_CONSUMER", c.Consumer}} {
		setting, name := s[0], s[1]
		errs.Add(name == "", "name the "+strings.ToLower(setting[len("NATS_"):]), "%s is empty", setting)
		errs.Add(strings.ContainsAny(name, " \t\r\n.*>/\\"), `leave out spaces and . * > / \`, "%s %q is no name", setting, name)
	}
	errs.Add(c.AckWait < minAckWait, fmt.Sprintf("use at least %v", minAckWait), "NATS_ACK_WAIT %v is too short", c.AckWait)
	errs.Add(c.MaxDeliver != 0 && c.MaxDeliver < minMaxDeliver, fmt.Sprintf("use at least %d, or 0 for no limit", minMaxDeliver), "NATS_MAX_DELIVER %d is too low", c.MaxDeliver)
	errs.Add(!slices.Contains([]string{"", shared, strict}, c.Order), "use shared or strict", "NATS_ORDER %q is unknown", c.Order)
	return errs
}

// maxAckPending is shared by all workers on the durable: it must exceed the
// sum of what they hold, and messages released with a delay count too.
const maxAckPending = 10_000

// Durable is the consumer that the source promises to work well with. There
// is no MaxDeliver: beyond it the broker would skip a message in silence.
func (c Config) Durable() jetstream.ConsumerConfig {
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
	if c.Order == strict {
		c.Pin(&d)
	}
	return d
}

// tooOften says why the message of an attempt is taken for one that kills its
// workers, or nil.
func (c Config) tooOften(attempt int) error {
	if c.MaxDeliver == 0 || attempt <= c.MaxDeliver {
		return nil
	}
	return fmt.Errorf("delivered %d times without success, NATS_MAX_DELIVER allows %d", attempt-1, c.MaxDeliver)
}
