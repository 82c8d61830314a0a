package setup

import (
	"context"
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// account makes the worker's account, unless it can log in.
func (j *job) account(ctx context.Context) (Line, error) {
	_, err := j.dial(ctx, j.Worker)
	if !refused(err, "not-authorized") {
		return Line{Already, j.Worker.JID + " can log in with XMPP_PASSWORD"}, err
	}
	create, how := j.register, "registered (XEP-0077)"
	if j.offersAddUser(ctx) {
		create, how = j.addUser, "created (XEP-0133)"
	}
	switch err := create(ctx); {
	case errors.Is(err, errDirectory):
		return Line{Note, "the server makes no accounts (not-allowed): they are those of a directory like LDAP. Create " + j.Worker.JID + " there, with XMPP_PASSWORD"}, nil
	case err != nil:
		return Line{}, err
	}
	if j.DryRun {
		return Line{Would, "account " + j.Worker.JID + " " + how + ", if it does not exist with another password"}, nil
	}
	_, err = j.dial(ctx, j.Worker)
	return Line{Done, "account " + j.Worker.JID + " " + how}, err
}

var (
	errOtherPassword = errors.New("the account exists, and XMPP_PASSWORD is not its password")
	errRefused       = errors.New("the server refuses")
	errDirectory     = errors.New("the server makes no accounts")
	errNoIBR         = errors.New("the server registers accounts on its web site only")
)

// notCreated says what to do about an account that the server does not make.
func (j *job) notCreated(err error) error {
	if refused(err, "not-allowed") { // also to an administrator
		return errDirectory
	}
	e := &sink.Error{Op: "create account " + j.Worker.JID, Err: err}
	switch {
	case errors.Is(err, errOtherPassword), refused(err, "conflict"):
		e.Err, e.Fix = errOtherPassword, "set XMPP_PASSWORD to it, or remove the account on the server"
	case errors.Is(err, errRefused):
		e.Fix = "if the account exists, set XMPP_PASSWORD to its password"
	default:
		e.Fix = "let XMPP_ADMIN_JID be an administrator and switch on XEP-0133 (Prosody: admin_adhoc; ejabberd: mod_adhoc, mod_configure) or XEP-0077, or create the account by hand: docs/servers.md"
	}
	return e
}
