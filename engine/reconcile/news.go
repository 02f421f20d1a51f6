package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// news is what the filler knows of runs of the own log with references in them.
type news struct {
	base uint64 // while one is written: what was replaced up to here may be referred to; 0: keys
	next uint
	cuts [cutsMost]cut

	askers []asker // by peer
}

// asker is how often a peer asked for the own log since a time, and until when it is sent keys.
type asker struct {
	since, until sched.Instant
	asked        uint8
}

// cut is where a run of news ended for want of room. Who has got so far lacks what was written
// again meanwhile, so what follows refers only to what stands before the first of these runs.
type cut struct {
	origin   codec.OriginID
	at, base uint64
}

// cutsMost is how many of them are known: peers stand at few different versions. Of one that is
// forgotten, references may lead nowhere, and keys are asked for.
const cutsMost = 8

// formerMost is how many writes of a key since what a peer holds are looked back through.
const formerMost = 8

// News is Run of the store's own origin for a peer that holds it up to from as it was lately:
// entries that replaced something up to there are written with references in the place of their
// keys. If that is not so, the peer asks for keys. One that knows no references is sent keys.
func (f *Filler) News(dst []byte, limit int, from uint64, knows codec.Kind) (out []byte, to uint64, entries int) {
	o := f.Store.Owner()
	if from == 0 || knows < codec.KindByRef {
		return f.Run(dst, limit, o, from)
	}
	x, id := &f.news, f.Store.ID(o)
	x.base = from
	for i := range x.cuts {
		if c := &x.cuts[i]; c.origin == id && c.at == from {
			x.base = min(x.base, c.base)
		}
	}
	out, to, entries = f.Run(dst, limit, o, from)
	if out != nil && to < f.Store.Max(o) {
		x.cuts[x.next%cutsMost] = cut{id, to, x.base}
		x.next++
	}
	x.base = 0
	return out, to, entries
}

// A peer that asks for the own log so often is sent keys for a time: others may bring it what it
// holds, so that references lead it nowhere until it has held that against the author's word.
const (
	askedMost = 16
	askedIn   = sched.Second
	keysFor   = 2 * sched.Second
)

// Asked notes that a peer asked for the own log.
func (f *Filler) Asked(now sched.Instant, p uint32) {
	x := &f.news
	for int(p) >= len(x.askers) {
		x.askers = append(x.askers, asker{})
	}
	a := &x.askers[p]
	if now-a.since > askedIn {
		a.since, a.asked = now, 0
	}
	if a.asked++; a.asked == askedMost {
		a.since, a.asked, a.until = now, 0, now+keysFor
	}
}

// Refers reports whether references may be sent to a peer.
func (f *Filler) Refers(now sched.Instant, p uint32) bool {
	return int(p) >= len(f.news.askers) || now >= f.news.askers[p].until
}

// refer puts a reference in the place of a key that the reader of the run can look up by it.
func (f *Filler) refer(e *codec.Entry, begins bool) {
	base := f.news.base
	if base == 0 || !begins || e.Rest > 0 || e.Kind == codec.KindLease {
		return
	}
	at := e.Version
	for range formerMost {
		below := f.Store.Former(at)
		if below == 0 {
			return
		}
		if at -= uint64(below); at <= base {
			break
		}
	}
	if below := e.Version - at; at <= base && below>>32 == 0 && codec.RefBytes(uint32(below)) <= len(e.Key) {
		e.Key, e.Ref, e.Flags = nil, uint32(below), e.Flags|codec.EntryByRef
	}
}
