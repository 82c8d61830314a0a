package testbed

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"testing"
	"time"
)

// The ports of our servers lie below those that systems give to outgoing
// connections (Linux: from 32768). Otherwise a client that dials in a loop
// while its server is down can be given the very port, and block the restart.
const (
	lowestPort  = 10000
	highestPort = 32767
)

// FreeAddr returns a loopback address on which nobody listens, for a server that a
// test starts by itself.
func FreeAddr(t testing.TB) string {
	t.Helper()
	addrs, err := freeAddrs(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0]
}

// freeAddrs returns n loopback addresses on which nobody listens.
func freeAddrs(ctx context.Context, n int) ([]string, error) {
	var addrs []string
	for range 100 * n {
		if len(addrs) == n {
			return addrs, nil
		}
		offset, err := rand.Int(rand.Reader, big.NewInt(highestPort-lowestPort+1))
		if err != nil {
			return nil, fmt.Errorf("choose port: %w", err)
		}
		addr := loopback(lowestPort + int(offset.Int64()))
		listener, err := listen(ctx, addr)
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }() // held till the end, so that all differ
		addrs = append(addrs, addr)
	}
	return nil, fmt.Errorf("choose %d ports: none free from %d to %d", n, lowestPort, highestPort)
}

// portLimit is how long a port may be taken: another process may just be looking
// for a free one.
const portLimit = 5 * time.Second

// checkFree makes sure that what will listen on addrs is the server to come.
func checkFree(ctx context.Context, addrs []string) error {
	ctx, cancel := context.WithTimeout(ctx, portLimit)
	defer cancel()
	for _, addr := range addrs {
		listener, err := listen(ctx, addr)
		for ; err != nil; listener, err = listen(ctx, addr) {
			select {
			case <-time.After(probeBetween):
			case <-ctx.Done():
				return fmt.Errorf("another process has its port: %w", err)
			}
		}
		if err := listener.Close(); err != nil {
			return fmt.Errorf("close %s: %w", addr, err)
		}
	}
	return nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", addr)
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// port returns the port of an address of freeAddrs.
func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr) // loopback made it, so it splits
	return port
}
