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
	with   []batched // what goes with each write
	memory []byte    // of the values
	waste  int       // bytes of it that no value has any more
	leases []*Lease  // that keys are to live by, while it is written
}

// batched is what goes with a write of a batch.
type batched struct {
	lease *Lease // that the key is to live by
	err   error  // Write gives it
}

// Set adds key = value. The value is copied. Of several writes of a key the last counts.
func (b *Batch) Set(key string, value []byte) {
	b.add(stagedWrite{op: opSet, key: key}, value, batched{})
}

// SetTTL is Set for an entry that ends after ttl. One out of range is an error of Write.
func (b *Batch) SetTTL(key string, value []byte, ttl time.Duration) {
	ms, err := lifetime(ttl)
	if err != nil {
		err = fmt.Errorf("key %q: %w", key, err)
	}
	b.add(stagedWrite{op: opSet, key: key, ttl: ms}, value, batched{err: err})
}

// SetLease is Set for a key that lives by a lease, which has to live when the batch is
// written.
func (b *Batch) SetLease(l *Lease, key string, value []byte) {
	if l == nil {
		b.add(stagedWrite{op: opLeased, key: key}, value, batched{err: fmt.Errorf("key %q: %w", key, ErrLease)})
		return
	}
	b.add(stagedWrite{op: opLeased, key: key, ttl: l.number}, value, batched{lease: l})
}

// Delete adds the removal of a key.
func (b *Batch) Delete(key string) { b.add(stagedWrite{op: opDelete, key: key}, nil, batched{}) }

// Len is how many keys it writes.
func (b *Batch) Len() int { return len(b.writes) }

// Reset empties it, and keeps its memory.
func (b *Batch) Reset() {
	clear(b.with)
	clear(b.leases)
	b.writes, b.with, b.memory, b.leases, b.waste = b.writes[:0], b.with[:0], b.memory[:0], b.leases[:0], 0
}

// wasteMost is how many bytes a Batch keeps of values that others of their keys replaced.
const wasteMost = 4096

func (b *Batch) add(w stagedWrite, value []byte, with batched) {
	for i := range b.writes {
		if b.writes[i].key == w.key {
			b.waste += len(b.writes[i].value)
			b.writes, b.with = slices.Delete(b.writes, i, i+1), slices.Delete(b.with, i, i+1)
			break
		}
	}
	if b.waste > wasteMost+len(b.memory)/2 {
		b.tidy()
	}
	at := len(b.memory)
	b.memory = append(b.memory, value...)
	w.value = b.memory[at:len(b.memory):len(b.memory)]
	b.writes, b.with = append(b.writes, w), append(b.with, with)
}

// tidy copies the values that count.
func (b *Batch) tidy() {
	memory := make([]byte, 0, len(b.memory)-b.waste+wasteMost)
	for i := range b.writes {
		at := len(memory)
		memory = append(memory, b.writes[i].value...)
		b.writes[i].value = memory[at:len(memory):len(memory)]
	}
	b.memory, b.waste = memory, 0
}

// livesBy gives the leases that keys of the batch are to live by, each once.
func (b *Batch) livesBy() []*Lease {
	b.leases = b.leases[:0]
	for i := range b.with {
		if l := b.with[i].lease; l != nil && !slices.Contains(b.leases, l) {
			b.leases = append(b.leases, l)
		}
	}
	return b.leases
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
	leases := b.livesBy()
	if len(leases) == 0 {
		return e.staged(e.stage.writeTogether(b.writes))
	}
	return e.stageLeased(leases, func() (Version, bool, error) { return e.stage.writeTogether(b.writes) })
}

// checkBatch is what is wrong with a batch, whatever room there is.
func (e *Engine) checkBatch(b *Batch) error {
	if e.cfg.Tune.Order.Precise() {
		return ErrPrecise
	}
	bytes := 0
	for i := range b.writes {
		if err := b.with[i].err; err != nil {
			return err
		}
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
