package core

import (
	"fmt"
	"slices"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// Config holds the settings of the source.
type Config struct {
	Subjects     []string `envconfig:"NATS_CORE_SUBJECTS" required:"true" desc:"Subjects to read without JetStream, comma-separated, wildcards allowed; at most once: what is published while no worker has room for it is lost."`
	Queue        string   `envconfig:"NATS_CORE_QUEUE" default:"xmpp-notifier" desc:"Queue group; workers with the same one share the work."`
	Buffer       int      `envconfig:"NATS_CORE_BUFFER" default:"10000" desc:"Notifications per subject that may wait in memory, 1 to 1000000, and 16 MiB in all, while the room is slow or away; what comes beyond is lost, counted and logged."`
	Reply        bool     `envconfig:"NATS_REPLY" default:"false" desc:"Answer publishers that name a reply subject, when it is known what became of the notification: {\"status\":\"delivered\"}, rejected, or retry."`
	ReplyTo      []string `envconfig:"NATS_REPLY_SUBJECTS" default:"_INBOX.>" desc:"Subjects to which answers may go, comma-separated, wildcards allowed; a publisher that names another gets none."`
	DropRejected bool     `envconfig:"NATS_CORE_DROP_REJECTED" default:"false" desc:"Drop, with a line in the log, what can never be delivered, instead of writing a dead letter; for servers without JetStream."`
}

// maxBuffer limits NATS_CORE_BUFFER.
const maxBuffer = 1_000_000

// Validate reports what is wrong with the settings, each with its fix.
func (c Config) Validate() []error {
	errs := check.Faults(slices.Concat(subject.Validate("NATS_CORE_SUBJECTS", c.Subjects), subject.Validate("NATS_REPLY_SUBJECTS", c.ReplyTo)))
	errs.Add(len(c.Subjects) == 0, "name the subjects to read", "NATS_CORE_SUBJECTS is empty")
	errs.Add(!subject.Literal(c.Queue), "use letters and digits", "NATS_CORE_QUEUE %q is no name", c.Queue)
	errs.Add(c.Buffer < 1 || c.Buffer > maxBuffer, fmt.Sprintf("use 1 to %d", maxBuffer), "NATS_CORE_BUFFER %d is out of range", c.Buffer)
	return errs
}
