// Package admin looks whether NATS has what the sources need, and creates what is
// missing.
package admin

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// requestTime limits one request.
const requestTime = 5 * time.Second

// What is looked at beside the connection and the dead letters.
const (
	partStream   = "stream"
	partConsumer = "consumer"
	partSubjects = "subjects"
)

// inspector looks into the broker and creates what is missing.
type inspector struct {
	settings nats.Settings
	mode     sources.Mode
	conn     *conn.Conn
	report   check.Report

	refuse atomic.Pointer[context.CancelCauseFunc] // ends the present request; nil if there is none
}

// connect connects, or says why that fails: there is no second attempt.
func (i *inspector) connect(wrong []error) bool {
	for _, err := range wrong {
		i.report.Fail(check.Settings, "settings", err)
	}
	if len(wrong) > 0 {
		return false
	}
	var err error
	if i.conn, err = conn.Once(i.settings, i.refused); err != nil {
		i.report.Fail(check.Broker, sources.PartConnection, err)
		return false
	}
	found := "connected to " + i.conn.ConnectedUrlRedacted()
	if version := i.conn.ConnectedServerVersion(); version != "" {
		found += ", version " + version
	}
	i.report.Add(check.Broker, sources.PartConnection, check.OK, found, "")
	return true
}

// refused sees errors that the client reports on the side: a broker does not
// answer what is not allowed, so waiting for that is over.
func (i *inspector) refused(err error) bool {
	if refuse := i.refuse.Load(); refuse != nil && errors.Is(err, client.ErrPermissionViolation) {
		(*refuse)(err)
	}
	return true
}

// ask sends a request, which ends soon, whatever the broker does.
func (i *inspector) ask(ctx context.Context, request func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, requestTime)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	i.refuse.Store(&cancel)
	defer i.refuse.Store(nil)
	err := request(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, client.ErrPermissionViolation) {
		return cause
	}
	return err
}

// found reports on a part that is there.
func (i *inspector) found(class check.Class, part, what, found string, wrong []error, notes []string) {
	i.report.Add(class, part, check.OK, found, "")
	for _, problem := range wrong {
		i.report.Fail(class, part, fmt.Errorf("%s: %w", what, problem))
	}
	for _, note := range notes {
		i.report.Add(class, part, check.Warn, what+": "+note, "")
	}
}

// skip names what is not looked at.
func (i *inspector) skip(parts ...string) {
	for _, part := range parts {
		class := check.Broker
		if part == sources.PartDeadLetters {
			class = check.DeadLetters
		}
		i.report.Add(class, part, check.Skip, "not checked", "")
	}
}
