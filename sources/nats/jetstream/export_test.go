package jetstream

import (
	"errors"

	client "github.com/nats-io/nats.go"
)

// Fill fills the client's buffer for what is sent without a connection.
func (s *Source) Fill() error {
	for {
		err := s.conn.Publish("fill", make([]byte, 512<<10))
		if errors.Is(err, client.ErrReconnectBufExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
