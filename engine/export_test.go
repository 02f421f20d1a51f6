package engine

import (
	"fmt"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/sched"
)

// Endings is how many ends of entries are kept.
func (e *Engine) Endings() (n int) {
	e.ask(func(sched.Instant) { n = e.expiry.list.Len() })
	return n
}

// Tombstones is how many deleted keys of its own a member remembers.
func (e *Engine) Tombstones() (n int) {
	e.ask(func(sched.Instant) { n = e.store.Tombstones(e.store.Owner()) })
	return n
}

// SeedCount is how many addresses are contacted.
func (e *Engine) SeedCount() (n int) {
	e.ask(func(sched.Instant) { n = e.core.Parts().Door.Seeds.Len() })
	return n
}

// EndAll ends what has ended d from now, piece by piece as turns do. It gives how long the pieces
// took, and all.
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

// Lie makes this member take from another one what that one says of a third: a value under
// the version that the third one writes next, and under those after it.
func (e *Engine) Lie(from, about, key, value string, versions int) {
	e.ask(func(now sched.Instant) {
		o := e.store.FindName([]byte(about))
		var run codec.RunWriter
		to := e.store.Max(o)
		run.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: e.store.ID(o), From: to, Max: to + uint64(versions)})
		run.Entry(&codec.Entry{Version: to + 1, Key: []byte(key), Value: []byte(value)})
		_, body, _ := codec.NextRecord(run.End(to + uint64(versions)))
		e.core.Take(now, 0, e.store.FindName([]byte(from)), codec.TypeRun, body)
	})
}

// Older makes a member of an older version: it knows the kinds of entries up to one.
func (c *Config) Older(kinds codec.Kind) { c.kinds = kinds }

// LargeLeft tells what is left of looking for contents, and of what was lent; "": nothing.
func (e *Engine) LargeLeft() (left string) {
	e.ask(func(sched.Instant) {
		l := &e.large
		asked, sending := 0, 0
		for _, k := range l.links.byID {
			asked += len(k.asks) + len(k.late)
			sending += len(k.sending)
		}
		if n := len(l.wants.all) + l.wants.ready.len() + l.links.lobby.waiting.len() + l.links.store.waiting.len() + asked + sending + len(l.complete.missing); n > 0 {
			left = fmt.Sprintf("%d wants, %d asked, %d sending, %d origins incomplete", len(l.wants.all), asked, sending, len(l.complete.missing))
		}
	})
	return left
}

// SetReference writes a reference to a content that need not be anywhere.
func (e *Engine) SetReference(key string, length int, sum [codec.SumBytes]byte) error {
	_, wake, err := e.stage.write(opContent, 0, key, codec.AppendContent(nil, &codec.Content{Length: uint32(length), Sum: sum}))
	_, err = e.staged(Version{}, wake, err)
	return err
}

// GetLate is Get of an own key by a reader that stands still between its look at the entry and
// its look for what the entry refers to.
func (e *Engine) GetLate(key string, meanwhile func()) (value []byte, meta Meta, ok bool) {
	e.askApplied(func(sched.Instant) {})
	out, m, ok := e.store.AppendGet(nil, []byte(e.cfg.Name), []byte(key))
	meanwhile()
	e.askApplied(func(sched.Instant) {})
	return e.current(out, 0, m, ok, e.cfg.Name, key)
}

// Lacks is how many contents are noted as missing, for acknowledgements.
func (e *Engine) Lacks() (n int) {
	e.ask(func(sched.Instant) {
		for _, q := range e.large.complete.missing {
			n += len(q.Heap)
		}
	})
	return n
}

// CatchServed is how many answers with runs are made at a time.
const CatchServed = catchServed

// BusyAnswers is how often a member that asked for runs was told to ask again later.
func (e *Engine) BusyAnswers() (n uint64) {
	e.ask(func(sched.Instant) { n = e.large.busy })
	return n
}

// CatchJobsMost is the most answers with runs that were made at a time.
func (e *Engine) CatchJobsMost() (n int) {
	e.ask(func(sched.Instant) { n = e.large.most })
	return n
}

// Blame names members as those who brought what was not its owner's.
func Blame(members ...string) []Liar {
	e := new(Engine)
	for _, m := range members {
		e.blamed.add(m)
	}
	return e.liars()
}
