package nats

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Servers returns the addresses in NATS_URL as complete URLs. They are taken as
// the tools of NATS take them: without a scheme, as bare IPv6 addresses, with
// spaces in the list.
func (s Settings) Servers() []string {
	var servers []string
	for _, address := range s.addresses() {
		if u, err := parseServer(address); err == nil {
			servers = append(servers, u.String())
		}
	}
	return servers
}

func (s Settings) addresses() []string {
	var list []string
	for _, entry := range s.URLs {
		list = append(list, strings.Fields(entry)...)
	}
	return list
}

func parseServer(address string) (*url.URL, error) {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() {
		address = "[" + address + "]"
	}
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	return url.Parse(address)
}

// wantsTLS reports whether a connection without TLS is refused.
func (s Settings) wantsTLS() bool {
	if s.CA != "" || s.Cert != "" || s.TLSFirst {
		return true
	}
	return slices.ContainsFunc(s.Servers(), func(server string) bool {
		return strings.HasPrefix(server, "tls:") || strings.HasPrefix(server, "wss:")
	})
}

// SecretInClear reports whether a password or token would go over the network
// as it is.
func (s Settings) SecretInClear() bool {
	return !s.Insecure && (!s.Password.IsZero() || !s.Token.IsZero()) && !s.wantsTLS()
}

func (s Settings) validateServers() []error {
	addresses := s.addresses()
	if len(addresses) == 0 {
		return []error{check.Faultf("name at least one server like nats://host:4222", "NATS_URL is empty")}
	}
	var errs []error
	web := 0
	for _, address := range addresses {
		u, err := parseServer(address)
		if err == nil {
			err = s.validateServer(u)
		} else { // the text is not repeated: it may hold a password
			err = check.Faultf("write it like nats://host:4222", "NATS_URL has an address that is no URL")
		}
		if err != nil {
			errs = append(errs, err)
		} else if strings.HasPrefix(u.Scheme, "ws") {
			web++
		}
	}
	if web > 0 && web < len(addresses) && len(errs) == 0 {
		errs = append(errs, check.Faultf("use one kind for all", "NATS_URL has addresses with WebSocket (ws, wss) and without"))
	}
	return errs
}

func (s Settings) validateServer(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return check.Faultf("write it like nats://host:4222", "NATS_URL has an address without a host")
	case u.User != nil:
		return check.Faultf("move it to NATS_USER and NATS_PASSWORD, or NATS_TOKEN", "NATS_URL names a user or token for %s", u.Host)
	case !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
		return check.Faultf("use nats, tls, ws or wss", "NATS_URL %q has the scheme %q", u.String(), u.Scheme)
	case !validPort(u.Port()):
		return check.Faultf("use a number from 1 to 65535", "NATS_URL %q has the port %q", u.String(), u.Port())
	case s.SecretInClear() && !config.IsLoopback(u.Hostname()):
		return check.Faultf("use tls://"+u.Host+", or set NATS_INSECURE=true if the network is trusted", "%s would be sent in clear to %s", s.secretSetting(), u.Host)
	}
	return nil
}

// validPort reports whether text is a port, or left to the client.
func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && port > 0
}

func (s Settings) secretSetting() string {
	if !s.Token.IsZero() {
		return "NATS_TOKEN"
	}
	return "NATS_PASSWORD"
}
