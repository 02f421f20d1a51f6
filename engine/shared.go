package engine

import (
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/sched"
)

// Limits of shared keys, computed so that any member can take over any entry and
// still send it in one frame.
const (
	// SharedKeyBytesMax is the longest shared key.
	SharedKeyBytesMax = KeyBytesMax - len(codec.SharedPrefix)
	// SharedEntryBytesMax is the most that a shared key and its value may have together.
	SharedEntryBytesMax = EntryBytesMax - len(codec.SharedPrefix) - share.ClaimBytesMax
)

// SharedVersion names one write of a shared key, wherever it is read. It is
// comparable; the zero SharedVersion is no write.
type SharedVersion struct {
	Epoch  uint32
	Stamp  uint64 // hybrid logical time: milliseconds since 1970 in the upper 48 bits
	Author uint64 // who wrote it: a hash of their name, the same at all members of a cluster
}

// Time is when the write was made, by its author's clock.
func (v SharedVersion) Time() time.Time { return time.Unix(0, int64(share.Stamp(v.Stamp).Wall())) }

// IsZero reports whether v names no write.
func (v SharedVersion) IsZero() bool { return v == SharedVersion{} }

func sharedVersion(c *share.Claim) SharedVersion {
	return SharedVersion{Epoch: c.Epoch, Stamp: uint64(c.Stamp), Author: uint64(c.Author)}
}

// Shared is the keys that any member may write, in a space of their own: a key of
// Shared and a member's key of the same name are two. What a shared key holds is
// decided by every member for itself, from the same writes in the same way: it is
// no consensus, and two members may differ until each has heard of both writes.
// Writes are entries of their writer's own log. Those that win are taken over by
// others before their writer is forgotten. Its methods are for any goroutine.
type Shared struct {
	e     *Engine
	index share.Index
	self  share.Author
	merge share.Orders // of Config.Merge, in its order
	wall  func() sched.Wall

	mu    sync.Mutex // a later version has a later stamp
	clock share.Clock

	counters counters
	sets     sets

	sharedState // the loop's own
}

// Shared is the map that all members share.
func (e *Engine) Shared() *Shared {
	if e.done == nil {
		return &Shared{e: e} // Start did not make it
	}
	return &e.shared
}

// logKey is a shared key as it stands in a log.
func logKey(dst []byte, key string) []byte {
	return append(append(dst, codec.SharedPrefix...), key...)
}

// SharedMeta is what is known of a shared key beside its value.
type SharedMeta struct {
	Version SharedVersion // of a delete too
	TTL     time.Duration // that it was written with, or taken over with; 0: it does not end
	Left    time.Duration // of that

	entry Meta // of the log that wins
}

// From is who brought the write here, as Meta.From tells; "" for an own one.
func (m SharedMeta) From() string { return m.entry.From() }

// AppendGet appends what a shared key holds to dst. It reads the local replica and
// never waits; own writes are seen at once. ok is false where there is nothing, or a
// delete won: then v is that of the delete. With room in dst it does not allocate.
func (s *Shared) AppendGet(dst []byte, key string) (value []byte, v SharedVersion, ok bool) {
	value, m, ok := s.Look(dst, key)
	return value, m.Version, ok
}

// Look is AppendGet that tells how long the key has to live, too.
func (s *Shared) Look(dst []byte, key string) (value []byte, m SharedMeta, ok bool) {
	if !s.e.runs.Load() || len(key) == 0 || key[0] == codec.ReservedPrefix || len(key) > SharedKeyBytesMax {
		return dst, m, false
	}
	var room [KeyBytesMax]byte
	value, c, meta, ok := s.look(dst, logKey(room[:0], key))
	if c.Author != 0 {
		m.Version = sharedVersion(&c)
	}
	if m.entry = meta; ok {
		m.TTL, m.Left = meta.TTL, meta.TTL-meta.Age
	}
	return value, m, ok
}

// Get is AppendGet into a new slice.
func (s *Shared) Get(key string) (value []byte, v SharedVersion, ok bool) {
	return s.AppendGet(nil, key)
}

// look reads a key of the log: an own write that is still staged, if that wins.
func (s *Shared) look(dst, key []byte) (value []byte, c share.Claim, m Meta, ok bool) {
	if s.e.stage.pending.Load() == 0 {
		return s.indexed(dst, key)
	}
	var room [EntryBytesMax]byte
	staged, meta, _, hit := s.e.stage.lookup(room[:0], string(key))
	value, c, m, ok = s.indexed(dst, key)
	var own share.Claim
	if !hit || meta.refers {
		return value, c, m, ok
	}
	rest, err := own.Parse(staged, s.self)
	if err != nil || c.Author != 0 && s.merge.Compare(&own, rest, &c, value[len(dst):]) <= 0 {
		return value, c, m, ok
	}
	return append(dst, rest...), own, meta, !own.Deleted
}

// indexed reads what the index has. What has ended is as good as deleted.
func (s *Shared) indexed(dst, key []byte) (value []byte, c share.Claim, m Meta, ok bool) {
	value, c, is, ok := s.index.AppendGet(dst, key)
	m, ended := s.e.metaOf(&is, atOnce)
	if ok && ended {
		c.Deleted = true
		return dst, c, m, false
	}
	return value, c, m, ok
}

// Lifetime is the time to live that a shared key was written with, or taken over with,
// and what is left of it; 0 for one that has none or is not there.
func (s *Shared) Lifetime(key string) (ttl, left time.Duration) {
	var room [EntryBytesMax]byte
	_, m, _ := s.Look(room[:0], key)
	return m.TTL, m.Left
}

// Set writes a shared key: the last writer wins, by a clock that is above all that
// this member has seen. It returns at once, as Engine.Set does, with the version of
// the write in this member's log, for WaitVersion. Errors: those of Engine.Set, and a
// *ClockError. An epoch that SetOnce or Force began goes on. Where a rule of Config.Merge
// has the key, a *ConflictError says that what is there is higher; nothing is written then.
func (s *Shared) Set(key string, value []byte) (Version, error) {
	return s.write(key, value, 0, lastWrite)
}

// SetTTL is Set for a value that ends after ttl, rounded up to milliseconds, whoever has
// it then: as a delete that is just above the write. Errors: ErrTTL, ErrMergeRule, and as for
// Set.
func (s *Shared) SetTTL(key string, value []byte, ttl time.Duration) (Version, error) {
	ms, err := s.lifetime(key, ttl)
	if err != nil {
		return Version{}, err
	}
	return s.write(key, value, ms, lastWrite)
}

// Put is Set, or SetTTL where ttl is not 0, that tells what AppendGet gives with the value from
// now on, until another write wins. Errors as for these.
func (s *Shared) Put(key string, value []byte, ttl time.Duration) (v Version, is SharedVersion, err error) {
	ms := uint32(0)
	if ttl != 0 {
		if ms, err = s.lifetime(key, ttl); err != nil {
			return v, is, err
		}
	}
	is, v, err = s.writeAs(key, value, ms, lastWrite)
	if err != nil {
		is = SharedVersion{}
	}
	return v, is, err
}

// lifetime is a time to live in milliseconds, for a key that may have one.
func (s *Shared) lifetime(key string, ttl time.Duration) (ms uint32, err error) {
	if ms, err = lifetime(ttl); err == nil && s.rule(key) != nil {
		err = ErrMergeRule
	}
	if err != nil {
		s.e.stage.rejected.Add(1)
	}
	return ms, err
}

// claimFunc says what a write claims, given what wins now. c has the author, the stamp and the
// order of the key.
type claimFunc func(c, now *share.Claim) error

// lastWrite is the claim of a write that is to win over all that is there.
func lastWrite(c, now *share.Claim) error {
	if now.Order != 0 && c.Order == 0 {
		return ErrMergeRule
	}
	c.Epoch = now.Epoch
	if now.First {
		c.Epoch++ // first writers win over last ones of their epoch
	}
	return nil
}

// Delete deletes a shared key, by the rule that it was written with: as a write
// that wins or loses like any other. Errors as for Set.
func (s *Shared) Delete(key string) (Version, error) {
	return s.write(key, nil, 0, func(c, now *share.Claim) error {
		c.Epoch, c.First, c.Deleted = now.Epoch, now.First, true
		if now.Author != 0 {
			c.Order = now.Order
		}
		return nil
	})
}

// Force writes a shared key above all that was written to it, under the next epoch:
// the way out when a clock that was years ahead has written, or a value that is too high for
// its rule. Errors as for Set.
func (s *Shared) Force(key string, value []byte) (Version, error) {
	return s.write(key, value, 0, func(c, now *share.Claim) error {
		c.Epoch = now.Epoch + 1
		return nil
	})
}

// writeAs is write that gives the write as it was claimed, too.
func (s *Shared) writeAs(key string, value []byte, ttl uint32, claim claimFunc) (is SharedVersion, v Version, err error) {
	claim = s.ruled(key, value, claim)
	v, err = s.writeClaim(key, value, ttl, func(c, now *share.Claim) error {
		err := claim(c, now)
		is = sharedVersion(c)
		return err
	})
	return is, v, err
}

// write writes a shared key: with what is claimed, given what wins now and the rule of the key.
func (s *Shared) write(key string, value []byte, ttl uint32, claim claimFunc) (Version, error) {
	return s.writeClaim(key, value, ttl, s.ruled(key, value, claim))
}

func (s *Shared) writeClaim(key string, value []byte, ttl uint32, claim claimFunc) (Version, error) {
	if err := s.checkSize(key, value); err != nil {
		s.e.stage.rejected.Add(1)
		return Version{}, err
	}
	if err := s.e.refuses(); err != nil {
		return Version{}, err
	}
	return s.e.staged(s.stage(key, value, ttl, claim))
}

// stage makes the claim and stages both.
func (s *Shared) stage(key string, value []byte, ttl uint32, claim claimFunc) (v Version, wake bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stageClaim(logKey(make([]byte, 0, KeyBytesMax), key), value, ttl, claim)
}

// stageClaim is stage for a key of the log. The mutex is held.
func (s *Shared) stageClaim(k, value []byte, ttl uint32, claim claimFunc) (v Version, wake bool, err error) {
	if !s.e.runs.Load() {
		return v, false, ErrClosed
	}
	var room [EntryBytesMax]byte
	_, now, _ := s.known(room[:0], k)
	c := share.Claim{Author: s.self}
	wall := s.wall()
	if err := s.checkClock(wall); err != nil {
		return v, false, err
	}
	c.Stamp = s.clock.Next(wall)
	if err := claim(&c, &now); err != nil {
		return v, false, err
	}
	return s.e.stage.write(opSet, ttl, string(k), append(c.Append(room[:0], c.Author), value...))
}

func (s *Shared) checkSize(key string, value []byte) error {
	switch {
	case len(key) == 0 || key[0] == codec.ReservedPrefix:
		return ErrKey
	case len(key) > SharedKeyBytesMax:
		return &SizeError{What: "shared key", Bytes: len(key), Limit: SharedKeyBytesMax}
	case len(key)+len(value) > SharedEntryBytesMax:
		return &SizeError{What: "shared key and value together", Bytes: len(key) + len(value), Limit: SharedEntryBytesMax, Setting: "keys of a member's own"}
	}
	return nil
}

// checkClock refuses to write with a clock that can't be right. The mutex is held.
func (s *Shared) checkClock(wall sched.Wall) error {
	bound := sched.Instant(s.e.cfg.ClockOffsetMax)
	if last := s.clock.Last(); share.Ahead(last, wall, bound) { // it was set back
		return &ClockError{Offset: time.Duration(wall - last.Wall())}
	}
	if l := s.behind.Load(); l != nil && s.e.reactor.poller.Now() < l.until {
		return &ClockError{Offset: -time.Duration(l.by)}
	}
	return nil
}

// Len is the number of shared keys that somebody claims, deleted ones that are
// still remembered among them. It takes a turn of the loop.
func (s *Shared) Len() (n int) {
	s.e.ask(func(sched.Instant) { n = s.index.Keys() })
	return n
}
