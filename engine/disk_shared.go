package engine

import (
	"bytes"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// What shared keys hold is on the disk of every member that has one, whoever wrote it: were
// only their writers to keep them, a key would be lost with the disk of one. Others may have
// written them anew meanwhile, or deleted them and forgotten that, so they are said again
// only once this member holds what another one does, and not at all after longer than a
// delete is remembered. A member that knows of nobody has nobody to ask. Where a whole
// cluster starts again, most keys are said by one member, the first in rank, and by their
// writer; the others look again later.
const (
	heldAlone = 30 * sched.Second       // while nobody answers
	heldLook  = 100 * sched.Millisecond // between looks for somebody
	heldTurn  = 256 << 10               // bytes of records that are handed over before a turn ends
)

// noteWinner keeps what a shared key holds now, if another's log has it. It runs on the loop.
func (e *Engine) noteWinner(key []byte, what share.Change) {
	k := &e.kept
	if k.log == nil || what != share.Won && what != share.Passed {
		return
	}
	o := e.shared.index.Owner(key)
	if o == 0 || o == e.store.Owner() || !e.store.Get(o, key, &k.entry) {
		return
	}
	var c share.Claim
	rest, err := c.Parse(k.entry.Value, e.shared.index.Author(o))
	if err != nil {
		return
	}
	var room [EntryBytesMax]byte
	value := append(c.Append(room[:0], e.shared.self), rest...)
	k.news = disk.AppendRecord(k.news, &disk.Record{Op: disk.OpHeld, Key: k.entry.Key, Value: value, TTL: lifeLeft(&k.entry)})
	if len(k.news) > heldTurn {
		e.keepWinners()
	}
}

// keepWinners hands over what noteWinner has noted.
func (e *Engine) keepWinners() {
	if k := &e.kept; len(k.news) > 0 {
		k.log.OfferHeld(k.news)
		k.news = k.news[:0]
	}
}

// walkWinners yields what shared keys hold by others' logs, for a snapshot.
func (e *Engine) walkWinners(yield func(r *disk.Record) bool) {
	more := true
	var is, held [EntryBytesMax]byte
	for m := range e.Members() {
		if m.Self || !more {
			continue
		}
		author := e.shared.author([]byte(m.Name))
		e.store.Range([]byte(m.Name), func(key, value []byte, meta state.Meta) bool {
			if !codec.Shared(key) {
				return true
			}
			var c share.Claim
			rest, err := c.Parse(value, author)
			if _, now, _, _ := e.shared.index.AppendGet(is[:0], key); err != nil || now != c {
				return true
			}
			r := disk.Record{Op: disk.OpHeld, Key: key, Value: append(c.Append(held[:0], e.shared.self), rest...)}
			if meta.Flags&codec.EntryTTL != 0 {
				r.TTL, r.Wall = meta.TTL, time.Now().UnixNano()-int64(e.reactor.poller.Now())+meta.Born
			}
			more = yield(&r)
			return more
		})
	}
}

// known is look that also knows what the disk has and is not said again yet: what is written
// meanwhile has to be above that.
func (s *Shared) known(dst, key []byte) (value []byte, c share.Claim, ok bool) {
	value, c, _, ok = s.look(dst, key)
	held := s.e.kept.holding.Load()
	if held == nil {
		return value, c, ok
	}
	at, here := slices.BinarySearchFunc(*held, key, func(r disk.Record, key []byte) int { return bytes.Compare(r.Key, key) })
	if !here {
		return value, c, ok
	}
	r := &(*held)[at]
	var d share.Claim
	rest, err := d.Parse(r.Value, s.self)
	if err != nil || c.Author != 0 && s.merge.Compare(&d, rest, &c, value[len(dst):]) <= 0 {
		return value, c, ok
	}
	if d.Deleted = d.Deleted || r.TTL != 0 && leftOf(r) == endedLife; d.Deleted {
		return dst, d, false
	}
	return append(dst, rest...), d, true
}

// above tells which of two records that are held says what the key holds.
func (s *Shared) above(a, b *disk.Record) bool {
	var c, d share.Claim
	x, err := c.Parse(a.Value, s.self)
	if err != nil {
		return false
	}
	y, err := d.Parse(b.Value, s.self)
	if err != nil {
		return true
	}
	if order := s.merge.Compare(&c, x, &d, y); order != 0 {
		return order > 0
	}
	return share.Settle(c.Deleted, x, d.Deleted, y) > 0
}

// judgeHeld drops what is too old, or writes at once what nobody else can know better. It
// gives the records of what it writes.
func (e *Engine) judgeHeld(now sched.Instant) (records []byte, err error) {
	k := &e.kept
	if len(k.held) == 0 {
		return nil, nil
	}
	away := time.Duration(time.Now().UnixNano() - k.image.Wall)
	switch {
	case away > e.cfg.Detector.GraveAge:
		e.herald.warn("disk: shared keys are dropped: this member was away for longer than deletes are remembered (Detector.GraveAge)",
			"member", e.cfg.Name, "keys", len(k.held), "away", away)
	case len(k.image.Members) > 0:
		k.heldUntil = now.After(heldAlone)
		k.holding.Store(&k.held)
		e.uses.begin(useHeld)
		return nil, nil
	default:
		for i := range k.held {
			r := &k.held[i]
			r.Op, r.Version, r.TTL = disk.OpSet, e.newest()+1, leftOf(r)
			e.op = core.Op{Kind: core.Set, Version: r.Version, Key: r.Key, Value: r.Value, TTL: r.TTL}
			if st := e.core.Write(now, &e.op); st != core.Written {
				return nil, refusedBy(st)
			}
			if r.TTL != 0 {
				e.endsAt(now, r.TTL, e.op.Version)
			}
			records = disk.AppendRecord(records, r)
		}
	}
	k.held = nil
	return records, nil
}

// rises has the clock of shared writes go on above what the disk has, as far as that is not
// ahead of the wall clock: it may have been set back meanwhile.
func (s *Shared) rises(records []disk.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c share.Claim
	for i := range records {
		if !codec.Shared(records[i].Key) {
			continue
		}
		if _, err := c.Parse(records[i].Value, s.self); err == nil {
			s.clock.See(c.Stamp, s.wall(), sched.Instant(s.e.cfg.ClockOffsetMax))
		}
	}
}

// sayHeld says shared keys again that are held back, once it may: those that win.
func (e *Engine) sayHeld(now sched.Instant) {
	k := &e.kept
	if k.holding.Load() == nil || now < k.heldAt {
		return
	}
	k.heldAt = now.After(heldLook)
	if !k.saying && now < k.heldUntil && !e.level() {
		return
	}
	k.saying = true
	for range sharedPerTurn {
		if k.said == len(k.held) {
			if k.pass++; k.pass == 1 {
				k.said, k.heldAt = 0, now.After(adoptGap)
				return
			}
			k.holding.Store(nil)
			e.uses.end(useHeld)
			k.held = nil
			return
		}
		if r := &k.held[k.said]; e.wins(r) {
			switch e.stage.adopt(string(r.Key), r.Value, leftOf(r)) {
			case ErrBackpressure, errStaged:
				return
			}
		}
		k.said++
	}
	k.heldAt = now
}

// endedLife is what is left where it has ended.
const endedLife = 1

// leftOf is what is left of the time to live of a record, 0: it has none. One that has
// ended, or whose age nobody knows, ends at once.
func leftOf(r *disk.Record) uint32 {
	if r.TTL == 0 {
		return 0
	}
	age := (time.Now().UnixNano() - r.Wall) / int64(time.Millisecond)
	if age < 0 || age >= int64(r.TTL) {
		return endedLife
	}
	return r.TTL - uint32(age)
}

// nextHeld is when sayHeld has work.
func (k *keeper) nextHeld() sched.Instant {
	if k.holding.Load() == nil {
		return sched.Never
	}
	return k.heldAt
}

// level tells whether somebody answers who holds what this member does.
func (e *Engine) level() bool {
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok && live(&peer) && peer.Level {
			return true
		}
	}
	return false
}

// wins tells whether it is on this member to say a claim that is held back: it is above what
// is here, and this member's own, or its turn.
func (e *Engine) wins(r *disk.Record) bool {
	s := &e.shared
	var held share.Claim
	value, err := held.Parse(r.Value, s.self)
	if err != nil {
		return false
	}
	var room [EntryBytesMax]byte
	now, is, _, _ := s.index.AppendGet(room[:0], r.Key)
	if is.Author != 0 && s.merge.Compare(&held, value, &is, now) <= 0 {
		return false
	}
	return held.Author == s.self || e.kept.pass > 0 || share.Rank(codec.SipHash(s.hashKey, r.Key), e.core.Parts().Self.ID, s.alive) == 0
}

// walkHeld yields what is held back, for a snapshot.
func (k *keeper) walkHeld(yield func(r *disk.Record) bool) {
	if held := k.holding.Load(); held != nil {
		for i := range *held {
			if !yield(&(*held)[i]) {
				return
			}
		}
	}
}
