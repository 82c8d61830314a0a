package main

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// roomFault is what is wrong with the XMPP server or the room.
type roomFault struct {
	noTLS     bool
	certFor   string // the certificate is for another name
	expired   bool   // the certificate
	noLogin   bool   // no mechanism that we take
	missing   bool   // the room
	moved     string // the room, to another
	password  string // of the room
	members   bool   // only
	moderated bool
	banned    bool
	taken     bool // the nickname
	reserved  bool // another nickname, for our account
	full      bool
}

// natsFault is what is wrong with the broker NATS.
type natsFault struct {
	config          string // of the server; with users there is an administrator a, password a
	tls             bool   // the server has a certificate, and wants TLS
	noStream        bool
	consumer        func(*jetstream.ConsumerConfig) // nil: as it has to be
	noDurable, push bool
	stream          func(*jetstream.StreamConfig)
	letters         string // subject of the stream for dead letters; "" for the right one
	noLetters       bool
}

// kafkaFault is what is wrong with the broker Kafka. With deny or password
// there is an account.
type kafkaFault struct {
	noTopic, noLetters bool
	deny               string // topic, group or letters: the account may not use it
	account, tls       bool
	nowhere            bool // no broker is asked
}

// set returns the settings of an operator that are the same everywhere.
func set(pairs ...string) func(*world) map[string]string {
	return func(*world) map[string]string {
		env := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			env[pairs[i]] = pairs[i+1]
		}
		return env
	}
}

const (
	noServerFix = "check that the server runs, that XMPP_ADDR is right, and that no firewall is between"
	notXMPPFix  = "no XMPP server there, or one with TLS from the first byte: set XMPP_TLS=direct, or correct XMPP_ADDR"
	accountFix  = "check XMPP_JID and XMPP_PASSWORD"
	noRoomsFix  = "no chat rooms there: check the service in XMPP_ROOM"
	lettersFix  = "create one, run init --create, or correct NATS_DLQ_SUBJECT"
	noLimitFix  = "use discard new, or no limit"
)

// mistakes are the rows of the matrix.
func mistakes() []mistake {
	var all []mistake
	for _, list := range [][]mistake{settingMistakes(), connectionMistakes(), loginMistakes(), roomMistakes(), natsMistakes(), kafkaMistakes()} {
		all = append(all, list...)
	}
	return all
}

func settingMistakes() []mistake {
	of := func(what, fix string, pairs ...string) mistake {
		return mistake{what: what, class: check.Settings, part: "settings", fix: fix, env: set(pairs...), fake: true}
	}
	return []mistake{
		of("unknown source in `SOURCES`", "use nats, nats-core, kafka, or several with commas between", "SOURCES", "rabbit"),
		of("`XMPP_ROOM` without a service", "give the room as room@service, like alerts@conference.example.org", "XMPP_ROOM", "alerts"),
		of("`XMPP_MAX_IN_FLIGHT` out of range", "use 1 to 333; 16 suits most servers", "XMPP_MAX_IN_FLIGHT", "0"),
		of("`XMPP_CA_FILE` does not exist", "name a readable PEM file", "XMPP_CA_FILE", "/nonexistent/ca.pem"),
		of("`TEMPLATE` with an error", "see docs/templates.md", "TEMPLATE", "{{.Nothing"),
	}
}

func connectionMistakes() []mistake {
	of := func(what, part, fix string, m mistake) mistake {
		m.what, m.class, m.part, m.fix = what, check.Connection, part, fix
		return m.on(onProsody)
	}
	return []mistake{
		of("unknown host in `XMPP_ADDR`", "address", "check XMPP_JID, XMPP_ADDR and the DNS", mistake{env: set("XMPP_ADDR", "nowhere.invalid:5222"), fake: true}),
		of("nothing listens at `XMPP_ADDR`", "tcp", noServerFix, mistake{env: set("XMPP_ADDR", "127.0.0.1:1"), fake: true}),
		of("`XMPP_ADDR` is another kind of server", "tls", notXMPPFix, mistake{env: func(w *world) map[string]string { return map[string]string{"XMPP_ADDR": w.natsAddr} }, servers: []string{onNATS}}),
		of("port for direct TLS, but `XMPP_TLS=starttls`", "tls", notXMPPFix, mistake{env: func(w *world) map[string]string { return map[string]string{"XMPP_ADDR": w.direct} }}),
		of("port for STARTTLS, but `XMPP_TLS=direct`", "tls", "there is no TLS from the first byte: set XMPP_TLS=starttls, or correct the port in XMPP_ADDR", mistake{env: set("XMPP_TLS", "direct")}),
		of("TLS is off on the server", "tls", "enable TLS on the server, or set XMPP_TLS=direct and XMPP_ADDR if it listens for TLS on a port of its own", mistake{room: roomFault{noTLS: true}}),
		of("certificate of another name", "tls", "the certificate must name the domain of XMPP_JID, or else XMPP_TLS_SERVER_NAME: it names other.test", mistake{room: roomFault{certFor: "other.test"}}),
		of("certificate expired", "tls", "renew the server's certificate, or set the clock of this machine", mistake{room: roomFault{expired: true}}),
		of("certificate of an unknown authority", "tls", "set XMPP_CA_FILE to the authority that issued the server's certificate", mistake{env: set("XMPP_CA_FILE", "")}),
		of("the server does not serve the domain of `XMPP_JID`", "tls", "the server does not serve the domain of XMPP_JID: correct XMPP_JID or XMPP_ADDR", mistake{env: set("XMPP_JID", "notifier@other.test")}),
	}
}

func loginMistakes() []mistake {
	of := func(what, part, fix string, m mistake) mistake {
		m.what, m.class, m.part, m.fix = what, check.Login, part, fix
		return m.on(onProsody, onEjabberd)
	}
	return []mistake{
		of("wrong password", "login", accountFix, mistake{env: set("XMPP_PASSWORD", "wrong")}),
		of("unknown account", "login", accountFix, mistake{env: func(w *world) map[string]string { return map[string]string{"XMPP_JID": "nobody@" + w.domain} }}),
		of("no common way to log in", "mechanisms", "enable SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN on the server", mistake{room: roomFault{noLogin: true}, servers: []string{onProsody}}),
	}
}

func roomMistakes() []mistake {
	of := func(what, part, fix string, m mistake) mistake {
		m.what, m.class, m.part, m.fix = what, check.Room, part, fix
		return m.on(onProsody, onEjabberd)
	}
	at := func(service func(*world) string) func(*world) map[string]string {
		return func(w *world) map[string]string { return map[string]string{"XMPP_ROOM": "alerts@" + service(w)} }
	}
	nowhere := func(w *world) string { return "chat." + w.domain }
	return []mistake{
		of("the service in `XMPP_ROOM` has no chat rooms", "service", noRoomsFix, mistake{env: at(func(w *world) string { return w.domain })}),
		of("the service in `XMPP_ROOM` does not exist", "service", noRoomsFix, mistake{env: at(nowhere), servers: []string{onEjabberd}}),
		of("the service in `XMPP_ROOM` does not exist, on a server without s2s", "service", noRoomsFix, mistake{env: at(nowhere), real: true, servers: []string{onProsody}}),
		of("room missing", "room", "create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true", mistake{room: roomFault{missing: true}}),
		of("room destroyed, its owner names another", "room", `its owner names "new@conference.xmpp.test" as the place to go: set XMPP_ROOM`, mistake{room: roomFault{moved: "new@conference.xmpp.test"}, servers: []string{onProsody}}),
		of("room has a password, none is set", "join", "the room has a password: set XMPP_ROOM_PASSWORD to it", mistake{room: roomFault{password: "sesame"}}),
		of("wrong room password", "join", "the room has a password: set XMPP_ROOM_PASSWORD to it", mistake{room: roomFault{password: "sesame"}, env: set("XMPP_ROOM_PASSWORD", "wrong")}),
		of("room is for members only", "join", "the room is for members only: make the account of XMPP_JID a member", mistake{room: roomFault{members: true}}),
		of("account is banned", "join", "the account is banned from the room: ask an owner of the room to lift the ban", mistake{room: roomFault{banned: true}}),
		of("room is moderated, account has no voice", "voice", "the room is moderated and the account has no voice: grant the account of XMPP_JID voice or membership", mistake{room: roomFault{moderated: true}}),
		of("nickname taken", "nickname", "set XMPP_NICK to one that nobody else has", mistake{room: roomFault{taken: true}, warn: true}),
		of("another nickname is reserved for the account", "join", "the room refuses this nickname: set XMPP_NICK to the one that is reserved for the account", mistake{room: roomFault{reserved: true}, fake: true}),
		of("room is full", "join", "the room is full: raise its number of occupants, or make the account an admin of the room", mistake{room: roomFault{full: true}, fake: true}),
	}
}

func natsMistakes() []mistake {
	of := func(what, part, fix string, m mistake) mistake {
		m.what, m.class, m.part, m.fix = "NATS: "+what, check.Broker, "nats "+part, fix
		return m.on(onNATS)
	}
	consumer := func(what, fix string, spoil func(*jetstream.ConsumerConfig)) mistake {
		return of(what, "consumer", fix, mistake{nats: natsFault{consumer: spoil}})
	}
	stream := func(what, fix string, spoil func(*jetstream.StreamConfig)) mistake {
		return of(what, "stream", fix, mistake{nats: natsFault{stream: spoil}})
	}
	letters := func(what, fix string, f natsFault) mistake {
		m := of(what, "dead letters", fix, mistake{nats: f})
		m.class = check.DeadLetters
		return m
	}
	const noAPI = `authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: { publish: ["$JS.API.STREAM.>", "dlq.>"], subscribe: ["_INBOX.>"] } } ] }`
	const noDLQ = `authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: { publish: ["$JS.>"], subscribe: ["_INBOX.>"] } } ] }`
	limited := mistake{nats: natsFault{config: noAPI}, env: set("NATS_USER", "w", "NATS_PASSWORD", "w")}
	list := []mistake{
		of("nothing listens at `NATS_URL`", "connection", "check that the server runs, that NATS_URL is right, and that no firewall is between", mistake{env: set("NATS_URL", "nats://127.0.0.1:1"), fake: true}),
		of("wrong password", "connection", "correct NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY, whichever the server wants", mistake{nats: natsFault{config: noDLQ}, env: set("NATS_USER", "w", "NATS_PASSWORD", "x")}),
		of("certificate of an unknown authority", "connection", "set NATS_CA to the authority that issued the broker's certificate", mistake{nats: natsFault{tls: true}, env: set("NATS_CA", "")}),
		of("stream missing", "stream", "run xmpp-notifier init --create, or correct NATS_STREAM", mistake{nats: natsFault{noStream: true}}),
		of("durable missing", "consumer", "run xmpp-notifier init, correct NATS_CONSUMER, or set NATS_CREATE=true", mistake{nats: natsFault{noDurable: true}}),
		of("consumer pushes", "consumer", "name a pull consumer in NATS_CONSUMER", mistake{nats: natsFault{push: true}}),
		of("no permission to look up the consumer", "consumer", "allow the user to publish there", limited),
		consumer("`ack_policy` all", "create the consumer anew with explicit", func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckAllPolicy }),
		consumer("`ack_policy` none", "create the consumer anew with explicit", func(c *jetstream.ConsumerConfig) { c.AckPolicy, c.AckWait = jetstream.AckNonePolicy, 0 }),
		consumer("`max_deliver` set", "set it to -1", func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 3 }),
		consumer("`ack_wait` too short", "set it to at least 1s", func(c *jetstream.ConsumerConfig) { c.AckWait = 500_000_000 }),
		consumer("`max_ack_pending` too low", "set it to at least 80", func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 5 }),
		stream("stream in memory", "create the stream anew with storage file", func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage }),
		stream("backlog overwrites itself", noLimitFix, func(s *jetstream.StreamConfig) { s.MaxMsgs = 1000 }),
		stream("`max_age` too short", "set it to at least 96h0m0s", func(s *jetstream.StreamConfig) { s.MaxAge = 3_600_000_000_000 }),
		letters("dead-letter target missing", lettersFix, natsFault{noLetters: true}),
		letters("dead letters captured in part", "add that to its subjects", natsFault{letters: "dlq.NOTIFY.notify.a"}),
		letters("dead letters go to the stream itself", "exclude dlq.NOTIFY.> from its subjects, or change NATS_DLQ_SUBJECT", natsFault{noLetters: true, stream: func(s *jetstream.StreamConfig) { s.Subjects = append(s.Subjects, "dlq.>") }}),
	}
	denied := letters("no permission to write dead letters", "allow the user to publish to dlq.NOTIFY.>", natsFault{config: noDLQ})
	denied.env = limited.env
	return append(list, denied)
}

func kafkaMistakes() []mistake {
	of := func(what, part, fix string, f kafkaFault, pairs ...string) mistake {
		m := mistake{what: "Kafka: " + what, class: check.Broker, part: "kafka " + part, fix: fix, kafka: &f, env: set(pairs...), fake: f.nowhere}
		return m.on(onKafka)
	}
	letters := func(what, fix string, f kafkaFault) mistake {
		m := of(what, "dead letters", fix, f)
		m.class = check.DeadLetters
		return m
	}
	real := func(m mistake) mistake {
		m.real = true
		return m
	}
	return []mistake{
		of("nothing listens at `KAFKA_BROKERS`", "connection", "check that the broker runs, that KAFKA_BROKERS is right, and that no firewall is between", kafkaFault{nowhere: true}, "KAFKA_BROKERS", "127.0.0.1:1"),
		real(of("wrong password", "connection", "correct KAFKA_USER=worker or KAFKA_PASSWORD", kafkaFault{account: true}, "KAFKA_PASSWORD", "wrong")),
		real(of("TLS, but the brokers have none", "connection", "if that persists, check KAFKA_TLS=true, KAFKA_SASL=none, KAFKA_USER= and KAFKA_PASSWORD", kafkaFault{}, "KAFKA_TLS", "true")),
		of("certificate of an unknown authority", "connection", "set KAFKA_CA to the authority that issued the broker's certificate", kafkaFault{tls: true}, "KAFKA_CA", ""),
		of("topic missing", "topic", "run xmpp-notifier init --create, or correct KAFKA_TOPICS", kafkaFault{noTopic: true}),
		of("no permission for the topic", "topic", "allow KAFKA_USER=worker to read it", kafkaFault{account: true, deny: "topic"}),
		of("no permission for the group", "group", "allow KAFKA_USER=worker to read the group KAFKA_GROUP_ID=xmpp-notifier", kafkaFault{account: true, deny: "group"}),
		letters("dead-letter target missing", "run xmpp-notifier init --create, or correct KAFKA_DLQ_SUFFIX=.dlq", kafkaFault{noLetters: true}),
		real(letters("no permission to write dead letters", "allow KAFKA_USER=worker to write it", kafkaFault{account: true, deny: "letters"})),
	}
}
