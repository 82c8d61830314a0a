package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthSaysWhatTheWorkerSays(t *testing.T) {
	ready := false
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/livez", ready:
			_, _ = w.Write([]byte("ok\n"))
		default:
			http.Error(w, "the room has a password", http.StatusServiceUnavailable)
		}
	}))
	defer worker.Close()
	_, port, _ := net.SplitHostPort(worker.Listener.Addr().String())
	t.Setenv("ADMIN_ADDR", ":"+port)
	if code, out, errs := invoke(t, "", "health"); code != exitFailed || !strings.Contains(out, "the room has a password") {
		t.Errorf("not ready: code %d, %s%s", code, out, errs)
	}
	if code, out, errs := invoke(t, "", "health", "--live"); code != exitOK {
		t.Errorf("live: code %d, %s%s", code, out, errs)
	}
	ready = true
	if code, out, errs := invoke(t, "", "health"); code != exitOK || out != "ok\n" {
		t.Errorf("ready: code %d, %s%s", code, out, errs)
	}
	worker.Close()
	if code, _, errs := invoke(t, "", "health"); code != exitFailed || !strings.Contains(errs, "ADMIN_ADDR=:"+port) {
		t.Errorf("no worker: code %d, %s", code, errs)
	}
	t.Setenv("ADMIN_ADDR", "")
	if code, _, errs := invoke(t, "", "health"); code != exitUsage || !strings.Contains(errs, "ADMIN_ADDR is not set") {
		t.Errorf("no address: code %d, %s", code, errs)
	}
}
