package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

const healthHelp = `health asks the worker on this machine whether it is ready: it reads /readyz at
ADMIN_ADDR, prints the answer, and exits with 0 if the worker is ready, else with 1.
It is for the health checks of containers.`

// maxAnswer bounds what is read of the answer of /readyz.
const maxAnswer = 64 << 10

func newHealthCommand() *cobra.Command {
	var live bool
	var timeout time.Duration
	c := &cobra.Command{
		Use: "health", Short: "ask the worker on this machine whether it is ready", Long: healthHelp, GroupID: groupWork,
		Args: noArguments,
	}
	c.Flags().BoolVar(&live, "live", false, "ask /livez: whether the worker runs, in the room or not")
	c.Flags().DurationVarP(&timeout, "timeout", "t", 5*time.Second, "how long to wait for the answer")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), timeout)
		defer cancel()
		path := "/readyz"
		if live {
			path = "/livez"
		}
		return askHealth(ctx, path, c.OutOrStdout())
	}
	return c
}

// askHealth prints what the worker answers.
func askHealth(ctx context.Context, path string, out io.Writer) error {
	var s settings
	if _, errs := config.Load(config.Group{Spec: &s.admin}); len(errs) > 0 {
		return wrong(errs)
	}
	if s.admin.Addr == "" {
		return &usageError{errors.New("ADMIN_ADDR is not set: give the worker and this command the same, like :9464")}
	}
	code, answer, err := get(ctx, "http://"+reachable(s.admin.Addr)+path)
	if err != nil {
		return fmt.Errorf("ask the worker at ADMIN_ADDR=%s: %w", s.admin.Addr, err)
	}
	fmt.Fprintln(out, strings.TrimSpace(answer))
	if code != http.StatusOK {
		return fmt.Errorf("not healthy: %s answers %d", path, code)
	}
	return nil
}

func get(ctx context.Context, url string) (code int, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is on this machine
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, string(body), err
}

// reachable is an address to connect to, for one to listen at: a server that
// listens at all addresses is also at the loopback one.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}
