//go:build unix

package testbed_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

func TestMissingSoftwareIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for name, start := range map[string]func() error{
		"Prosody":  func() error { _, err := testbed.Prosody(t.Context(), testbed.Options{}); return err },
		"ejabberd": func() error { _, err := testbed.Ejabberd(t.Context(), testbed.Options{}); return err },
		"NATS":     func() error { _, err := testbed.NATS(t.Context(), testbed.Options{}); return err },
		"Kafka":    func() error { _, err := testbed.Kafka(t.Context(), testbed.Options{}); return err },
	} {
		err := start()
		missing, ok := errors.AsType[*testbed.Missing](err)
		if !ok || missing.Server != name || !strings.Contains(missing.Why, "install") {
			t.Errorf("%s: %v does not tell what is missing and how to get it", name, err)
		}
	}
}

// fakeProsody puts a script in the place of the server.
func fakeProsody(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"prosodyctl": "exit 0", "prosody": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestDeadServerIsReportedAtOnceWithItsLog(t *testing.T) {
	fakeProsody(t, "echo no space left on device; exit 3")
	begin := time.Now()
	_, err := testbed.Prosody(t.Context(), testbed.Options{Dir: t.TempDir()})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"start Prosody", "exit status 3", "no space left on device"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if took := time.Since(begin); took > time.Minute { // half of what a start may take
		t.Errorf("took %v", took)
	}
}

func TestServerThatDoesNotServeIsKilled(t *testing.T) {
	dir := t.TempDir()
	fakeProsody(t, "trap '' TERM; echo $$ >"+dir+"/new; mv "+dir+"/new "+dir+"/pid; sleep 100")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ; ctx.Err() == nil; <-time.After(10 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "pid")); err == nil {
				cancel() // it runs
			}
		}
	}()
	_, err := testbed.Prosody(ctx, testbed.Options{Dir: dir})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	text, err := fs.ReadFile(os.DirFS(dir), "pid")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d is left behind", pid)
	}
}

func TestCertificatesHold(t *testing.T) {
	ca, err := testbed.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := ca.Issue(dir, "xmpp.test", "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	for host, good := range map[string]bool{"xmpp.test": true, "127.0.0.1": true, "example.org": false} {
		client, server := net.Pipe()
		go func() {
			_ = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{certificate}}).HandshakeContext(t.Context())
			_ = server.Close()
		}()
		err := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: host}).HandshakeContext(t.Context())
		_ = client.Close()
		if (err == nil) != good {
			t.Errorf("handshake with %s: %v", host, err)
		}
	}
}

func TestWorkFolderIsRequired(t *testing.T) {
	fakeProsody(t, "exit 0")
	_, err := testbed.Prosody(t.Context(), testbed.Options{})
	if err == nil || !strings.Contains(err.Error(), "Options.Dir") {
		t.Errorf("error %v does not name Options.Dir", err)
	}
}
