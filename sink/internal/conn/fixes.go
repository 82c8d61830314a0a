package conn

import "fmt"

// Advice is what an operator can do about a condition.
type Advice struct {
	Fix string
	// Lasting says that attempts are useless until that is done.
	Lasting bool
}

// FixLog is the fix for conditions without a reason.
const FixLog = "look for the reason in the server's log"

// FixSessions helps against a server that ends one session of an account for another.
const FixSessions = "the account has more sessions than the server allows (ejabberd: max_user_sessions, 10): raise it for XMPP_JID, or give workers accounts of their own"

// AdviceFor returns what helps against a condition that ends a stream or a login.
func AdviceFor(c *Condition) Advice {
	if c.Name == "see-other-host" && c.Elsewhere != "" {
		return Advice{Fix: fmt.Sprintf("the server redirects to another host: set XMPP_ADDR to %.200q", c.Elsewhere)}
	}
	if advice, known := advices(c.Of)[c.Name]; known {
		return advice
	}
	return Advice{Fix: FixLog}
}

// advices are those for the conditions of RFC 6120: of streams (4.9.3), of SASL (6.5), and of
// the requests that a login ends with (7.6.2).
func advices(of ErrorOf) map[string]Advice {
	const (
		restart  = "nothing to do, if the server comes back"
		account  = "check XMPP_JID and XMPP_PASSWORD"
		domain   = "the server does not serve the domain of XMPP_JID: correct XMPP_JID or XMPP_ADDR"
		altered  = "a proxy alters the stream, or this is no XMPP server: check XMPP_ADDR and the proxies on the way"
		limits   = "a rule or a limit of the server forbids what was sent: raise the limit for the account of XMPP_JID, or lower XMPP_MAX_STANZA_BYTES"
		login    = "enable SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN on the server for the account of XMPP_JID"
		disabled = "enable the account or renew its password on the server"
	)
	switch of {
	case OfStream:
		return map[string]Advice{
			"bad-format":               {altered, false},
			"bad-namespace-prefix":     {altered, false},
			"conflict":                 {FixSessions, true},
			"connection-timeout":       {"lower XMPP_PING_INTERVAL, if the network works", false},
			"host-gone":                {domain, true},
			"host-unknown":             {domain, true},
			"improper-addressing":      {altered, false},
			"invalid-from":             {altered, false},
			"invalid-namespace":        {altered, false},
			"invalid-xml":              {altered, false},
			"not-authorized":           {account, true},
			"not-well-formed":          {altered, false},
			"policy-violation":         {limits, false},
			"remote-connection-failed": {"the server cannot reach a backend, like its directory of accounts: repair that", false},
			"reset":                    {restart, false},
			"resource-constraint":      {"the server is out of resources: raise its limits, also of sessions for the account of XMPP_JID, or its memory", false},
			"restricted-xml":           {altered, false},
			"system-shutdown":          {restart, false},
			"unsupported-encoding":     {altered, false},
			"unsupported-feature":      {"make the stream feature that the server requires optional there", true},
			"unsupported-stanza-type":  {altered, false},
			"unsupported-version":      {"the server is too old for XMPP 1.0 (RFC 6120): update it, or correct XMPP_ADDR", true},
		}
	case OfSASL:
		return map[string]Advice{
			"aborted":                {"nothing to do, if the next attempt succeeds", false},
			"account-disabled":       {disabled, true},
			"credentials-expired":    {disabled, true},
			"encryption-required":    {"a proxy terminates TLS before the server: let it pass TLS through, or correct XMPP_ADDR", true},
			"incorrect-encoding":     {login, true},
			"invalid-authzid":        {account, true},
			"invalid-mechanism":      {login, true},
			"malformed-request":      {"the server does not accept a character of the user or the password: change them, or " + login, true},
			"mechanism-too-weak":     {login, true},
			"not-authorized":         {account, true},
			"temporary-auth-failure": {"the server cannot reach its database or directory of accounts: repair that, if it persists", false},
		}
	default:
		return map[string]Advice{
			"bad-request":         {altered, false},
			"conflict":            {FixSessions, true},
			"not-allowed":         {"allow the account of XMPP_JID to log in on the server", true},
			"resource-constraint": {FixSessions, true},
		}
	}
}
