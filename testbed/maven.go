package testbed

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fetchJars has Maven put what the POM asks for, and all that needs, into
// dir/lib.
func fetchJars(ctx context.Context, server string, files fs.FS, name, dir string) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	pom := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(pom, text, 0o600); err != nil {
		return fmt.Errorf("write pom.xml: %w", err)
	}
	err = execute(ctx, command{
		args: []string{
			"mvn", "--batch-mode", "--no-transfer-progress", "--file", pom,
			"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + filepath.Join(dir, "lib"),
		},
		log: filepath.Join(dir, "mvn.log"),
	})
	if err != nil && ctx.Err() == nil {
		return &Missing{server, "Maven cannot fetch it: " + err.Error()}
	}
	return err
}
