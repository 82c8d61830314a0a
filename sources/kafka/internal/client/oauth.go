package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// OAuth holds the settings of SASL OAUTHBEARER (RFC 7628): the token is in a file, or
// comes from an OpenID provider by the client credentials flow (RFC 6749, section
// 4.4).
type OAuth struct {
	TokenFile    string        `envconfig:"KAFKA_TOKEN_FILE" desc:"File with the token for KAFKA_SASL=oauthbearer; it is read again for every connection."`
	TokenURL     string        `envconfig:"KAFKA_TOKEN_URL" desc:"Token endpoint of an OpenID provider, instead of a file."`
	ClientID     string        `envconfig:"KAFKA_CLIENT_ID" desc:"Client id at the token endpoint."`
	ClientSecret config.Secret `envconfig:"KAFKA_CLIENT_SECRET" desc:"Client secret at the token endpoint."`
	Scopes       []string      `envconfig:"KAFKA_SCOPES" desc:"Scopes to ask for, comma-separated."`
}

func (o OAuth) validateToken(wrong *check.Faults) {
	wrong.Add(o.TokenFile+o.TokenURL == "", "set KAFKA_TOKEN_FILE, or KAFKA_TOKEN_URL, KAFKA_CLIENT_ID and KAFKA_CLIENT_SECRET", "KAFKA_SASL is oauthbearer, but there is no token")
	wrong.Add(o.TokenFile != "" && o.TokenURL != "", "use one of them", "KAFKA_TOKEN_FILE and KAFKA_TOKEN_URL are set")
	if o.TokenURL == "" {
		return
	}
	u, err := url.Parse(o.TokenURL)
	wrong.Add(err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !config.IsLoopback(u.Hostname()), "write it like https://id.example.com/token, without a user", "KAFKA_TOKEN_URL is not the address of a token endpoint")
	wrong.Add(o.ClientID == "" || o.ClientSecret.IsZero(), "set both", "KAFKA_TOKEN_URL is set, but KAFKA_CLIENT_ID or KAFKA_CLIENT_SECRET is empty")
}

// tokens returns where tokens come from. One that came from a provider is kept
// until it expires.
func (o OAuth) tokens() func(context.Context) (string, error) {
	if o.TokenFile != "" {
		return o.readToken
	}
	flow := clientcredentials.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), TokenURL: o.TokenURL, Scopes: o.Scopes}
	patient := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: dialTimeout})
	source := flow.TokenSource(patient)
	return func(context.Context) (string, error) {
		token, err := source.Token()
		if err != nil {
			return "", fmt.Errorf("ask KAFKA_TOKEN_URL=%s for a token: %w", config.Redact(o.TokenURL), refusal(err))
		}
		return token.AccessToken, nil
	}
}

// refusal leaves out the body of the provider's answer, which the library quotes
// whole: it may be long, and repeat the secret that it was asked with. So may the
// address, which stands before what failed on the way.
func refusal(err error) error {
	if way, failed := errors.AsType[*url.Error](err); failed {
		return way.Err
	}
	answer, refused := errors.AsType[*oauth2.RetrieveError](err)
	if !refused || answer.Response == nil {
		return err
	}
	return fmt.Errorf("it answers %.50q %.50q %.200q", answer.Response.Status, answer.ErrorCode, answer.ErrorDescription)
}

func (o OAuth) readToken(context.Context) (string, error) {
	text, err := os.ReadFile(o.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read KAFKA_TOKEN_FILE: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("read KAFKA_TOKEN_FILE: %s does not hold one token", o.TokenFile)
	}
	return token, nil
}

// bearer is SASL OAUTHBEARER.
type bearer struct {
	token func(context.Context) (string, error)
}

var _ sasl.Mechanism = bearer{}

// Name is part of sasl.Mechanism.
func (bearer) Name() string { return "OAUTHBEARER" }

// Start is part of sasl.Mechanism. The token is all there is to say.
func (b bearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	return bearerAnswer{}, []byte("n,,\x01auth=Bearer " + token + "\x01\x01"), nil
}

// bearerAnswer reads what the broker says to the token: nothing, or why it does not
// take it.
type bearerAnswer struct{}

// Next is part of sasl.StateMachine.
func (bearerAnswer) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	if len(challenge) > 0 {
		return false, nil, fmt.Errorf("the broker refuses the token: %.200q", challenge)
	}
	return true, nil, nil
}
