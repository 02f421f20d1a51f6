package engine

import (
	"fmt"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// What a write takes is counted twice in the same unit: here before it gets its
// version, and in the store that keeps it. So what Set has accepted fits, and a
// delete or an overwrite that is not larger is never refused.

// FullError says which limit leaves no room for a write, what it is, what this
// member has of it, and which member has most. It matches ErrFull.
type FullError struct {
	Limit string // the field of Config, as "Limits.Keys"
	Value int
	Own   int    // what this member has
	Most  string // the member that has most
	Has   int    // and how much
}

// Error names all of them, and what to do.
func (e *FullError) Error() string {
	return fmt.Sprintf("engine: store full: Config.%s %d is reached (this member has %d, %q has most: %d): raise it with SetLimits, or delete keys",
		e.Limit, e.Value, e.Own, e.Most, e.Has)
}

// Is makes errors.Is(err, ErrFull) true.
func (e *FullError) Is(target error) bool { return target == ErrFull }

// charge is what staged writes may take of the store.
type charge struct{ keys, bytes, owned int }

func (c charge) plus(d charge) charge {
	return charge{c.keys + d.keys, c.bytes + d.bytes, c.owned + d.owned}
}

func (c charge) minus(d charge) charge {
	return charge{c.keys - d.keys, c.bytes - d.bytes, c.owned - d.owned}
}

func (c charge) atMost(d charge) charge {
	return charge{min(c.keys, d.keys), min(c.bytes, d.bytes), min(c.owned, d.owned)}
}

// wholeCharge is what a write takes that replaces nothing. Deletes and keys of
// the engine's own have room of their own.
func wholeCharge[K keyText](op, batch uint8, ttl uint32, key K, valueBytes int) charge {
	if op == opDelete || codec.System(key) {
		return charge{}
	}
	is := heldCell(len(key), valueBytes, ttl, op, batch)
	return charge{keys: 1, bytes: is.bytes, owned: is.owned}
}

func (r *record) wholeCharge() charge { return wholeCharge(r.op, r.batch, r.ttl, r.key, len(r.value)) }

// held is what an entry takes that a write may replace.
type held struct {
	bytes, owned int
	live         bool
}

// heldCell is what an entry of this size takes.
func heldCell(key, value int, ttl uint32, op, batch uint8) held {
	flags := codec.EntryFlags(0)
	if batch > 1 {
		flags = codec.EntryMore
	}
	switch {
	case op == opDelete:
		return held{bytes: state.CellBytes(key, flags|codec.EntryTombstone), owned: key}
	case op == opLeased:
		flags |= codec.EntryLeased
	case op == opLease:
		flags |= codec.EntryTTL | codec.EntryKinded
	case op == opContent:
		flags |= codec.EntryKinded
	}
	if ttl != 0 && op != opLeased {
		flags |= codec.EntryTTL
	}
	return held{bytes: state.CellBytes(key+value, flags), owned: key + value, live: true}
}

// room is what the loop last told of the store, under mu.
type room struct {
	state.Room
	ample bool          // for more than both buffers can hold: nobody has to be asked
	own   [3]int        // what this member has
	most  int           // Limits.KeysPerOrigin
	full  [3]*FullError // who has most; nil: that was not looked up
}

// fullError says that limit i leaves no room for so much more, where so much is staged.
func (r *room) fullError(i, more, left, staged int) error {
	if r.full[i] == nil {
		return ErrFull
	}
	e, self := *r.full[i], r.full[2].Most
	e.Own = r.own[i] + min(left, staged)
	switch {
	case i == 0 && e.Own+more > r.most:
		e.Limit, e.Value, e.Most, e.Has = "Limits.KeysPerOrigin", r.most, self, e.Own
	case e.Most == self || e.Has < e.Own:
		e.Most, e.Has = self, e.Own
	}
	return &e
}

// chargeMax is what one buffer of the stage can be charged at most: a record
// takes 20 bytes and its cell 20 to 45, in steps of 8 and of an eighth.
func (b *stageBuffer) chargeMax() charge {
	return charge{keys: len(b.index) * 3 / 4, bytes: len(b.log) * 5 / 2, owned: len(b.log)}
}

// charge is what a write takes. Only near a limit does it find out what the write replaces.
func (s *stage) charge(hash uint64, w *stagedWrite) charge {
	c := wholeCharge(w.op, w.batch, w.ttl, w.key, len(w.value))
	if s.room.ample || c.keys == 0 {
		return c
	}
	if was, ok := s.replaced(hash, w.key); ok {
		c.bytes, c.owned = max(0, c.bytes-was.bytes), max(0, c.owned-was.owned)
		c.keys = 0
	}
	return c
}

// fits is why there is no room for what writes take.
func (s *stage) fits(c charge) error {
	if s.room.ample {
		return nil
	}
	taken, r := s.front.charged.plus(s.back.charged), &s.room
	deletes := s.front.deletes+s.back.deletes > 0
	for i, left := range [...]int{r.Keys, r.Bytes, r.Owned} {
		more, staged := [...]int{c.keys, c.bytes, c.owned}[i], [...]int{taken.keys, taken.bytes, taken.owned}[i]
		switch {
		case more == 0 || more <= left-staged:
		case more <= left && deletes: // what is staged makes room: the loop will tell how much
			return ErrBackpressure
		default:
			return r.fullError(i, more, left, staged)
		}
	}
	return nil
}

// replaced is what a write of the key replaces, staged or stored. A delete does not count:
// of a key that never came into the store it leaves nothing, and else what may be collected
// before the write comes there.
func (s *stage) replaced(hash uint64, key string) (held, bool) {
	for _, b := range [...]*stageBuffer{s.front, s.back} {
		if _, offset, ok := find(b, hash, key); ok {
			var r record
			b.at(offset, &r)
			return heldCell(len(r.key), len(r.value), r.ttl, r.op, r.batch), r.op != opDelete
		}
	}
	if s.known == nil {
		return held{}, false
	}
	was, ok := s.known(key)
	return was, ok && was.live
}

// grant tells how much more the store can take.
func (s *stage) grant(r room) {
	s.mu.Lock()
	s.grantLocked(r)
	s.mu.Unlock()
}

func (s *stage) grantLocked(r room) {
	r.ample = s.isAmple(r.Room)
	s.room = r
}

// isAmple tells whether there is room for all that both buffers can hold.
func (s *stage) isAmple(r state.Room) bool {
	most := s.front.chargeMax()
	most = most.plus(most)
	return r.Keys >= most.keys && r.Bytes >= most.bytes && r.Owned >= most.owned
}

// roomEvery is how often who holds most is looked up while a limit is near.
const roomEvery = sched.Second

// room is how much more the store takes of this member.
func (e *Engine) room(now sched.Instant) room {
	r := room{Room: e.store.Admits(e.store.Owner())}
	if e.stage.isAmple(r.Room) {
		return r
	}
	if e.fullErrors[0] == nil || now >= e.fullAt {
		e.fullAt = now.After(roomEvery)
		e.findFullest()
	}
	self := e.store.Owner()
	r.own = [3]int{e.store.Keys(self), e.store.CellBytes(self), e.store.Bytes(self)}
	r.most, r.full = e.store.Limits().KeysPerOrigin, e.fullErrors
	return r
}

// findFullest finds who has most of each limit; how much this member has of it is looked up when
// it is told.
func (e *Engine) findFullest() {
	self, l := e.store.Owner(), e.store.Limits()
	keys, bytes := self, self
	for o := e.store.FirstAtOrAfter(0); o != 0; o = e.store.Following(o) {
		if e.store.Keys(o) > e.store.Keys(keys) {
			keys = o
		}
		if e.store.CellBytes(o) > e.store.CellBytes(bytes) {
			bytes = o
		}
	}
	e.fullErrors = [3]*FullError{
		{Limit: "Limits.Keys", Value: l.Keys, Most: e.nameOf(keys), Has: e.store.Keys(keys)},
		{Limit: "Limits.ValueBytes", Value: l.ValueBytes, Most: e.nameOf(bytes), Has: e.store.CellBytes(bytes)},
		{Limit: "Limits.BytesPerOrigin", Value: l.BytesPerOrigin, Most: e.cfg.Name},
	}
}

// knows tells what the store holds under an own key. Any goroutine may ask.
func (e *Engine) knows(key string) (held, bool) {
	bytes, owned, live, ok := e.store.HeldBy(e.store.Owner(), []byte(key))
	return held{bytes, owned, live}, ok
}
