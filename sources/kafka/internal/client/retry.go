package client

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/segmentio/kafka-go"
)

// retrying makes a request once more if the broker has closed the connection, as it does
// when it stops, and when the time of a SASL session is over
// (connections.max.reauth.ms). The library notices that only when it uses a connection,
// and keeps others that are as old: they are closed first.
type retrying struct{ *kafka.Transport }

// RoundTrip is part of kafka.RoundTripper.
func (t retrying) RoundTrip(ctx context.Context, addr net.Addr, request kafka.Request) (kafka.Response, error) {
	response, err := t.Transport.RoundTrip(ctx, addr, request)
	if ctx.Err() == nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		t.CloseIdleConnections()
		return t.Transport.RoundTrip(ctx, addr, request)
	}
	return response, err
}
