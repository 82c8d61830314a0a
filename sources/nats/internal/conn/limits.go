package conn

import (
	"errors"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The broker's answers when a limit is reached.
const (
	accountResources   jetstream.ErrorCode = 10002
	serverResources    jetstream.ErrorCode = 10023
	consumersOfAccount jetstream.ErrorCode = 10026
	streamsOfAccount   jetstream.ErrorCode = 10027
	memoryOfAccount    jetstream.ErrorCode = 10028
	storageOfAccount   jetstream.ErrorCode = 10047
	messageTooLarge    jetstream.ErrorCode = 10054
	notStored          jetstream.ErrorCode = 10077
	sealedStream       jetstream.ErrorCode = 10109
)

// IsTooLarge reports whether err is that the server, or the stream, takes only smaller
// messages.
func IsTooLarge(err error) bool {
	refused, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, client.ErrMaxPayload) || ok && refused.ErrorCode == messageTooLarge
}

// LimitFix tells what to do if a limit of JetStream is reached, and nothing about
// other errors.
func LimitFix(err error) string {
	refused, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return ""
	}
	switch refused.ErrorCode {
	case accountResources, serverResources, memoryOfAccount, storageOfAccount:
		return "raise the account's or the server's storage for JetStream, or purge what is no longer needed"
	case consumersOfAccount:
		return "delete consumers that are no longer needed, or raise max_consumers of the account or the stream"
	case streamsOfAccount:
		return "delete streams that are no longer needed, or raise max_streams of the account"
	case notStored:
		return "raise the limits of the stream, or purge what is no longer needed"
	case sealedStream:
		return "let another stream capture the subject"
	default:
		return ""
	}
}
