package conn

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xdg-go/scram"
	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// ErrNoMechanism says that we cannot log in.
var ErrNoMechanism = errors.New("server offers neither SCRAM nor PLAIN")

// maxRounds bounds the work that a server can make us do. Servers use 4096 to
// 600,000 (OWASP).
const maxRounds = 1_000_000

// mechanism is one way to authenticate.
type mechanism struct {
	name string
	hash *scram.HashGeneratorFcn // nil: PLAIN
}

// mechanisms are in order of preference. PLAIN hands the password over: it
// comes last, and like everything here only under verified TLS.
func mechanisms() []mechanism {
	return []mechanism{
		{"SCRAM-SHA-512", &scram.SHA512},
		{"SCRAM-SHA-256", &scram.SHA256},
		{"SCRAM-SHA-1", &scram.SHA1},
		{"PLAIN", nil},
	}
}

// plus is what a mechanism's name ends in if it binds to the TLS channel.
const plus = "-PLUS"

// authenticator logs one account in (RFC 6120, 6; RFC 5802).
type authenticator struct {
	user     string
	password config.Secret
	// clients keep the salted password, which is slow to make, for the next
	// connection.
	clients sync.Map // mechanism name -> *scram.Client
}

func newAuthenticator(user string, password config.Secret) *authenticator {
	return &authenticator{user: user, password: password}
}

// attempt is one mechanism as it is to be run.
type attempt struct {
	mechanism
	offered string                                        // its name, with -PLUS if it binds
	begin   func(*scram.Client) *scram.ClientConversation // nil: PLAIN
}

// authenticate runs the best mechanism that is offered. A server may offer one that
// it cannot run for this account, as ejabberd does after its passwords were stored
// for another: then the last resort has its turn, once, because servers count
// failures.
func (a *authenticator) authenticate(s *Stream) error {
	offered := s.offered.Mechanisms
	s.trace.reach(StepMechanisms, "offered: "+strings.Join(offered, ", "))
	attempts := attempts(s)
	if len(attempts) == 0 {
		return fmt.Errorf("%w: it offers %q", ErrNoMechanism, offered)
	}
	first, last := attempts[0], attempts[len(attempts)-1]
	err := a.run(s, first)
	if !errors.Is(err, errNotChallenged) || first.offered == last.offered {
		return err
	}
	return a.run(s, last)
}

// attempts are the mechanisms that are offered, best first, those that bind to the
// TLS channel before the others.
func attempts(s *Stream) (list []attempt) {
	offered := s.offered.Mechanisms
	binding, bound := s.channelBinding()
	for _, m := range mechanisms() {
		if bound && m.hash != nil && slices.Contains(offered, m.name+plus) { // a server may offer PLAIN-PLUS all the same
			list = append(list, attempt{m, m.name + plus, func(c *scram.Client) *scram.ClientConversation {
				return c.NewConversationWithChannelBinding(binding)
			}})
		}
	}
	for _, m := range mechanisms() {
		switch {
		case !slices.Contains(offered, m.name):
		case m.hash == nil:
			list = append(list, attempt{mechanism: m, offered: m.name})
		default:
			list = append(list, attempt{m, m.name, unbound(offered)})
		}
	}
	return list
}

func (a *authenticator) run(s *Stream, one attempt) error {
	s.trace.chosen(one.offered)
	if one.begin == nil {
		return a.plain(s)
	}
	return a.scram(s, one)
}

// unbound begins a conversation without channel binding. It says that we could
// have bound, unless the server offers what we cannot use: that lets the
// server notice if somebody has removed -PLUS from its offer (RFC 5802, 6).
func unbound(offered []string) func(*scram.Client) *scram.ClientConversation {
	if slices.ContainsFunc(offered, func(o string) bool { return strings.HasSuffix(o, plus) }) {
		return (*scram.Client).NewConversation
	}
	return (*scram.Client).NewConversationAdvertisingChannelBinding
}

// channelBinding returns the proof that both ends share this TLS connection,
// if the server takes a kind that we can give (XEP-0440).
func (s *Stream) channelBinding() (scram.ChannelBinding, bool) {
	conn, ok := s.conn.(*tls.Conn)
	if !ok {
		return scram.ChannelBinding{}, false
	}
	state := conn.ConnectionState()
	if s.offered.binds(string(scram.ChannelBindingTLSExporter)) && state.Version >= tls.VersionTLS13 {
		b, err := scram.NewTLSExporterBinding(&state)
		return b, err == nil
	}
	if s.offered.binds(string(scram.ChannelBindingTLSServerEndpoint)) {
		b, err := scram.NewTLSServerEndpointBinding(&state)
		return b, err == nil
	}
	return scram.ChannelBinding{}, false
}

func (a *authenticator) plain(s *Stream) error {
	_, done, err := exchange(s, auth("PLAIN", "\x00"+a.user+"\x00"+a.password.Reveal()))
	if err == nil && !done {
		return errors.New("PLAIN: server answered with a challenge")
	}
	return err
}

// errNotChallenged says that a server refused before it knew whether we have the
// password.
var errNotChallenged = errors.New("refused without a challenge")

func (a *authenticator) scram(s *Stream, one attempt) error {
	client, err := a.client(one.mechanism)
	if err != nil {
		return err
	}
	conversation := one.begin(client)
	first, err := conversation.Step("")
	if err != nil {
		return fmt.Errorf("%s: %w", one.offered, err)
	}
	text := auth(one.offered, first)
	for challenges := 0; ; challenges++ {
		challenge, done, err := exchange(s, text)
		if c, refused := errors.AsType[*Condition](err); refused && challenges == 0 && (c.Name == "not-authorized" || c.Name == "invalid-mechanism") {
			return fmt.Errorf("%s: %w: %w", one.offered, errNotChallenged, err)
		}
		if err != nil {
			return err
		}
		if done && conversation.Valid() {
			return nil // the server's proof came with the last challenge
		}
		if err := checkRounds(challenge); err != nil {
			return err
		}
		answer, err := conversation.Step(challenge)
		if err == nil && done && !conversation.Valid() {
			err = errors.New("success came too early") // the rest of the exchange is the proof
		}
		if err != nil {
			return fmt.Errorf("%s: the server did not prove that it knows the password: %w", one.offered, err)
		}
		if done {
			return nil
		}
		text = "<response xmlns='" + string(OfSASL) + "'>" + base64.StdEncoding.EncodeToString([]byte(answer)) + "</response>"
	}
}

func (a *authenticator) client(m mechanism) (*scram.Client, error) {
	if known, ok := a.clients.Load(m.name); ok {
		return known.(*scram.Client), nil //nolint:forcetypeassert // nothing else is stored
	}
	password, err := a.password.Prepared()
	if err != nil {
		return nil, fmt.Errorf("XMPP_PASSWORD: %w", err)
	}
	client, err := m.hash.NewClientUnprepped(a.user, password, "") // the user is by RFC 7622
	if err != nil {
		return nil, errors.New("the user or the password cannot be used") // the reason may show it
	}
	a.clients.Store(m.name, client)
	return client, nil
}

// exchange sends one SASL element and returns the server's challenge, or its
// additional data with success.
func exchange(s *Stream, text string) (challenge string, done bool, err error) {
	if err := s.write(text); err != nil {
		return "", false, err
	}
	e, err := s.Next()
	if err != nil {
		return "", false, err
	}
	name := string(e.Name)
	if name == "failure" {
		return "", false, condition(e, OfSASL)
	}
	if name != "challenge" && name != "success" {
		return "", false, fmt.Errorf("expected a SASL challenge, got <%.40s>", name)
	}
	data := e.Text()
	if data == "=" { // empty, RFC 6120 6.4.6
		data = ""
	}
	decoded, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", false, fmt.Errorf("decode SASL %s: %w", name, err)
	}
	return string(decoded), name == "success", nil
}

// checkRounds refuses a challenge that would keep us busy for long.
func checkRounds(challenge string) error {
	for field := range strings.SplitSeq(challenge, ",") {
		rounds, ok := strings.CutPrefix(field, "i=")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(rounds); err != nil || n > maxRounds {
			return fmt.Errorf("server demands %.20q rounds of hashing, more than %d", rounds, maxRounds)
		}
	}
	return nil
}

// auth starts a SASL exchange with the initial response.
func auth(mechanism, initial string) string {
	out, err := xml.Marshal(stanza.SASLAuth{
		Mechanism: mechanism,
		Value:     base64.StdEncoding.EncodeToString([]byte(initial)),
	})
	if err != nil {
		return "" // strings always marshal
	}
	return string(out)
}
