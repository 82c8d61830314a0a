//go:build real

package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// restartRooms restarts the chat service of a server, and nothing else of it.
func restartRooms(ctx context.Context, x *testbed.XMPP) error {
	if x.API == "" {
		for _, command := range []string{"deactivate", "activate"} {
			if err := prosodyShell(ctx, x, fmt.Sprintf("host:%s('%s')", command, x.MUC)); err != nil {
				return err
			}
		}
		return nil
	}
	return callAPI(ctx, x, "restart_module", map[string]string{"host": x.Domain, "module": "mod_muc"})
}

// prosodyShell runs a command in a running Prosody.
func prosodyShell(ctx context.Context, x *testbed.XMPP, command string) error {
	args := []string{"--config", x.ConfigFile, "shell", command}
	if os.Geteuid() == 0 {
		args = append([]string{"--root"}, args...)
	}
	if out, err := exec.CommandContext(ctx, "prosodyctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("prosodyctl shell %s: %w: %.500s", command, err, out)
	}
	return nil
}

// callAPI runs a command of ejabberd's HTTP API.
func callAPI(ctx context.Context, x *testbed.XMPP, name string, arguments any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.API+"/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read for its status only
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: ejabberd says %s", name, response.Status)
	}
	return nil
}

// largeArchive fills the room's archive until it is slow: Prosody's then shows
// some tens of messages per second, ejabberd's does so early.
func largeArchive(tr *trial) {
	tr.Helper()
	n := 6_000
	if tr.server.API != "" {
		n = 100
	}
	other := tr.login("other")
	_, err := other.Enter(tr.Context(), "other", "")
	must(tr, err)
	for i := range n {
		must(tr, other.Say(fmt.Sprint("old", i), "an old message"))
	}
	ctx, cancel := context.WithTimeout(tr.Context(), 2*patience)
	defer cancel()
	must(tr, other.Alive(ctx))
	other.Close()
}
