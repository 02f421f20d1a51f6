package engine

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Staged records lie back to back, as a disk takes them (disk.Record).
const (
	recordHead  = disk.RecordHead
	recordDead  = disk.RecordDead // flag: a later record of the same buffer has the same key
	recordBatch = disk.RecordBatch
	recordClass = disk.RecordClass
	opSet       = disk.OpSet
	opDelete    = disk.OpDelete
	opContent   = disk.OpContent // the value is a reference to a content
	opLeased    = disk.OpLeased  // the time to live is the number of a lease
	opLease     = disk.OpLease
	stageRecord = 32 // bytes a record, as the index is sized
	livesMax    = 64 // generations of this process that versions are known of
)

// stagedWrite is a write that is to be staged.
type stagedWrite struct {
	op    uint8
	batch uint8 // as in a record
	class tune.Class
	ttl   uint32 // milliseconds; with opLeased: the lease
	key   string
	value []byte
}

// record is a view of one staged write; its bytes live until the buffer is
// recycled.
type record struct {
	version uint64
	ttl     uint32
	op      uint8
	batch   uint8 // how many writes of its batch are left, this one among them; 0: none
	class   tune.Class
	dead    bool
	key     []byte
	value   []byte
}

// stage holds local writes between their callers and the loop. Callers append
// to front; the loop swaps and applies back. Both stay readable until applied,
// so that a caller reads its own writes at once.
type stage struct {
	// waiting is set by the writer that has to wake the loop.
	waiting atomic.Bool
	// pending counts records in either buffer that are not in the store yet.
	pending atomic.Int64

	mu      sync.Mutex
	front   *stageBuffer
	back    *stageBuffer // only the loop changes it, under mu
	version Version      // the last one given out
	lives   []uint64     // the generations of this process, the last of them
	err     error        // why no write is taken any more
	room    room         // of the store, as last told by the loop
	known   func(key string) (held, bool)
	seed    maphash.Seed
	emptied chan struct{} // closed at the next swap; nil: nobody waits for it
	gate    writeGate

	rejected atomic.Uint64
	offset   int // of the next record in back; only the loop
}

func (s *stage) init(bytes int, v Version) {
	s.gate.clock = func() sched.Instant { return 0 } // until the engine's is there
	s.front, s.back = new(stageBuffer), new(stageBuffer)
	s.front.init(bytes)
	s.back.init(bytes)
	s.version, s.lives, s.seed = v, append(s.lives, v.Gen), maphash.MakeSeed()
}

// write stages a write of the usual class.
func (s *stage) write(op uint8, ttl uint32, key string, value []byte) (v Version, wake bool, err error) {
	return s.writeOne(&stagedWrite{op: op, ttl: ttl, key: key, value: value})
}

// writeOne takes the next version for one write and stages it. wake is true when
// the loop has to be woken for it. It never waits longer than for the mutex,
// which nobody holds for more than a few copies.
func (s *stage) writeOne(w *stagedWrite) (v Version, wake bool, err error) {
	hash := maphash.String(s.seed, w.key)
	s.mu.Lock()
	if err = s.gate.pass(1, len(w.key)+len(w.value)); err == nil {
		v, err = s.take(hash, w)
	}
	s.mu.Unlock()
	return s.wrote(v, err)
}

// wrote ends a write: the loop is to be woken unless somebody has done so.
func (s *stage) wrote(v Version, err error) (Version, bool, error) {
	if err != nil {
		s.rejected.Add(1)
		return Version{}, false, err
	}
	return v, !s.waiting.Load() && s.waiting.CompareAndSwap(false, true), nil
}

// take checks the limits, gives the version and stages the write, under mu.
func (s *stage) take(hash uint64, w *stagedWrite) (Version, error) {
	switch {
	case s.err != nil:
		return Version{}, s.err
	case !s.front.fits(1, len(w.key)+len(w.value)):
		return Version{}, ErrBackpressure
	}
	c := s.charge(hash, w)
	if err := s.fits(c); err != nil {
		return Version{}, err
	}
	s.put(hash, w, c)
	return s.version, nil
}

// put gives a write its version and stages it, under mu.
func (s *stage) put(hash uint64, w *stagedWrite, c charge) {
	s.front.charged = s.front.charged.plus(c)
	s.front.whole = s.front.whole.plus(wholeCharge(w.op, w.batch, w.ttl, w.key, len(w.value)))
	if w.op == opDelete {
		s.front.deletes++
	}
	if w.ttl != 0 && s.front.since == 0 {
		s.front.since = s.gate.clock()
	}
	s.version.Seq++
	appendRecord(s.front, hash, s.version.Seq, w, w.key)
	s.pending.Add(1)
}

// errStaged says that a write of a key waits to be applied.
var errStaged = errors.New("engine: a write of the key is staged")

// adopt is the loop's own write of a shared key: it replaces nothing that is staged.
func (s *stage) adopt(key string, value []byte, ttl uint32) (err error) {
	hash := maphash.String(s.seed, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range [...]*stageBuffer{s.front, s.back} {
		if _, _, ok := find(b, hash, key); ok {
			return errStaged // newer than what it would take over, as far as is known
		}
	}
	s.waiting.Store(true)
	_, err = s.take(hash, &stagedWrite{op: opSet, ttl: ttl, key: key, value: value})
	return err
}

// expire is the loop's own delete of a key whose time has come, unless a write
// of it is staged that is newer than the one that ends.
func (s *stage) expire(key []byte, version uint64) error {
	hash := maphash.Bytes(s.seed, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range [...]*stageBuffer{s.front, s.back} {
		if _, offset, ok := find(b, hash, key); ok {
			var r record
			if b.at(offset, &r); r.version > version {
				return nil
			}
		}
	}
	s.waiting.Store(true)
	switch {
	case s.err != nil:
		return s.err
	case !s.front.fits(1, len(key)):
		return ErrBackpressure
	}
	s.front.deletes++
	s.version.Seq++
	appendRecord(s.front, hash, s.version.Seq, &stagedWrite{op: opDelete}, key)
	s.pending.Add(1)
	return nil
}

// begin makes back readable for the loop; false means there is nothing to do.
// The loop then calls next until it is false, and finish.
func (s *stage) begin() bool {
	if s.pending.Load() == 0 && !s.waiting.Load() {
		return false
	}
	if s.back.used > 0 {
		return true // the last turn did not get through
	}
	s.waiting.Store(false) // before the swap: a later write wakes again
	if s.pending.Load() == 0 {
		return false
	}
	s.mu.Lock()
	s.front, s.back = s.back, s.front
	s.tellEmptied()
	s.mu.Unlock()
	s.offset = 0
	return s.back.used > 0
}

// next reads the next record that still counts.
func (s *stage) next(r *record) bool {
	for s.offset < s.back.used {
		s.offset = s.back.at(s.offset, r)
		s.back.whole = s.back.whole.minus(r.wholeCharge())
		if !r.dead {
			return true
		}
	}
	return false
}

// again makes the record that next gave last the next one.
func (s *stage) again(r *record) {
	s.offset -= recordHead + len(r.key) + len(r.value)
	s.back.whole = s.back.whole.plus(r.wholeCharge())
}

// finish recycles back once all its records are in the store. The room is granted
// in the same moment: a record counts as staged or as stored.
func (s *stage) finish(r room) (more bool) {
	s.mu.Lock()
	s.grantLocked(r)
	s.back.charged = s.back.charged.atMost(s.back.whole) // what was read is in the store
	if s.offset >= s.back.used {
		s.pending.Add(-int64(s.back.count))
		s.back.reset()
		s.offset = 0
	}
	more = s.back.used > 0 || s.front.used > 0
	s.mu.Unlock()
	return more
}

// lookup answers a read of an own key from the writes that are not in the
// store yet. hit is true when there is one; ok is false when it is a delete.
func (s *stage) lookup(dst []byte, key string) (out []byte, m Meta, ok, hit bool) {
	if s.pending.Load() == 0 {
		return dst, Meta{}, false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookupLocked(dst, key)
}

// lookupLocked is lookup with the mutex held.
func (s *stage) lookupLocked(dst []byte, key string) (out []byte, m Meta, ok, hit bool) {
	hash := maphash.String(s.seed, key)
	b := s.front
	_, offset, found := find(b, hash, key)
	if !found {
		b = s.back
		if _, offset, found = find(b, hash, key); !found {
			return dst, Meta{}, false, false
		}
	}
	var r record
	b.at(offset, &r)
	m = Meta{Version: Version{Gen: s.version.Gen, Seq: r.version}, TTL: millis(r.ttl)}
	switch r.op {
	case opDelete:
		return dst, m, false, true
	case opLeased:
		m.TTL, m.Lease = 0, r.ttl
	}
	m.refers = r.op == opContent
	return append(dst, r.value...), m, true, true
}

// skip takes a version for a write of the loop's own. Nothing may be staged.
func (s *stage) skip() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version.Seq++
	return s.version.Seq
}

// last is the newest version given out.
func (s *stage) last() Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// stop refuses all further writes with err. A name that was lost comes back
// (resume); nothing else does.
func (s *stage) stop(err error) {
	s.mu.Lock()
	if s.err == nil || s.err == ErrNameConflict {
		s.err = err
	}
	s.tellEmptied()
	s.mu.Unlock()
}

// letGo forgets what is staged: nothing is taken any more.
func (s *stage) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.front, s.back = &stageBuffer{index: make([]uint64, 1), epoch: 1}, &stageBuffer{index: make([]uint64, 1), epoch: 1}
	s.pending.Store(0)
}

// resume takes writes again after stop(err), unless it was stopped for something
// else.
func (s *stage) resume(err error) {
	s.mu.Lock()
	if s.err == err {
		s.err = nil
	}
	s.mu.Unlock()
}

// renew gives all versions from now on another generation; sequences go on.
func (s *stage) renew(gen uint64) {
	s.mu.Lock()
	s.version.Gen = gen
	if len(s.lives) == livesMax {
		s.lives = append(s.lives[:0], s.lives[1:]...)
	}
	s.lives = append(s.lives, gen)
	s.mu.Unlock()
}

// gaveOut tells whether a version is one of this process: else a *VersionError.
func (s *stage) gaveOut(v Version) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.Seq == 0 || v.Seq > s.version.Seq || !slices.Contains(s.lives, v.Gen) {
		return &VersionError{Version: v, Last: s.version}
	}
	return nil
}
