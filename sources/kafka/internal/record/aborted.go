package record

import (
	"cmp"
	"slices"
)

// Transaction is one that was aborted: its producer, and the offset of its first
// record.
type Transaction struct {
	ProducerID, First int64
}

// Aborted knows which transactions of a fetched part of a log were aborted. It is
// asked about every batch, in order.
type Aborted struct {
	coming []Transaction // in the order of First
	open   map[int64]bool
}

// NewAborted takes what a broker tells beside the log.
func NewAborted(transactions []Transaction) *Aborted {
	slices.SortFunc(transactions, func(a, b Transaction) int { return cmp.Compare(a.First, b.First) })
	return &Aborted{coming: transactions, open: map[int64]bool{}}
}

// Has reports that the records of a batch were aborted.
func (a *Aborted) Has(b *Batch) bool {
	for len(a.coming) > 0 && a.coming[0].First <= b.Last {
		a.open[a.coming[0].ProducerID] = true
		a.coming = a.coming[1:]
	}
	if b.Control() {
		delete(a.open, b.ProducerID) // whatever it says: a committed one is not open
		return false
	}
	return b.Transactional() && a.open[b.ProducerID]
}
