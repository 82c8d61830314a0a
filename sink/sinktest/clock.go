package sinktest

import "time"

// stampLayout is how the server writes times (XEP-0082).
const stampLayout = "2006-01-02T15:04:05.000000Z"

// SetClock makes the server's clock differ from ours. It dates its history by it.
func (s *Server) SetClock(ahead time.Duration) { s.room.ahead.Store(int64(ahead)) }

// now is the time by the server's clock.
func (r *room) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
