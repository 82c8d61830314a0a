package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHangupReadsTheTemplateAgain: a change of a file takes effect without a new
// connection, and a mistake in it changes nothing.
func TestHangupReadsTheTemplateAgain(t *testing.T) {
	server := inProcessRoom(t, 20).(*inProcess) //nolint:forcetypeassert // what it returns
	b := bench{room: func(*testing.T) roomServer { return server }, broker: embeddedNATS}
	tr := b.trial(t, server)
	template := filepath.Join(t.TempDir(), "template")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first {{.Subject}}")
	p := startWorker(t, tr.env, map[string]string{"TEMPLATE_FILE": template})
	hangup := func(line string) {
		t.Helper()
		before := strings.Count(p.Tail(), line)
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		until(t, "the log says "+line, func(context.Context) (bool, error) {
			return strings.Count(p.Tail(), line) > before, nil
		})
	}
	tr.publish(1)
	tr.watch.wait(1)
	write("second {{.Subject}}")
	hangup("reloaded the files")
	tr.publish(1)
	tr.watch.wait(2)
	write("third {{.Subject")
	hangup("reload failed, everything stays as it is")
	tr.publish(1)
	tr.watch.wait(3)
	var texts []string
	for _, post := range server.Transcript() {
		first, _, _ := strings.Cut(post.Body, " ")
		texts = append(texts, first)
	}
	if got := strings.Join(texts, " "); got != "first second second" {
		t.Errorf("the room has shown %s", got)
	}
	if joins := server.Stats().Joins; joins != 2 { // the observer's is the other
		t.Errorf("there were %d joins", joins)
	}
	p.terminate()
}

// TestSignalsAtTheStart: a SIGHUP that comes while the worker starts does not end it.
func TestSignalsAtTheStart(t *testing.T) {
	server := inProcessRoom(t, 20)
	b := bench{room: func(*testing.T) roomServer { return server }, broker: embeddedNATS}
	tr := b.trial(t, server)
	p := startWorker(t, tr.env)
	until(t, "the worker starts", func(context.Context) (bool, error) { return strings.Contains(p.Tail(), "memory is bounded"), nil })
	if err := p.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	tr.publish(1)
	tr.watch.wait(1)
	p.terminate()
}

// TestAuditOutlivesItsReader: a notification is carried also where nobody reads the
// audit any more.
func TestAuditOutlivesItsReader(t *testing.T) {
	server := inProcessRoom(t, 20)
	b := bench{room: func(*testing.T) roomServer { return server }, broker: embeddedNATS}
	tr := b.trial(t, server)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	var log bytes.Buffer
	worker := exec.CommandContext(t.Context(), binary, "run")
	worker.Stdout, worker.Stderr = writer, &log
	worker.Env = append(worker.Environ(), "AUDIT=stdout")
	for name, value := range tr.env {
		worker.Env = append(worker.Env, name+"="+value)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	tr.publish(3)
	tr.watch.wait(3)
	_ = worker.Process.Signal(syscall.SIGTERM)
	if err := worker.Wait(); err != nil || !strings.Contains(log.String(), "lines are missing") {
		t.Errorf("the worker ended with %v\n%s", err, &log)
	}
}
