package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AnyBroker is for questions that every broker can answer.
const AnyBroker int32 = -1

// TooLargeError says that an answer has more bytes than are to be read.
type TooLargeError struct {
	Size    int64
	Head    []byte // the first of them
	Version int16  // in which they are written
}

// headSize is how much of an answer is read that is too large.
const headSize = 64 << 10

func (e *TooLargeError) Error() string { return fmt.Sprintf("an answer of %d bytes", e.Size) }

// answerLimit bounds what brokers answer to questions about themselves.
const answerLimit = 16 << 20

// Request asks a broker in kmsg's words, in the newest version that both know and
// that is no newer than newest. Transport finds the way. What it lacks itself are
// topic ids, and the bytes of a fetch as they are.
func (c *Client) Request(ctx context.Context, broker int32, newest int16, request kmsg.Request) (kmsg.Response, error) {
	return c.RequestWithin(ctx, broker, newest, request, answerLimit)
}

// RequestWithin is Request for an answer of at most limit bytes. A longer one is
// an *TooLargeError, and costs the connection.
func (c *Client) RequestWithin(ctx context.Context, broker int32, newest int16, request kmsg.Request, limit int64) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	e := &exchange{broker: broker, newest: newest, request: request, limit: limit}
	if _, err := c.API.Transport.RoundTrip(ctx, c.API.Addr, e); err != nil {
		return nil, err
	}
	return e.response, nil
}

// exchange is one request and its response. The library has it write and read by
// itself (protocol.RawExchanger).
type exchange struct {
	broker   int32
	newest   int16
	request  kmsg.Request
	limit    int64
	response kmsg.Response
}

var (
	_ protocol.RawExchanger  = (*exchange)(nil)
	_ protocol.BrokerMessage = (*exchange)(nil)
)

// ApiKey is part of protocol.Message.
func (e *exchange) ApiKey() protocol.ApiKey { return protocol.ApiKey(e.request.Key()) } //nolint:staticcheck // the library's name

// Broker is part of protocol.BrokerMessage.
func (e *exchange) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if e.broker == AnyBroker {
		return protocol.Broker{ID: AnyBroker}, nil
	}
	broker, ok := cluster.Brokers[e.broker]
	if !ok {
		return broker, kafka.BrokerNotAvailable // until the library has asked anew
	}
	return broker, nil
}

// Required is part of protocol.RawExchanger.
func (*exchange) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange is part of protocol.RawExchanger.
func (e *exchange) RawExchange(conn io.ReadWriter) (protocol.Message, error) {
	versions, err := versionsOf(conn)
	if err != nil {
		return nil, err
	}
	if err := versions.choose(e.request, e.newest); err != nil {
		return nil, err
	}
	e.response, err = roundTrip(conn, e.request, e.limit)
	return e, err
}

// roundTrip writes a request and reads its response.
func roundTrip(conn io.ReadWriter, request kmsg.Request, limit int64) (kmsg.Response, error) {
	const correlation = 1 // one at a time on a connection
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))
	if _, err := conn.Write(formatter.AppendRequest(nil, request, correlation)); err != nil {
		return nil, err
	}
	var head [8]byte // size and correlation
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, unexpected(err)
	}
	size := int64(binary.BigEndian.Uint32(head[:])) - 4
	if id := binary.BigEndian.Uint32(head[4:]); size < 0 || id != correlation {
		return nil, fmt.Errorf("the answer to request %d has the number %d and %d bytes: this is no Kafka", correlation, id, size)
	}
	part := size
	if size > limit {
		part = min(size, headSize)
	}
	body := make([]byte, part)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, unexpected(err)
	}
	if size > limit {
		return nil, &TooLargeError{Size: size, Head: body, Version: request.GetVersion()}
	}
	response := request.ResponseKind()
	response.SetVersion(request.GetVersion())
	if response.IsFlexible() && request.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 || body[0] != 0 {
			return nil, errors.New("the answer has a header that is not known")
		}
		body = body[1:]
	}
	if err := response.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("parse answer to %s: %w", kmsg.NameForKey(request.Key()), err)
	}
	return response, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// versions are the newest ones that a broker speaks, by the key of the request.
type versions map[int16]kmsg.ApiVersionsResponseApiKey

// versionsOf asks the broker once for each connection: another one may have taken its
// place behind the same address.
func versionsOf(conn io.ReadWriter) (versions, error) {
	peer := conn.(net.Conn).RemoteAddr().(*peer) //nolint:forcetypeassert // as Network dials
	if peer.versions != nil {
		return peer.versions, nil
	}
	request := kmsg.NewPtrApiVersionsRequest() // version 0, which every broker speaks
	response, err := roundTrip(conn, request, answerLimit)
	if err != nil {
		return nil, err
	}
	answer := response.(*kmsg.ApiVersionsResponse)
	if err := codeError(answer.ErrorCode); err != nil {
		return nil, fmt.Errorf("ask for the versions of the protocol: %w", err)
	}
	peer.versions = versions{}
	for _, key := range answer.ApiKeys {
		peer.versions[key.ApiKey] = key
	}
	return peer.versions, nil
}

// choose sets the version of a request.
func (v versions) choose(request kmsg.Request, newest int16) error {
	broker, ok := v[request.Key()]
	version := min(newest, broker.MaxVersion, request.MaxVersion())
	if !ok || version < broker.MinVersion {
		return fmt.Errorf("%s: %w", kmsg.NameForKey(request.Key()), kafka.UnsupportedVersion)
	}
	request.SetVersion(version)
	return nil
}

// codeError is the library's error for a code on the wire.
func codeError(code int16) error {
	if code == 0 {
		return nil
	}
	return kafka.Error(code)
}
