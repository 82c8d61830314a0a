package outbox

// places bounds the messages that the outbox takes.
type places struct {
	taken chan struct{} // one element per message
}

func newPlaces(n int) places { return places{make(chan struct{}, n)} }

// free gives n places back.
func (p places) free(n int) {
	for range n {
		<-p.taken
	}
}
