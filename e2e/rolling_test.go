package e2e_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// rollingUpdate replaces three workers one after the other under load, as
// Kubernetes does it: one more joins, and when it is ready an old one is
// terminated. All have one nickname. The room shows everything, and nothing
// twice.
func (b bench) rollingUpdate(t *testing.T) {
	tr := b.trial(t, b.room(t))
	stop := tr.watch.checkAcks(tr.broker, none)
	c := &crew{trial: tr}
	for range 3 {
		c.hireReady()
	}
	updated := make(chan struct{})
	posted := tr.loadUntil(updated)
	for range 3 {
		tr.watch.wait(tr.watch.count() + b.few/5)
		c.hireReady()
		c.terminate(0)
	}
	close(updated)
	all := <-posted
	tr.watch.wait(all)
	tr.acknowledged()
	stop()
	tr.allShown(all, 0)
	t.Logf("shown: %d, late: %d", all, len(tr.watch.disorder))
}

// loadUntil publishes in the background, a little ahead of what the room
// shows, and tells at the end how many it has published.
func (tr *trial) loadUntil(end <-chan struct{}) <-chan int {
	total := make(chan int, 1)
	go func() { // ends with end
		const portion = 60
		for n := portion; ; n += portion {
			tr.publish(portion)
			tr.watch.wait(n - 2*portion)
			select {
			case <-tr.Context().Done():
				return
			case <-end:
				total <- n
				return
			default:
			}
		}
	}()
	return total
}

// hireReady starts one more worker and waits until it says that it is ready.
func (c *crew) hireReady() {
	c.Helper()
	env := maps.Clone(c.env)
	env["ADMIN_ADDR"] = testbed.FreeAddr(c.T)
	c.staff = append(c.staff, startWorker(c.T, env))
	until(c.T, "the worker is ready", func(ctx context.Context) (bool, error) {
		status, text, err := ask(ctx, "http://"+env["ADMIN_ADDR"]+"/readyz")
		return status == http.StatusOK, fmt.Errorf("%s, %w", text, err)
	})
}

// ask returns the answer to a GET request.
func ask(ctx context.Context, address string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}
