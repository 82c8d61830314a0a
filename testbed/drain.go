package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// KillDrained kills the server when its clients have read all that it had sent: first
// it stands still, then they read, then it dies. The kernel throws away what a client
// has not read when the connection of a killed server is reset. A client in a test that
// reads late, on a busy machine, would not know what the server has shown to it.
func (s *Server) KillDrained(ctx context.Context) error {
	if !s.process.running() {
		return s.Kill()
	}
	freezeGroup(s.process.cmd.Process)
	err := s.drain(ctx)
	return errors.Join(err, s.Kill())
}

func (s *Server) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		unread, err := unread(s.addrs)
		if err != nil || unread == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("clients of %s leave %d bytes unread: %w", s.name, unread, ctx.Err())
		case <-time.After(probeBetween):
		}
	}
}

// unread counts the bytes that wait in the kernel between servers at addrs and their
// clients on this machine (proc_net_tcp(5): tx_queue and rx_queue).
func unread(addrs []string) (int, error) {
	ports := map[string]bool{}
	for _, addr := range addrs {
		ports[port(addr)] = true
	}
	sum := 0
	for _, table := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		n, err := queued(table, ports)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func queued(table string, ports map[string]bool) (int, error) {
	file, err := os.Open(table) //nolint:gosec // one of two
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil // no Linux, or no IPv6
	}
	if err != nil {
		return 0, fmt.Errorf("open table of connections: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		const local, remote, state, queues, established = 1, 2, 3, 4, "01"
		f := strings.Fields(lines.Text())
		if len(f) <= queues || f[state] != established {
			continue
		}
		sent, received, _ := strings.Cut(f[queues], ":")
		if ports[portOf(f[local])] {
			sum += hex(sent)
		}
		if ports[portOf(f[remote])] {
			sum += hex(received)
		}
	}
	return sum, nil
}

// portOf is the port of an address in that table, as port has it.
func portOf(addr string) string { return strconv.Itoa(hex(addr[strings.IndexByte(addr, ':')+1:])) }

func hex(text string) int {
	n, _ := strconv.ParseInt(text, 16, 64) // the kernel wrote it
	return int(n)
}
