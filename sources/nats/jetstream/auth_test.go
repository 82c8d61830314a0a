package jetstream_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jwt "github.com/nats-io/jwt/v2"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/admin"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// way is one way to authenticate: the server's side of it, and the right and
// wrong settings of a client.
type way struct {
	config       []string
	right, wrong func(*nats.Settings)
	admin        client.Option
}

// Each way to say who one is works, wrong credentials are told to the
// operator, and they may be mended without a restart of the worker: on the
// server, or in the file.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) way{
		"user and password": userWay, "token": tokenWay, "NKey": nkeyWay, "credentials file": credsWay,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := make(t)
			b := connect(t, natstest.NewServer(t, w.config...), w.admin)
			b.CreateStream(t)
			cfg := b.config()
			cfg.Create = true
			w.right(&cfg.Settings)
			b.PublishNotes(t, 0, 1)
			sourcetest.Ack(t, sourcetest.Next(t, b.use(t, cfg), 1)...)
			b.Settles(t, 1)

			w.wrong(&cfg.Settings)
			natstest.Fails(t, b.use(t, cfg), "not connected", "Authorization Violation")
			natstest.Fails(t, b.use(t, b.config()), "not connected", "Authorization Violation") // nobody
			if got := fmt.Sprint(admin.PrepareJetStream(t.Context(), cfg.Settings, cfg.Config, sources.CheckOnly).Of(check.Fail)); !strings.Contains(got, "NATS_PASSWORD") {
				t.Errorf("init with wrong credentials: %s", got)
			}
		})
	}
}

func userWay(*testing.T) way {
	return way{
		config: []string{`authorization { user: "worker", password: "right" }`},
		right:  func(c *nats.Settings) { c.User, c.Password = "worker", natstest.Secret("right") },
		wrong:  func(c *nats.Settings) { c.User, c.Password = "worker", natstest.Secret("wrong") },
		admin:  client.UserInfo("worker", "right"),
	}
}

func tokenWay(*testing.T) way {
	return way{
		config: []string{`authorization { token: "right" }`},
		right:  func(c *nats.Settings) { c.Token = natstest.Secret("right") },
		wrong:  func(c *nats.Settings) { c.Token = natstest.Secret("wrong") },
		admin:  client.Token("right"),
	}
}

func nkeyWay(t *testing.T) way {
	t.Helper()
	right, wrong := newKey(t, nkeys.CreateUser), newKey(t, nkeys.CreateUser)
	rightFile, wrongFile := write(t, right.seed), write(t, wrong.seed)
	admin, err := client.NkeyOptionFromSeed(rightFile)
	natstest.Must(t, err)
	return way{
		config: []string{fmt.Sprintf(`authorization { users: [ { nkey: %q } ] }`, right.public)},
		right:  func(c *nats.Settings) { c.NKey = rightFile },
		wrong:  func(c *nats.Settings) { c.NKey = wrongFile },
		admin:  admin,
	}
}

// credsWay is a server in operator mode: it knows the operator and one
// account, and users bring a JWT that the account has signed.
func credsWay(t *testing.T) way {
	t.Helper()
	operator, account, system := newKey(t, nkeys.CreateOperator), newKey(t, nkeys.CreateAccount), newKey(t, nkeys.CreateAccount)
	operatorClaims := jwt.NewOperatorClaims(operator.public)
	operatorClaims.SystemAccount = system.public
	accountClaims := jwt.NewAccountClaims(account.public)
	accountClaims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	encode := func(c jwt.Claims, by key) string {
		text, err := c.Encode(by.pair)
		natstest.Must(t, err)
		return text
	}
	creds := func(by key) string {
		user := newKey(t, nkeys.CreateUser)
		text, err := jwt.FormatUserConfig(encode(jwt.NewUserClaims(user.public), by), user.seed)
		natstest.Must(t, err)
		return write(t, text)
	}
	right := creds(account)
	wrong := creds(newKey(t, nkeys.CreateAccount)) // an account that nobody knows
	return way{
		config: []string{
			fmt.Sprintf("operator: %q", write(t, []byte(encode(operatorClaims, operator)))),
			"resolver: MEMORY", "system_account: " + system.public,
			fmt.Sprintf("resolver_preload { %s: %s, %s: %s }", account.public, encode(accountClaims, operator),
				system.public, encode(jwt.NewAccountClaims(system.public), operator)),
		},
		right: func(c *nats.Settings) { c.Creds = right },
		wrong: func(c *nats.Settings) { c.Creds = wrong },
		admin: client.UserCredentials(right),
	}
}

// Wrong credentials may be mended on the server.
func TestCredentialsMendedOnServer(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	b.Down(t)
	b.Configure(t, `authorization { user: "worker", password: "right" }`)
	b.Up(t)
	cfg := b.config()
	cfg.User, cfg.Password = "worker", natstest.Secret("wrong")
	src := b.use(t, cfg)
	natstest.Fails(t, src, "not connected", "Authorization Violation")
	b.Configure(t, `authorization { user: "worker", password: "wrong" }`)
	b.Reload(t)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
}

// A credentials file is read again at every connect.
func TestCredentialsMendedInFile(t *testing.T) {
	t.Parallel()
	w := credsWay(t)
	b := connect(t, natstest.NewServer(t, w.config...), w.admin)
	b.CreateStream(t)
	b.PublishNotes(t, 0, 1)
	cfg := b.config()
	cfg.Create = true
	w.wrong(&cfg.Settings)
	src := b.use(t, cfg)
	natstest.Fails(t, src, "not connected", "Authorization Violation")
	var good nats.Settings
	w.right(&good)
	text, err := os.ReadFile(good.Creds)
	natstest.Must(t, err)
	natstest.Must(t, os.WriteFile(cfg.Creds, text, 0o600))
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
}

// key is a key pair of NATS.
type key struct {
	pair   nkeys.KeyPair
	public string
	seed   []byte
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) key {
	t.Helper()
	pair, err := create()
	natstest.Must(t, err)
	public, err := pair.PublicKey()
	natstest.Must(t, err)
	seed, err := pair.Seed()
	natstest.Must(t, err)
	return key{pair, public, seed}
}

// write puts text into a file of its own.
func write(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	natstest.Must(t, os.WriteFile(file, text, 0o600))
	return file
}
