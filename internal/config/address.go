package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// CheckAddress says what is wrong with an address that must be host:port, and what
// to write instead. The port is that of the example.
func CheckAddress(addr string, port int) error {
	host, given, err := net.SplitHostPort(addr)
	switch scheme, rest, found := strings.Cut(addr, "://"); {
	case found:
		return check.Faultf(fmt.Sprintf("write it without %s://, like %s", scheme, example(rest, port)), "has a scheme")
	case strings.Contains(addr, "@"):
		return check.Faultf("write host:port only, the user has a setting of its own", "has a user")
	case net.ParseIP(addr) != nil && strings.Contains(addr, ":"):
		return check.Faultf(fmt.Sprintf("write [address]:port, like [2001:db8::1]:%d", port), "is an IPv6 address without brackets")
	case strings.Contains(addr, "/"):
		return check.Faultf(fmt.Sprintf("write host:port only, like %s", example(addr, port)), "has a path")
	case err != nil && (!strings.Contains(addr, ":") || strings.HasSuffix(addr, "]")):
		return check.Faultf(fmt.Sprintf("write host:port, like %s", example(addr, port)), "has no port")
	case err != nil || host == "":
		return check.Faultf(fmt.Sprintf("write host:port, like %s", example("host.example.org", port)), "is no address")
	}
	if n, err := strconv.ParseUint(given, 10, 16); err != nil || n == 0 {
		return check.Faultf("use a number from 1 to 65535", "has the port %q", given)
	}
	return nil
}

// example is addr as it should be: host and port, and nothing else.
func example(addr string, port int) string {
	addr, _, _ = strings.Cut(addr[strings.LastIndex(addr, "@")+1:], "/")
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(strings.Trim(addr, "[]"), strconv.Itoa(port))
}

// CheckListen says what is wrong with an address to listen at: host:port, or :port
// for all addresses of the machine.
func CheckListen(addr string) error {
	if _, port, err := net.SplitHostPort(addr); err == nil && port != "" {
		return nil
	}
	return check.Faultf("write host:port or :port, like :8080", "is no address to listen at")
}

// IsLoopback reports whether host is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
