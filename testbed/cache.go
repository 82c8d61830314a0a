package testbed

import (
	"fmt"
	"os"
	"path/filepath"
)

// cached returns the folder of that name in the user's cache, where what takes
// long to fetch or build stays from run to run. If there is none, fill makes
// its contents. The folder appears whole or not at all, also when several
// processes make it at once.
func cached(name string, fill func(dir string) error) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	base = filepath.Join(base, "xmpp-notifier-testbed")
	dir := filepath.Join(base, name)
	if exists(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	draft, err := os.MkdirTemp(base, name+".draft-")
	if err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(draft) }() // it has been renamed, or is of no use
	if err := fill(draft); err != nil {
		return "", err
	}
	if err := os.Rename(draft, dir); err != nil && !exists(dir) {
		return "", fmt.Errorf("fill cache: %w", err)
	}
	return dir, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
