//go:build real && linux

package bench_test

import "sync/atomic"

// stanzas are messages of the same size, ready to be written.
type stanzas struct {
	text    []byte
	size, n int
}

// part returns some of them.
func (s *stanzas) part(from, to int) []byte { return s.text[from*s.size : to*s.size] }

// pour sends all, with never more than window on their way: as many echoes as
// a read brings, as many messages the next write sends.
func (c *client) pour(s *stanzas, window int) error {
	sent := min(window, s.n)
	if _, err := c.conn.Write(s.part(0, sent)); err != nil {
		return err
	}
	for shown := 0; shown < s.n; {
		back, err := c.echoes()
		if err != nil {
			return err
		}
		shown += back
		next := min(shown+window, s.n)
		if next == sent {
			continue
		}
		if _, err := c.conn.Write(s.part(sent, next)); err != nil {
			return err
		}
		sent = next
	}
	return nil
}

// pourAside is pour with a writer of its own: while it writes, more echoes are
// read, and the next write is larger.
func (c *client) pourAside(s *stanzas, window int) error {
	var shown atomic.Int64
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	written := make(chan error, 1)
	go func() { written <- c.follow(s, window, &shown, wake) }()
	for int(shown.Load()) < s.n {
		back, err := c.echoes()
		if err != nil {
			return err // the writer ends with the connection
		}
		shown.Add(int64(back))
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return <-written
}

// follow writes what the window allows.
func (c *client) follow(s *stanzas, window int, shown *atomic.Int64, wake <-chan struct{}) error {
	for sent := 0; sent < s.n; {
		<-wake
		next := min(int(shown.Load())+window, s.n)
		if _, err := c.conn.Write(s.part(sent, next)); err != nil {
			return err
		}
		sent = next
	}
	return nil
}
