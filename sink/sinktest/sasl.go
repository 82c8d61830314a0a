package sinktest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xdg-go/scram"
)

// saslError refuses a login; the client may try again on the same stream.
type saslError string

func (e saslError) Error() string { return "login refused: " + string(e) }

func (e saslError) xml() string {
	return "<failure xmlns='" + nsSASL + "'><" + string(e) + "/></failure>"
}

// authenticate does one login and sets the user.
func (s *session) authenticate(auth *node) error {
	mechanism := auth.attr("mechanism")
	if !s.encrypted() && s.srv.cfg.TLS == TLSRequired {
		return saslError("encryption-required")
	}
	if !slices.Contains(s.srv.mechanismList(), mechanism) {
		return saslError("invalid-mechanism")
	}
	if slices.Contains(s.srv.cfg.NotStored, mechanism) {
		return saslError("not-authorized")
	}
	first, err := decode64(auth.text)
	if err != nil {
		return err
	}
	s.mechanism = mechanism
	if mechanism == "PLAIN" {
		return s.plainLogin(first)
	}
	return s.scramLogin(mechanism, first)
}

// plainLogin checks "authzid NUL user NUL password" (RFC 4616).
func (s *session) plainLogin(message string) error {
	part := strings.Split(message, "\x00")
	if len(part) != 3 {
		return saslError("malformed-request")
	}
	password, known := s.srv.password(part[1])
	if !known || password != part[2] {
		return saslError("not-authorized")
	}
	if part[0] != "" && part[0] != part[1]+"@"+s.srv.cfg.Domain {
		return saslError("invalid-authzid")
	}
	return s.loggedIn(part[1], "<success xmlns='"+nsSASL+"'/>")
}

// scramLogin speaks RFC 5802 with the server half of a tested library.
func (s *session) scramLogin(mechanism, first string) error {
	conv, err := s.conversation(mechanism, first)
	if err != nil {
		return err
	}
	challenge, err := conv.Step(first)
	if err != nil {
		return saslError("not-authorized")
	}
	response, err := s.challenge(s.srv.tamper("challenge", challenge))
	if err != nil {
		return err
	}
	success, err := conv.Step(response)
	if err != nil || !conv.Valid() {
		return saslError("not-authorized")
	}
	data := base64.StdEncoding.EncodeToString([]byte(s.srv.tamper("success", success)))
	return s.loggedIn(conv.Username(), "<success xmlns='"+nsSASL+"'>"+data+"</success>")
}

// loggedIn counts the login before the client hears of it: a test that has heard
// looks at the count.
func (s *session) loggedIn(user, success string) error {
	s.user = user
	s.srv.count(func(c *Stats) { c.Logins++ })
	return s.write(success)
}

// challenge sends one and reads the response to it.
func (s *session) challenge(text string) (string, error) {
	data := base64.StdEncoding.EncodeToString([]byte(text))
	if err := s.write("<challenge xmlns='" + nsSASL + "'>" + data + "</challenge>"); err != nil {
		return "", err
	}
	answer, err := s.in.next()
	if err != nil {
		return "", err
	}
	switch {
	case answer.is(nsSASL, "response"):
		return decode64(answer.text)
	case answer.is(nsSASL, "abort"):
		return "", saslError("aborted")
	default:
		return "", streamError{condition: "not-authorized"}
	}
}

// conversation makes the server half of one login. While a -PLUS mechanism is on
// offer every login is checked for a downgrade, that without -PLUS too.
func (s *session) conversation(mechanism, first string) (*scram.ServerConversation, error) {
	base, plus := strings.CutSuffix(mechanism, "-PLUS")
	hash, ok := hashOf(base)
	if !ok {
		return nil, saslError("invalid-mechanism")
	}
	server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
		return s.srv.credentials(hash, user)
	})
	if err != nil {
		return nil, fmt.Errorf("make scram server: %w", err)
	}
	binding, offered := s.binding(first)
	switch {
	case plus:
		return server.NewConversationWithChannelBindingRequired(binding), nil
	case offered:
		return server.NewConversationWithChannelBinding(binding), nil
	default:
		return server.NewConversation(), nil
	}
}

func hashOf(mechanism string) (scram.HashGeneratorFcn, bool) {
	switch mechanism {
	case "SCRAM-SHA-1":
		return scram.SHA1, true
	case "SCRAM-SHA-256":
		return scram.SHA256, true
	case "SCRAM-SHA-512":
		return scram.SHA512, true
	default:
		return nil, false
	}
}

// binding is the channel binding of the kind that the client asks for, and whether -PLUS is on offer.
func (s *session) binding(first string) (scram.ChannelBinding, bool) {
	secure, ok := s.conn.(*tls.Conn)
	offered := slices.ContainsFunc(s.srv.mechanismList(), func(m string) bool { return strings.HasSuffix(m, "-PLUS") })
	if !ok || !offered {
		return scram.ChannelBinding{}, false
	}
	if strings.HasPrefix(first, "p=tls-server-end-point,") {
		sum := sha256.Sum256(s.srv.ca.server.Leaf.Raw) // the certificate is signed with SHA-256
		return scram.ChannelBinding{Type: scram.ChannelBindingTLSServerEndpoint, Data: sum[:]}, true
	}
	state := secure.ConnectionState()
	binding, err := scram.NewTLSExporterBinding(&state)
	return binding, err == nil
}

// credentials derives what a SCRAM server stores of a password.
func (s *Server) credentials(hash scram.HashGeneratorFcn, user string) (scram.StoredCredentials, error) {
	password, known := s.password(user)
	if !known {
		return scram.StoredCredentials{}, errors.New("no such user")
	}
	client, err := hash.NewClient(user, password, "")
	if err != nil { // newer than SASLprep: servers differ, Prosody takes it
		client, err = hash.NewClientUnprepped(user, password, "")
	}
	if err != nil {
		return scram.StoredCredentials{}, fmt.Errorf("prepare password: %w", err)
	}
	return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: s.salt, Iters: 4096})
}

func decode64(text string) (string, error) {
	if text == "=" { // an empty initial response
		return "", nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", saslError("incorrect-encoding")
	}
	return string(data), nil
}
