//go:build real && chaos

package e2e_test

import "context"

// The kinds of storms with NATS beside the usual one: workers that keep the order of
// the stream, and a cluster whose leaders die and move.
const (
	strictKind      = "JetStream in strict order"
	natsClusterKind = "JetStream cluster"
)

// faults are what may happen to the cluster.
func (c *natsCluster) faults(s *storm) []event {
	return []event{
		{"leader killed", func() { s.stopBroker(true, 0) }},
		{"leader restarted", func() { s.stopBroker(false, 0) }},
		{"leader away", func() { s.stopBroker(true, longAbsence) }},
		{"leader moved", func() {
			until(s.T, "a leader gives up", func(ctx context.Context) (bool, error) {
				err := c.stepDown(ctx)
				return err == nil, err
			})
		}},
	}
}
