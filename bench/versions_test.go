//go:build real && linux

package bench_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func versions() string {
	list := []string{
		"Go " + strings.TrimPrefix(runtime.Version(), "go"),
		"NATS server " + moduleVersion("github.com/nats-io/nats-server/v2"), "nats.go " + moduleVersion("github.com/nats-io/nats.go"),
		"Kafka " + kafkaVersion(), "kafka-go " + moduleVersion("github.com/segmentio/kafka-go"),
	}
	for _, name := range []string{"prosody", "ejabberd", "jabberd2"} {
		list = append(list, packageVersion(name))
	}
	return strings.Join(list, ", ")
}

// machine describes what we run on.
func machine() string {
	name := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(text), "model name\t: "); found {
			name, _, _ = strings.Cut(after, "\n")
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", name, runtime.NumCPU(), runtime.GOOS)
}

// commit names the state of the code.
func commit() string {
	if name := output("git", "describe", "--always", "--dirty", "--exclude=*"); name != "" {
		return name
	}
	return "unknown"
}

// moduleVersion is the version of a module in go.mod.
func moduleVersion(path string) string {
	if version := output("go", "list", "-m", "-f", "{{.Version}}", path); version != "" {
		return strings.TrimPrefix(version, "v")
	}
	return "of unknown version"
}

// packageVersion is the version of a Debian package, or just its name.
func packageVersion(name string) string {
	return strings.TrimSpace(name + " " + output("dpkg-query", "-W", "-f", "${Version}", name))
}

// output is what a command prints, "" if it fails.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output() //nolint:noctx // it reads a file
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func kafkaVersion() string {
	var pom struct {
		Version string `xml:"properties>kafka.version"`
	}
	text, err := os.ReadFile(filepath.Join("..", "testbed", "kafka", "pom.xml"))
	if err != nil || xml.Unmarshal(text, &pom) != nil {
		return "of unknown version"
	}
	return pom.Version
}
