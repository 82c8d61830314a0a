//go:build packages

package e2e_test

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestPackage builds what a release has, installs the package for Debian into a
// folder, holds the unit against systemd's own tools, and runs the worker as the
// unit says: no systemd runs in a container, so its environment is made by hand.
func TestPackage(t *testing.T) {
	root := installPackage(t)
	unit := filepath.Join(root, "usr/lib/systemd/system/xmpp-notifier.service")
	verifyUnit(t, root, unit)
	// 20 is an exposure of 2.0, of 10.
	runCommand(t, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", unit)
	if page := runCommand(t, "man", "--local-file", filepath.Join(root, "usr/share/man/man1/xmpp-notifier.1")); !bytes.Contains(page, []byte("XMPP_ROOM")) {
		t.Error("the man page does not explain XMPP_ROOM")
	}
	secret := filepath.Join(root, "etc/xmpp-notifier/xmpp-password")
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", secret, info, err)
	}

	b := bench{
		room:   func(t *testing.T) roomServer { return inProcessRoom(t, 20) },
		broker: embeddedNATS,
	}
	tr := b.trial(t, b.room(t))
	m := newServiceManager(t)
	env := asTheUnitSays(t, root, unit, tr.env)
	env["NOTIFY_SOCKET"] = m.socket
	installed := filepath.Join(root, "usr/bin/xmpp-notifier")
	built := binary
	binary = installed
	defer func() { binary = built }()
	p := startWorker(t, env)
	m.hears("READY=1")
	tr.publish(3)
	tr.watch.wait(3)
	p.terminate()
}

// installPackage builds the packages and installs that for this machine.
func installPackage(t *testing.T) (root string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "../deploy/release/build")
	build.Env = append(os.Environ(), "VERSION=1.2.3", "ARCHS="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	files, err := filepath.Glob("../dist/*.deb")
	if err != nil || len(files) != 1 {
		t.Fatalf("packages: %q, %v", files, err)
	}
	root = t.TempDir()
	database := filepath.Join(root, "var/lib/dpkg")
	for _, dir := range []string{"updates", "info"} {
		if err := os.MkdirAll(filepath.Join(database, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(database, "status"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Its dependencies are not there, and neither is a shell for its scripts.
	runCommand(t, "dpkg", "--root="+root, "--force-not-root", "--force-script-chrootless", "--force-depends", "--install", files[0])
	return root
}

// verifyUnit has systemd read a copy of the unit that names the program where it is.
func verifyUnit(t *testing.T, root, unit string) {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	const program = "/usr/bin/xmpp-notifier"
	if !bytes.Contains(text, []byte("ExecStart="+program+" ")) {
		t.Errorf("the unit does not start %s", program)
	}
	moved := filepath.Join(t.TempDir(), filepath.Base(unit))
	text = bytes.ReplaceAll(text, []byte(program), []byte(filepath.Join(root, program)))
	if err := os.WriteFile(moved, text, 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "systemd-analyze", "verify", "--man=no", moved)
}

// asTheUnitSays is the environment that systemd would make of the unit: its
// files, with the settings of a trial in them.
func asTheUnitSays(t *testing.T, root, unit string, settings map[string]string) map[string]string {
	t.Helper()
	etc := filepath.Join(root, "etc/xmpp-notifier")
	var file strings.Builder
	for name, value := range settings {
		if name != "XMPP_PASSWORD" {
			file.WriteString(name + "=" + value + "\n")
		}
	}
	for name, text := range map[string]string{"xmpp-notifier.env": file.String(), "xmpp-password": settings["XMPP_PASSWORD"]} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{}
	for _, line := range readLines(t, unit) {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "EnvironmentFile":
			for _, setting := range readLines(t, filepath.Join(root, value)) {
				key, text, _ := strings.Cut(setting, "=")
				maps.Copy(env, map[string]string{key: text})
			}
		case "Environment":
			key, text, _ := strings.Cut(value, "=")
			env[key] = strings.ReplaceAll(text, "%d", etc) // the folder of credentials
		}
	}
	if env["XMPP_PASSWORD_FILE"] == "" || env["XMPP_ROOM"] == "" {
		t.Fatalf("the unit makes %v", env)
	}
	return env
}

func readLines(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		if line := strings.TrimSpace(scanner.Text()); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

func runCommand(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}
