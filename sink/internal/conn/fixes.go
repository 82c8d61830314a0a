package conn

import "fmt"

// Advice is what an operator can do about a condition.
type Advice struct {
	Fix string
	// Lasting says that attempts are of no use until that is done.
	Lasting bool
}

// FixLog is the fix where only the server knows more.
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
		altered  = "something changes what is sent, or the server is no server of XMPP: check XMPP_ADDR and the proxies on the way"
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
			"connection-timeout":       {"lower XMPP_PING_INTERVAL, if the connection itself is well", false},
			"host-gone":                {domain, true},
			"host-unknown":             {domain, true},
			"improper-addressing":      {altered, false},
			"invalid-from":             {altered, false},
			"invalid-namespace":        {altered, false},
			"invalid-xml":              {altered, false},
			"not-authorized":           {account, true},
			"not-well-formed":          {altered, false},
			"policy-violation":         {limits, false},
			"remote-connection-failed": {"the server does not reach what it needs, like its directory of accounts: mend that", false},
			"reset":                    {restart, false},
			"resource-constraint":      {"the server has no room for more: raise its limits, of sessions for the account of XMPP_JID, or give it more memory", false},
			"restricted-xml":           {altered, false},
			"system-shutdown":          {restart, false},
			"unsupported-encoding":     {altered, false},
			"unsupported-feature":      {"make what the server asks for optional there", true},
			"unsupported-stanza-type":  {altered, false},
			"unsupported-version":      {"the server is too old for XMPP 1.0 (RFC 6120): update it, or correct XMPP_ADDR", true},
		}
	case OfSASL:
		return map[string]Advice{
			"aborted":                {"nothing to do, if the next attempt succeeds", false},
			"account-disabled":       {disabled, true},
			"credentials-expired":    {disabled, true},
			"encryption-required":    {"something on the way ends TLS before the server: let it pass TLS on, or correct XMPP_ADDR", true},
			"incorrect-encoding":     {login, true},
			"invalid-authzid":        {account, true},
			"invalid-mechanism":      {login, true},
			"malformed-request":      {"the server does not take the user or the password of this form: give the account others, or " + login, true},
			"mechanism-too-weak":     {login, true},
			"not-authorized":         {account, true},
			"temporary-auth-failure": {"the server does not reach its accounts, like a database or a directory: mend that, if it does not pass", false},
		}
	default:
		return map[string]Advice{
			"bad-request":         {altered, false},
			"conflict":            {FixSessions, true},
			"not-allowed":         {"allow sessions to the account of XMPP_JID on the server", true},
			"resource-constraint": {FixSessions, true},
		}
	}
}
