package conn

import (
	"bytes"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// scripted is a server that answers each thing that it is sent with the next
// line of a script: the name of an element and its text, in which NONCE stands
// for the client's.
type scripted struct {
	net.Conn // never used
	script   [][2]string
	nonce    string
	out      bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error) { return s.out.Read(p) }

func (s *scripted) Write(p []byte) (int, error) {
	_, value, _ := bytes.Cut(p, []byte(">"))
	value, _, _ = bytes.Cut(value, []byte("<"))
	if said, err := base64.StdEncoding.DecodeString(string(value)); err == nil && s.nonce == "" {
		_, s.nonce, _ = strings.Cut(string(said), "r=")
	}
	if len(s.script) > 0 {
		name, text := s.script[0][0], strings.ReplaceAll(s.script[0][1], "NONCE", s.nonce)
		s.out.WriteString("<" + name + " xmlns='" + string(OfSASL) + "'>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</" + name + ">")
		s.script = s.script[1:]
	}
	return len(p), nil
}

// begin returns a stream to s on which the login is next.
func (s *scripted) begin(t *testing.T) *Stream {
	t.Helper()
	s.out.WriteString("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	stream := newStream(s)
	stream.framer = wire.NewFramer(stream.conn, maxInbound)
	if _, err := stream.framer.Header(); err != nil {
		t.Fatal(err)
	}
	return stream
}

// FuzzChallenge lets a server that does not know the password say anything in
// a SCRAM exchange. It must never be believed, and never keep us busy.
func FuzzChallenge(f *testing.F) {
	const salt = ",s=QSXCR+Q6sek8bf92,i="
	for _, seed := range [][2]string{
		{"r=NONCEabc" + salt + "4096", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
		{"r=NONCE" + salt + "1", "v="},
		{"r=NONCEabc" + salt + "2000000000", ""},
		{"r=NONCEabc" + salt + "99999999999999999999", "e=other-error"},
		{"r=NONCEabc" + salt + "-4096", "v=AAAA,"},
		{"r=NONCEabc" + salt + "4096,i=4096", "i=2000000000"},
		{"m=ext,r=NONCEabc" + salt + "4096", ""},
		{"r=other" + salt + "4096", ""},
		{"x", "x"},
		{"r=,s=,i=", ""},
		{"r=NONCE,i=4096", "="},
		{"r=NONCEabc,s=!!!,i=4096,", "v=,,,"},
		{"", ""},
		{"\x00\xff", "\x00"},
	} {
		for kind := range uint8(4) {
			f.Add(seed[0], seed[1], kind)
		}
	}
	f.Fuzz(func(t *testing.T, first, last string, kind uint8) {
		if slow(first) || slow(last) {
			t.Skip("allowed, and takes its time")
		}
		names := [][2]string{{"challenge", "success"}, {"challenge", "challenge"}, {"success", "success"}, {"challenge", "failure"}}[kind%4]
		server := &scripted{script: [][2]string{{names[0], first}, {names[1], last}}}
		s := server.begin(t)
		s.offered.Mechanisms = []string{mechanisms()[int(kind)%3].name}
		err := newAuthenticator("notifier", config.NewSecret("secret")).authenticate(s)
		if err == nil {
			t.Errorf("believed %q, %q", first, last)
		}
	})
}

// slow reports whether a challenge asks for much work, but within the limit.
func slow(challenge string) bool {
	for field := range strings.SplitSeq(challenge, ",") {
		rounds, _ := strings.CutPrefix(field, "i=")
		if n, err := strconv.Atoi(rounds); err == nil && n > 10_000 && n <= maxRounds {
			return true
		}
	}
	return false
}
