package engine

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
)

// BatchMax is how many writes a Batch may have.
const BatchMax = codec.BatchMax

// Batch is writes of several keys that go together: they have consecutive versions, no
// member takes a part of them, and a View shows all or none. It fits one frame: up to
// BatchMax writes, of some 800 bytes of keys and values and what goes with them. The zero
// Batch is empty and ready. It is for one goroutine, and may be used again.
type Batch struct {
	writes []stagedWrite
	memory []byte   // of the values
	leases []*Lease // that keys are to live by
	err    error    // of what was added: Write gives it
}

// Set adds key = value. The value is copied. Of several writes of a key the last counts.
func (b *Batch) Set(key string, value []byte) { b.add(stagedWrite{op: opSet, key: key}, value) }

// SetTTL is Set for an entry that ends after ttl. One out of range is an error of Write.
func (b *Batch) SetTTL(key string, value []byte, ttl time.Duration) {
	ms, err := lifetime(ttl)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("key %q: %w", key, err)
	}
	b.add(stagedWrite{op: opSet, key: key, ttl: ms}, value)
}

// SetLease is Set for a key that lives by a lease, which has to live when the batch is
// written.
func (b *Batch) SetLease(l *Lease, key string, value []byte) {
	if l == nil {
		if b.err == nil {
			b.err = fmt.Errorf("key %q: %w", key, ErrLease)
		}
		return
	}
	if !slices.Contains(b.leases, l) {
		b.leases = append(b.leases, l)
	}
	b.add(stagedWrite{op: opLeased, key: key, ttl: l.number}, value)
}

// Delete adds the removal of a key.
func (b *Batch) Delete(key string) { b.add(stagedWrite{op: opDelete, key: key}, nil) }

// Len is how many keys it writes.
func (b *Batch) Len() int { return len(b.writes) }

// Reset empties it, and keeps its memory.
func (b *Batch) Reset() {
	b.writes, b.memory, b.leases, b.err = b.writes[:0], b.memory[:0], b.leases[:0], nil
}

func (b *Batch) add(w stagedWrite, value []byte) {
	for i := range b.writes {
		if b.writes[i].key == w.key {
			b.writes = append(b.writes[:i], b.writes[i+1:]...)
			break
		}
	}
	at := len(b.memory)
	b.memory = append(b.memory, value...)
	w.value = b.memory[at:len(b.memory):len(b.memory)]
	b.writes = append(b.writes, w)
}

// BatchError is a batch that does not fit one frame, or where nothing keeps one together.
// Nothing was written. It matches ErrTooLarge.
type BatchError struct{ Writes, Bytes int }

// Error names what it has, the limits and what to do.
func (e *BatchError) Error() string {
	return fmt.Sprintf("engine: a batch of %d writes, %d bytes in a frame: the limits are %d writes and %d bytes: make several of it",
		e.Writes, e.Bytes, BatchMax, codec.BatchBytesMax)
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *BatchError) Is(target error) bool { return target == ErrTooLarge }

// Write writes a batch, all of it or nothing, and returns the version of its last write.
// An empty batch writes nothing. Errors: ErrTooLarge (a *BatchError, or a *SizeError for
// one key), ErrTTL, ErrLease where a lease that a key is to live by has ended, ErrPrecise
// where the Order is precise, and those of Set.
func (e *Engine) Write(b *Batch) (Version, error) {
	if err := e.checkBatch(b); err != nil {
		e.stage.rejected.Add(1)
		return Version{}, err
	}
	if err := e.refuses(); err != nil {
		return Version{}, err
	}
	if len(b.leases) == 0 {
		return e.staged(e.stage.writeTogether(b.writes))
	}
	return e.stageLeased(b.leases, func() (Version, bool, error) { return e.stage.writeTogether(b.writes) })
}

// checkBatch is what is wrong with a batch, whatever room there is.
func (e *Engine) checkBatch(b *Batch) error {
	switch {
	case e.cfg.Tune.Order.Precise():
		return ErrPrecise
	case b.err != nil:
		return b.err
	}
	bytes := 0
	for i := range b.writes {
		w := &b.writes[i]
		if err := checkEntry(w.key, w.value); err != nil {
			return err
		}
		bytes += w.batchBytes()
	}
	if !codec.BatchFits(len(b.writes), bytes) {
		return &BatchError{Writes: len(b.writes), Bytes: bytes}
	}
	return nil
}

// batchBytes is what a write takes of the limit of a batch.
func (w *stagedWrite) batchBytes() int {
	flags := codec.EntryFlags(0)
	switch {
	case w.op == opDelete:
		flags = codec.EntryTombstone
	case w.op == opLeased:
		flags = codec.EntryLeased
	case w.ttl != 0:
		flags = codec.EntryTTL
	}
	return codec.BatchEntryBytes(flags, len(w.key), len(w.value))
}

// writeTogether stages a batch with consecutive versions, all or nothing.
func (s *stage) writeTogether(list []stagedWrite) (v Version, wake bool, err error) {
	bytes := 0
	for i := range list {
		bytes += len(list[i].key) + len(list[i].value)
	}
	s.mu.Lock()
	if err = s.gate.pass(len(list), bytes); err == nil {
		v, err = s.takeTogether(list, bytes)
	}
	s.mu.Unlock()
	return s.wrote(v, err)
}

// takeTogether is take for a batch.
func (s *stage) takeTogether(list []stagedWrite, bytes int) (Version, error) {
	switch {
	case s.err != nil:
		return Version{}, s.err
	case !s.front.fits(len(list), bytes):
		return Version{}, ErrBackpressure
	}
	sum := charge{}
	for i := range list {
		list[i].batch = uint8(len(list) - i)
		sum = sum.plus(s.charge(maphash.String(s.seed, list[i].key), &list[i]))
	}
	if err := s.fits(sum); err != nil {
		return Version{}, err
	}
	for i := range list {
		hash := maphash.String(s.seed, list[i].key)
		s.put(hash, &list[i], s.charge(hash, &list[i]))
	}
	return s.version, nil
}
