package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// A provider, or a proxy before it, may repeat what it was asked with.
func TestTheAnswerOfAProviderIsNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "the-client-secret"
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.Error(w, "cannot handle "+string(body)+r.Header.Get("Authorization"), http.StatusBadGateway)
	}))
	defer provider.Close()
	o := OAuth{TokenURL: provider.URL, ClientID: "worker", ClientSecret: config.NewSecret(secret)}
	_, err := o.tokens()(t.Context())
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("got error %v", err)
	}
}

// The address of a provider may have a key in it.
func TestTheAddressOfAProviderIsShownWithoutItsKey(t *testing.T) {
	t.Parallel()
	provider := httptest.NewServer(http.NotFoundHandler())
	provider.Close() // nobody listens any more
	o := OAuth{TokenURL: provider.URL + "/token?api_key=hunter2", ClientID: "worker", ClientSecret: config.NewSecret("x")}
	_, err := o.tokens()(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), provider.URL+"/token?api_key=") {
		t.Errorf("got error %v", err)
	}
}
