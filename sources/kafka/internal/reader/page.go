package reader

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// page is what one fetch has brought.
type page struct {
	memory  *Memory
	raw     []byte // batches to come
	size    int    // of all that were fetched
	aborted *record.Aborted
	large   func() // gives memory for raw back; nil if that is within the reader's part
	refused error  // why batch, which is all of the page, is not read

	batch  record.Batch // the one being read
	reader *record.Reader
	window func() // gives memory for decompression back
	copied int    // bytes of messages since the last collection, if large
}

func newPage(m *Memory, answer *kmsg.FetchResponseTopicPartition, large func()) *page {
	var transactions []record.Transaction
	for _, t := range answer.AbortedTransactions {
		transactions = append(transactions, record.Transaction{ProducerID: t.ProducerID, First: t.FirstOffset})
	}
	return &page{memory: m, raw: answer.RecordBatches, size: len(answer.RecordBatches), aborted: record.NewAborted(transactions), large: large}
}

// next returns what follows at offset from or later. Its error is io.EOF behind
// the last complete batch, that of ctx, or why the batch at hand cannot be read;
// then the next call goes on behind it.
func (p *page) next(ctx context.Context, from int64) (rec record.Record, err error) {
	if err, p.refused = p.refused, nil; err != nil {
		return rec, err
	}
	for {
		if p.reader == nil {
			if err := p.open(ctx, from); err != nil {
				return rec, err
			}
			continue
		}
		rec, err := p.reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			p.closeBatch()
			return rec, errBatchEnd
		case err != nil:
			p.closeBatch()
			return rec, err
		case rec.Offset >= from:
			p.collect(len(rec.Value))
			return rec, nil
		}
	}
}

// collect counts what was copied out of a page that is large, and collects garbage now
// and then: the runtime, which may have one core, would begin too late to stay within
// the limit.
func (p *page) collect(n int) {
	if p.large == nil {
		return
	}
	if p.copied += n; p.copied >= collectAfter {
		p.copied = 0
		runtime.GC()
	}
}

// collectAfter is how much that is.
const collectAfter = 4 << 20

// errBatchEnd says that a batch has been read, which may have held nothing.
var errBatchEnd = errors.New("end of the batch")

// open goes to the next batch. One that is of no interest ends at once.
func (p *page) open(ctx context.Context, from int64) error {
	batch, rest, err := record.Split(p.raw)
	if errors.Is(err, record.ErrIncomplete) {
		return io.EOF
	}
	p.batch, p.raw = batch, rest
	if err != nil {
		return err
	}
	if aborted := p.aborted.Has(&p.batch); aborted || p.batch.Control() || p.batch.Last < from {
		return errBatchEnd
	}
	p.reader, err = p.memory.codecs.Open(&p.batch)
	if !errors.Is(err, record.ErrLarge) {
		return err
	}
	if p.window, err = p.memory.windows.acquire(ctx, p.batch.Window()); err != nil {
		p.raw = nil // it is fetched again
		return err
	}
	if p.reader, err = p.memory.codecs.OpenLarge(&p.batch, p.memory.batch-p.size); err != nil {
		p.closeBatch()
	}
	return err
}

func (p *page) closeBatch() {
	if p.reader != nil {
		p.reader.Close()
		p.reader = nil
	}
	if p.window != nil {
		p.window()
		p.window = nil
	}
}

func (p *page) close() {
	p.closeBatch()
	p.raw, p.batch = nil, record.Batch{} // before others have the memory
	if p.large != nil {
		p.large()
		p.large = nil
	}
}

// contended reports that another reader waits for memory that this page holds.
func (p *page) contended() bool {
	return p.large != nil && p.memory.large.contended() || p.window != nil && p.memory.windows.contended()
}
