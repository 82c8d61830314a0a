package kafka

import "testing"

// What waits is bounded by number and by size, but for a single message.
func TestQueueIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ size, want int }{
		"many small": {100, queueLimit},
		"few large":  {maxQueueBytes / 4, 4},
		"one huge":   {3 * maxQueueBytes, 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(1)
			fill := func() (n int) {
				for q.hasSpace() {
					q.put(&lease{size: c.size}, func() {})
					n++
				}
				return n
			}
			if n := fill(); n != c.want {
				t.Errorf("%d wait, want %d", n, c.want)
			}
			q.take(nil, 1, func(int) bool { return true })
			select {
			case <-q.space:
			default:
				t.Error("who waits for space is not told")
			}
			if n := fill(); n != 1 {
				t.Errorf("there is room for %d after one has left", n)
			}
		})
	}
}
