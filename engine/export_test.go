package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/sched"
)

// Endings is how many ends of entries are kept.
func (e *Engine) Endings() (n int) {
	e.ask(func(sched.Instant) { n = len(e.expiry.list) })
	return n
}

// SeedCount is how many addresses are contacted.
func (e *Engine) SeedCount() (n int) {
	e.ask(func(sched.Instant) { n = e.core.Parts().Door.Seeds.Len() })
	return n
}

// EndAll ends what has ended d from now, piece by piece as turns do. It gives how long the pieces took, and all.
func (e *Engine) EndAll(d time.Duration) (pieces []time.Duration, all time.Duration) {
	e.ask(func(now sched.Instant) {
		now = now.After(sched.Instant(d))
		for began := time.Now(); e.expiry.next() <= now || e.stage.pending.Load() > 0; all = time.Since(began) {
			piece := time.Now()
			e.stage.grant(e.room(now))
			e.expire(now)
			e.drain(now)
			pieces = append(pieces, time.Since(piece))
		}
	})
	return pieces, all
}

// SetFS has a disk use other files.
func (d *Disk) SetFS(f disk.FS) { d.fs = f }

// Harm flips a bit of what this replica holds of a member, as memory may.
func (e *Engine) Harm(member, key string) {
	e.ask(func(sched.Instant) {
		if e.store.Get(e.store.FindName([]byte(member)), []byte(key), &e.entry) {
			e.entry.Value[0] ^= 1
		}
	})
}

// Silence lets the core refuse writes that were accepted, as while a live rival has the name.
func (e *Engine) Silence(on bool) { e.ask(func(sched.Instant) { e.core.Parts().Self.Silenced = on }) }
