package engine

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// generation is the one that this life begins with. It is drawn, from less time than a process
// takes to start: else lives of one name whose clocks showed the same, as where a clock goes in
// steps or back, were one to everybody, with other contents under the same versions.
func (e *Engine) generation(wall sched.Wall, salt *[16]byte) uint64 {
	last := uint64(0)
	if i := e.kept.image; i != nil {
		if last = i.Generation; i.Keeps && e.cfg.Generation <= last {
			return last
		}
		i.Keeps = false
	}
	return max(e.cfg.Generation, last, uint64(max(0, wall))) + 1 + uint64(binary.LittleEndian.Uint16(salt[:]))
}

// restoreKey is written, as a delete of nothing, so that what was restored counts as told.
var restoreKey = []byte{codec.ReservedPrefix, 'd', 'i', 's', 'k'}

// restore puts what was found on disk into the store, as it was. Where the generation is
// a new one, there is nothing to delete and nothing declared yet.
func (e *Engine) restore(now sched.Instant) error {
	k := &e.kept
	if k.image == nil || len(k.image.Records)+len(k.image.Held) == 0 && !k.image.Keeps {
		return nil
	}
	k.held = k.image.Held
	e.shared.rises(k.held)
	e.shared.rises(k.image.Records)
	i, wall := k.image, time.Now().UnixNano()
	k.was = map[string]string{}
	for n := range i.Records {
		r := &i.Records[n]
		e.leases.above(r)
		if codec.System(r.Key) {
			if !i.Keeps {
				continue
			}
			if r.Op != disk.OpDelete {
				k.was[string(r.Key)] = string(r.Value)
			}
		}
		if err := e.restoreOne(now, wall, r); err != nil {
			return err
		}
	}
	if i.Keeps {
		e.store.Advance(e.store.Owner(), 0, i.Floor)
	}
	e.op = core.Op{Kind: core.Delete, Version: i.Seq + 1, Key: restoreKey}
	if st := e.core.Write(now, &e.op); st != core.Written {
		return fmt.Errorf("engine: Disk: can't go on after version %d", i.Seq)
	}
	return nil
}

// restoreOne puts one write into the store. What has ended meanwhile is left out, or ends
// at once where others have it. A clock that went back ends it too: doubt shortens.
func (e *Engine) restoreOne(now sched.Instant, wall int64, r *disk.Record) error {
	x := &e.entry
	*x = codec.Entry{Version: r.Version, Key: r.Key, Value: r.Value}
	switch r.Op {
	case disk.OpDelete:
		x.Flags, x.Value = codec.EntryTombstone, nil
	case disk.OpContent:
		x.Flags, x.Kind = codec.EntryKinded, codec.KindContent
		e.restoreContent(now, r)
	case disk.OpLease:
		x.Flags, x.Kind = codec.EntryKinded, codec.KindLease
	case disk.OpLeased:
		x.Flags, x.Lease, r.TTL = codec.EntryLeased, r.TTL, 0
		e.leases.ended.Store(true) // it may be that the lease is not here
		e.uses.begin(useLeases)
	}
	if r.TTL != 0 {
		age := (wall - r.Wall) / int64(time.Millisecond)
		if age < 0 || age > int64(r.TTL) {
			age = int64(r.TTL)
		}
		if age == int64(r.TTL) && !e.kept.image.Keeps {
			return nil
		}
		x.Flags, x.TTL, x.Age = x.Flags|codec.EntryTTL, r.TTL, uint32(age)
		if r.Op == disk.OpLease {
			e.restoreLease(now, r.Key, r.TTL, uint32(age))
		}
		defer e.endsAt(now, r.TTL-uint32(age), r.Version)
	}
	if r.Batch > 1 {
		x.Flags, x.Rest = x.Flags|codec.EntryMore, r.Batch-1
	}
	if e.cfg.Tune.Order.Precise() {
		x.Flags, x.Stamp = x.Flags|codec.EntryStamp, r.Wall
	}
	if st := e.store.Apply(e.store.Owner(), x); st != state.OK {
		return bad("Limits", "", fmt.Sprintf("leave no room for what %s holds: %d keys (%v)", e.cfg.Disk.Path, len(e.kept.image.Records), st),
			"raise Keys, ValueBytes and what bounds one member to what they were")
	}
	return nil
}

// restoreContent has a large value at hand again. One that can't be read is asked of others.
func (e *Engine) restoreContent(now sched.Instant, r *disk.Record) {
	var c codec.Content
	if e.large.streams == nil || codec.ParseContent(r.Value, &c) != nil {
		return
	}
	b, err := e.kept.log.Value(&c.Sum)
	if err != nil {
		e.kept.image.Notes = append(e.kept.image.Notes, fmt.Sprintf("key %q: %v: it is asked of other members", r.Key, err))
		return
	}
	e.large.mu.Lock()
	sum := content.Sum(c.Sum)
	e.large.table.Add(&sum, b, 0, now)
	e.large.mu.Unlock()
}

// beginDisk has the disk follow from here on.
func (e *Engine) beginDisk(declared []byte) error {
	k := &e.kept
	if k.log == nil {
		return nil
	}
	last := e.newest()
	k.handed = last
	if err := k.log.Begin(e.core.Parts().Self.Gen, last, declared, (*diskSource)(e)); err != nil {
		return diskConfigError(err)
	}
	return e.beginSecrets()
}

// logDisk tells what was found.
func (e *Engine) logDisk() {
	k := &e.kept
	if k.log == nil {
		return
	}
	for _, line := range k.image.Notes {
		e.herald.warnRare("disk: "+line, "member", e.cfg.Name, "path", e.cfg.Disk.Path)
	}
	e.logSecrets()
	e.herald.info("disk", "member", e.cfg.Name, "path", e.cfg.Disk.Path, "sync", e.cfg.Disk.Sync, "keys", e.store.Keys(e.store.Owner()), "generation_kept", k.image.Keeps, "members", len(k.image.Members))
	for _, m := range k.image.Members {
		if !e.isSelf(m.Addr) {
			e.seeker.known = append(e.seeker.known, m.Addr)
		}
	}
	k.image = nil
}
