package engine

import (
	"bytes"
	"crypto/sha256"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// diskSource is the own state, for snapshots.
type diskSource Engine

// settleEvery is how often Settle looks.
const settleEvery = 10 * time.Millisecond

// Settle waits until everything up to a version is applied, and published if it is to be:
// what waits for its rate is in no walk.
func (s *diskSource) Settle(version uint64) bool {
	e := (*Engine)(s)
	timer := time.NewTimer(settleEvery)
	defer timer.Stop()
	for {
		settled := false
		if !e.ask(func(sched.Instant) {
			settled = e.applied(version) && (e.store.Max(e.store.Owner()) >= version || !e.core.Parts().Flow.Behind())
		}) {
			return false
		}
		if settled {
			return true
		}
		timer.Reset(settleEvery)
		select {
		case <-timer.C:
		case <-e.life.Done():
			return false
		}
	}
}

// Walk yields every own entry. false: the name is another process's now.
func (s *diskSource) Walk(yield func(r *disk.Record) bool) (floor uint64, ok bool) {
	e := (*Engine)(s)
	before, after := uint64(0), uint64(0)
	e.kept.walkHeld(yield)
	e.walkWinners(yield)
	if !e.ask(func(sched.Instant) { before = e.core.Parts().Self.Gen }) {
		return 0, false
	}
	of, _ := e.store.Since(e.name, 0, 0, func(key, value []byte, m state.Meta) bool {
		r := disk.Record{Version: m.Version, Key: key, Value: value}
		if m.Rest > 0 {
			r.Batch = m.Rest + 1
		}
		switch {
		case m.Flags&codec.EntryTombstone != 0:
			r.Op, r.Value = disk.OpDelete, nil
		case m.Kind == codec.KindContent:
			r.Op = disk.OpContent
		case m.Kind == codec.KindLease:
			r.Op = disk.OpLease
		case m.Flags&codec.EntryKinded != 0:
			return true
		}
		if m.Lease != 0 && r.Op == disk.OpSet {
			r.Op, r.TTL = disk.OpLeased, m.Lease
			return yield(&r)
		}
		if m.Flags&codec.EntryTTL != 0 {
			r.TTL, r.Wall = m.TTL, time.Now().UnixNano()-int64(e.reactor.poller.Now())+m.Born
		}
		return yield(&r)
	})
	e.ask(func(sched.Instant) { after, floor = e.core.Parts().Self.Gen, e.store.Floor(e.store.Owner()) })
	return floor, of == before || of == after
}

// Content copies a content that is here.
func (s *diskSource) Content(sum *[sha256.Size]byte) (b []byte, ok bool) {
	l, of := &s.large, content.Sum(*sum)
	if l.streams == nil { // it came from an earlier life, and is on disk
		return nil, false
	}
	l.mu.Lock()
	h := l.table.Having(&of)
	held, ok := l.table.Hold(h)
	l.mu.Unlock()
	if !ok {
		return nil, false
	}
	b = bytes.Clone(held)
	l.mu.Lock()
	l.table.Drop(h)
	l.mu.Unlock()
	return b, true
}
