package engine

import (
	"context"
	"math"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Limits of one entry, the same for all members of all clusters: what one
// accepts, every other can hold and pass on in one frame.
const (
	// KeyBytesMax is the longest key.
	KeyBytesMax = codec.KeyBytesMax
	// EntryBytesMax is the most that key and value may have together.
	EntryBytesMax = codec.EntryBytesMax
	// TTLMax is the longest time to live.
	TTLMax = math.MaxUint32 * time.Millisecond
)

// Set writes key = value to this member's own state. What key and value have
// above EntryBytesMax travels by Config.Streams, up to Limits.LargeBytes. It returns as soon as the
// write has its version, which is the next one: the value is readable here at
// once, and spreads without waiting for a round. Both arguments are copied.
//
// It never blocks, but for a disk with SyncEach. Errors: ErrBackpressure when writes
// come faster than the loop takes them, ErrTooLarge (a *SizeError), ErrKey, ErrFull,
// ErrNameConflict, ErrClosed; then nothing was written. And ErrDisk.
func (e *Engine) Set(key string, value []byte) (Version, error) {
	return e.put(&stagedWrite{op: opSet, key: key, value: value})
}

// SetTTL is Set for an entry that ends after ttl, rounded up to milliseconds.
// The owner deletes it then everywhere; writing it again starts anew. Time in which a host
// is suspended or the program stopped counts, on Linux (batch.Clock says what holds
// elsewhere), and so does all that an entry waits on its way; where that is not known to
// the millisecond, a replica hides it sooner, and never later. Errors: ErrTTL (a *TTLError),
// and as for Set.
func (e *Engine) SetTTL(key string, value []byte, ttl time.Duration) (Version, error) {
	ms, err := lifetime(ttl)
	if err != nil {
		e.stage.rejected.Add(1)
		return Version{}, err
	}
	return e.put(&stagedWrite{op: opSet, ttl: ms, key: key, value: value})
}

// SetClass is Set for a write that is more urgent than others, or less; what travels by
// Config.Streams leaves as Set's, and so does what flow control holds back. Errors: ErrClass (a
// *ClassError), and as for Set.
func (e *Engine) SetClass(key string, value []byte, class tune.Class) (Version, error) {
	if class > tune.ClassBulk {
		e.stage.rejected.Add(1)
		return Version{}, &ClassError{class}
	}
	return e.put(&stagedWrite{op: opSet, class: class, key: key, value: value})
}

// lifetime is a time to live as it is written, in milliseconds: begun ones count.
func lifetime(ttl time.Duration) (ms uint32, err error) {
	if ttl <= 0 || ttl > TTLMax {
		return 0, &TTLError{ttl}
	}
	return uint32((ttl + time.Millisecond - 1) / time.Millisecond), nil
}

// Delete removes a key of this member. The removal is a write with a version of
// its own. Deleting what is not there is no error. Errors as for Set.
func (e *Engine) Delete(key string) (Version, error) {
	return e.put(&stagedWrite{op: opDelete, key: key})
}

func (e *Engine) put(w *stagedWrite) (Version, error) {
	key, value := w.key, w.value
	if len(key) == 0 || codec.Reserved(key) || len(key) > KeyBytesMax || len(key)+len(value) > EntryBytesMax {
		if err := e.sizeError(key, value); err != nil {
			e.stage.rejected.Add(1)
			return Version{}, err
		}
		return e.putLarge(w.ttl, key, value)
	}
	if err := e.refuses(); err != nil {
		return Version{}, err
	}
	v, wake, err := e.stage.writeOne(w)
	return e.staged(v, wake, err)
}

// staged ends a write that was staged: the loop hears of it, and with SyncEach the caller
// waits for the disk.
func (e *Engine) staged(v Version, wake bool, err error) (Version, error) {
	if wake {
		e.reactor.poller.Wake()
	}
	if err == nil && e.kept.each {
		if err = e.kept.wait(context.Background(), v.Seq); err != nil {
			return Version{}, err
		}
	}
	return v, err
}

// checkEntry is what is wrong with a write that has to fit an entry.
func checkEntry(key string, value []byte) error {
	switch {
	case len(key) == 0 || codec.Reserved(key):
		return ErrKey
	case len(key) > KeyBytesMax:
		return &SizeError{What: "key", Bytes: len(key), Limit: KeyBytesMax}
	case len(key)+len(value) > EntryBytesMax:
		return &SizeError{What: "key and value together", Bytes: len(key) + len(value), Limit: EntryBytesMax}
	}
	return nil
}

// sizeError is what is wrong with a write that fits no entry; nil: streams carry it.
func (e *Engine) sizeError(key string, value []byte) error {
	if err := checkEntry(key, nil); err != nil {
		return err
	}
	switch large := e.cfg.Limits.LargeBytes; {
	case e.large.streams != nil && large < 0:
		return &SizeError{What: "key and value together", Bytes: len(key) + len(value), Limit: EntryBytesMax, Setting: "Config.Limits.LargeBytes"}
	case e.large.streams == nil:
		return &SizeError{What: "key and value together", Bytes: len(key) + len(value), Limit: EntryBytesMax, Setting: "Config.Streams"}
	case len(value) > large:
		return &SizeError{What: "value", Bytes: len(value), Limit: large, Setting: "Config.Limits.LargeBytes"}
	}
	return nil
}

func millis(ms uint32) time.Duration { return time.Duration(ms) * time.Millisecond }
