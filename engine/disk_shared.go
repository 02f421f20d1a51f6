package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/sched"
)

// Shared keys from disk are what this member said in an earlier life. Others may have
// written them anew meanwhile, or deleted them and forgotten that, so they are said again
// only once this member holds what another one does, and not at all after longer than a
// delete is remembered. A member that knows of nobody has nobody to ask.
const (
	heldAlone = 30 * sched.Second       // while nobody answers
	heldLook  = 100 * sched.Millisecond // between looks for somebody
)

// holdShared keeps a shared key back.
func (k *keeper) holdShared(r *disk.Record) {
	if r.Op != disk.OpDelete { // which took something back from a log that is gone
		k.held = append(k.held, disk.Record{Op: disk.OpHeld, Version: r.Version, Key: r.Key, Value: r.Value})
	}
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
		return nil, nil
	default:
		for i := range k.held {
			r := &k.held[i]
			r.Op, r.Version = disk.OpSet, e.newest()+1
			e.op = core.Op{Kind: core.Set, Version: r.Version, Key: r.Key, Value: r.Value}
			if st := e.core.Write(now, &e.op); st != core.Written {
				return nil, refusedBy(st)
			}
			records = disk.AppendRecord(records, r)
		}
	}
	k.held = nil
	return records, nil
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
			k.holding.Store(nil)
			k.held = nil
			return
		}
		r := &k.held[k.said]
		if e.wins(r) && e.stage.adopt(string(r.Key), r.Value, leftOf(r)) == ErrBackpressure {
			return
		}
		k.said++
	}
	k.heldAt = now
}

// leftOf is what is left of the time to live of a record, 0: it has none. One that has
// ended, or whose age nobody knows, ends at once.
func leftOf(r *disk.Record) uint32 {
	if r.TTL == 0 {
		return 0
	}
	age := (time.Now().UnixNano() - r.Wall) / int64(time.Millisecond)
	if age < 0 || age >= int64(r.TTL) {
		return 1
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

// wins tells whether a claim that is held back is above what is here.
func (e *Engine) wins(r *disk.Record) bool {
	var own share.Claim
	if _, err := own.Parse(r.Value, e.shared.self); err != nil {
		return false
	}
	_, is, _, _ := e.shared.index.AppendGet(nil, r.Key)
	return is.Author == 0 || own.Compare(&is) > 0
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
