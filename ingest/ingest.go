// Package ingest takes notifications that services send by HTTP, and puts them
// into a broker: for services that have a webhook and no broker. It answers 200
// only when the broker has stored the notification.
//
// It shares the decoders with the worker, so that it refuses at once what the
// worker could not read. It knows neither the room nor the worker.
package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Publisher puts messages into a broker.
type Publisher interface {
	// Publish returns nil when the broker has stored m, as durably as it stores
	// anything. An error that is ErrTooLarge will not go away by trying again.
	Publish(ctx context.Context, m Message) error
}

// ErrTooLarge is the error of a message that the broker never takes.
var ErrTooLarge = errors.New("larger than the broker takes")

// Message is what goes to the broker.
type Message struct {
	// ID is the same for copies of the same notifications, as the two
	// Alertmanagers of a pair send them. Empty: the publisher gave no ids.
	ID string
	// Format is the last part of the path, like "alertmanager".
	Format string
	Header []envelope.Header
	Body   []byte
}

// Event is one request and its answer, for metrics.
type Event struct {
	Format   string // "" if there is no such format
	Code     int    // status of HTTP
	Duration time.Duration
}

// identity is that of all notifications in a message, if each one has an id.
func identity(format string, list []envelope.Envelope) string {
	hash := sha256.New()
	add := func(text string) { hash.Write([]byte(strconv.Quote(text))) }
	add(format)
	for i := range list {
		if list[i].ID == "" {
			return ""
		}
		add(list[i].Source)
		add(list[i].ID)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
