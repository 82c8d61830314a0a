package config

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// CheckAddress says what is wrong with an address that must be host:port, and what
// to write instead. The port is that of the example.
func CheckAddress(addr string, port int) error {
	host, given, err := net.SplitHostPort(addr)
	switch scheme, rest, found := strings.Cut(addr, "://"); {
	case found:
		return fmt.Errorf("has a scheme: write it without %s://, like %s", scheme, example(rest, port))
	case strings.Contains(addr, "@"):
		return errors.New("has a user: write host:port only, the user has a setting of its own")
	case net.ParseIP(addr) != nil && strings.Contains(addr, ":"):
		return fmt.Errorf("is an IPv6 address without brackets: write [address]:port, like [2001:db8::1]:%d", port)
	case strings.Contains(addr, "/"):
		return fmt.Errorf("has a path: write host:port only, like %s", example(addr, port))
	case err != nil && (!strings.Contains(addr, ":") || strings.HasSuffix(addr, "]")):
		return fmt.Errorf("has no port: write host:port, like %s", example(addr, port))
	case err != nil || host == "":
		return fmt.Errorf("is no address: write host:port, like %s", example("host.example.org", port))
	}
	if n, err := strconv.ParseUint(given, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("has the port %q: use a number from 1 to 65535", given)
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
