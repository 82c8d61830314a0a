package nats

import (
	"errors"
	"fmt"
)

// CoreConfig holds the settings of the source for core NATS.
type CoreConfig struct {
	Subjects     []string `envconfig:"NATS_CORE_SUBJECTS" required:"true" desc:"subjects to read without JetStream, comma-separated, wildcards allowed; at most once: what is published while no worker has room for it is lost"`
	Queue        string   `envconfig:"NATS_CORE_QUEUE" default:"xmpp-notifier" desc:"queue group; workers with the same one share the work"`
	Buffer       int      `envconfig:"NATS_CORE_BUFFER" default:"10000" desc:"most notifications per subject that wait in memory, 16 MiB in sum, while the room is slow or away; what comes beyond is lost, counted and logged; 1 to 1000000"`
	Reply        bool     `envconfig:"NATS_REPLY" default:"false" desc:"answer publishers that name a reply subject, when it is known what became of the notification: {\"status\":\"delivered\"}, rejected, or retry"`
	DropRejected bool     `envconfig:"NATS_CORE_DROP_REJECTED" default:"false" desc:"drop, with a line in the log, what can never be delivered, instead of writing a dead letter; for servers without JetStream"`
}

// maxBuffer limits NATS_CORE_BUFFER.
const maxBuffer = 1_000_000

// Validate reports what is wrong with the settings, each with its cure.
func (c CoreConfig) Validate() []error {
	errs := validSubjects("NATS_CORE_SUBJECTS", c.Subjects)
	if len(c.Subjects) == 0 {
		errs = append(errs, errors.New("NATS_CORE_SUBJECTS is empty: name the subjects to read"))
	}
	if !literal(c.Queue) {
		errs = append(errs, fmt.Errorf("NATS_CORE_QUEUE %q is no name: use letters and digits", c.Queue))
	}
	if c.Buffer < 1 || c.Buffer > maxBuffer {
		errs = append(errs, fmt.Errorf("NATS_CORE_BUFFER %d is out of range: use 1 to %d", c.Buffer, maxBuffer))
	}
	return errs
}
