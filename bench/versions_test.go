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

func goVersion() string { return "Go " + strings.TrimPrefix(runtime.Version(), "go") }

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

// moduleVersion is the version of a module in go.mod.
func moduleVersion(path string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output() //nolint:noctx // reads a file
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
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

// packageVersion is the version of a Debian package, or just its name.
func packageVersion(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output() //nolint:noctx // reads a file
	if err != nil {
		return name
	}
	return name + " " + string(out)
}
