package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Regression is a plan that failed once. It is a file of its own.
type Regression struct {
	What string `json:"what"` // was wrong
	Plan *Plan  `json:"plan"`
}

// Regressions is where they are, below the package.
const Regressions = "testdata/regressions"

// Write puts the regression into a file of dir, and returns its name.
func (r Regression) Write(dir string) (string, error) {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	name := filepath.Join(dir, fmt.Sprintf("seed-%d.json", r.Plan.Seed))
	return name, os.WriteFile(name, append(text, '\n'), 0o600)
}

// ReadRegression reads one.
func ReadRegression(name string) (r Regression, err error) {
	text, err := os.ReadFile(name) //nolint:gosec // a file of ours
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", name, err)
	}
	return r, nil
}
