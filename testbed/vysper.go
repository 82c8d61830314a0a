package testbed

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

//go:embed vysper/pom.xml vysper/Vysper.java
var vysperFiles embed.FS

// vysperVersion names the folder in the cache; it is the one of vysper/pom.xml.
const vysperVersion = "0.7"

// Vysper starts an Apache Vysper, which Maven fetches on first use. All that
// it has is in memory: whatever happened in its rooms is gone with a Stop.
// It has STARTTLS only, PLAIN only, a history of 20 and no archive, and owners
// cannot configure its rooms. Therefore some exist from the start: alerts, the
// members-only room members, moderated, and locked with the password "secret".
//
// Left alone, Vysper mixes up the order of stanzas, for it handles them in
// pools of threads. Here it has one thread instead. Its TLS library loses what
// comes right after a handshake of TLS 1.3, so it speaks TLS 1.2.
func Vysper(ctx context.Context, o Options) (*XMPP, error) {
	if err := need("Vysper", "install Maven, a JDK 17 and openssl", "java", "javac", "mvn", "openssl"); err != nil {
		return nil, err
	}
	lib, classes, err := vysperHome(ctx)
	if err != nil {
		return nil, err
	}
	o.WebSocket = false // it has none
	c, err := prepareXMPP(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare Vysper: %w", err)
	}
	if err := c.prepareVysper(ctx); err != nil {
		return nil, fmt.Errorf("prepare Vysper: %w", err)
	}
	x := c.handle(&Server{
		name: "Vysper",
		command: command{
			args: c.vysperArgs(lib, classes),
			dir:  c.Dir,
			log:  filepath.Join(c.Dir, "vysper.log"),
		},
		addrs: []string{c.starttls},
		ready: func(ctx context.Context) error { return answersXMPP(ctx, c.starttls) },
	}, filepath.Join(classes, "Vysper.java"))
	x.DirectTLSAddr = ""
	if err := x.Start(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

const keyStorePassword = "changeit" // it guards a key that lives for a day

// vysperHome returns the folders with Vysper's jars and with our program,
// compiled.
func vysperHome(ctx context.Context) (lib, classes string, err error) {
	source, err := vysperFiles.ReadFile("vysper/Vysper.java")
	if err != nil {
		return "", "", fmt.Errorf("read Vysper.java: %w", err)
	}
	home, err := cached("vysper-"+vysperVersion, func(dir string) error {
		return fetchJars(ctx, "Vysper", vysperFiles, "vysper/pom.xml", dir)
	})
	if err != nil {
		return "", "", err
	}
	lib = filepath.Join(home, "lib", "*")
	name := fmt.Sprintf("vysper-%s-main-%.4x", vysperVersion, sha256.Sum256(source))
	classes, err = cached(name, func(dir string) error {
		path := filepath.Join(dir, "Vysper.java")
		if err := os.WriteFile(path, source, 0o600); err != nil {
			return fmt.Errorf("write Vysper.java: %w", err)
		}
		return execute(ctx, command{
			args: []string{"javac", "-cp", lib, "-d", dir, path},
			log:  filepath.Join(dir, "javac.log"),
		})
	})
	return lib, classes, err
}

// prepareVysper writes the key store.
func (c xmppConfig) prepareVysper(ctx context.Context) error {
	certs := filepath.Join(c.Dir, "certs")
	return execute(ctx, command{
		args: []string{
			"openssl", "pkcs12", "-export", "-name", "server", "-passout", "pass:" + keyStorePassword,
			"-inkey", filepath.Join(certs, "server.key"), "-in", filepath.Join(certs, "fullchain.pem"),
			"-out", filepath.Join(certs, "server.p12"),
		},
		log: filepath.Join(c.Dir, "openssl.log"),
	})
}

func (c xmppConfig) vysperArgs(lib, classes string) []string {
	args := []string{
		"java", "-Xmx256m", "-XX:+UseSerialGC", "-Djdk.tls.server.protocols=TLSv1.2",
		"-cp", classes + ":" + lib, "Vysper",
		domain, c.C2S, filepath.Join(c.Dir, "certs", "server.p12"), keyStorePassword,
	}
	for _, name := range accounts() {
		args = append(args, name+":"+Password(name))
	}
	return args
}

// answersXMPP checks that addr says something to a client. Vysper has opened
// its port a moment before it has loaded its modules.
func answersXMPP(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // looked at, not used
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, err = fmt.Fprintf(conn, "<stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", domain)
	if err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}
