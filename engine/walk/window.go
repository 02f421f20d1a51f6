package walk

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
)

// repair sends what the successor lacks of a window. It returns the end of what it is
// level in, 0 when it is to be asked again.
func (r *Repair) repair(f *reconcile.Frame, h *hop, d *codec.Digest) codec.OriginID {
	r.shared.DigestsReceived++
	if r.vectors.Agrees(f) {
		return reconcile.LastID
	}
	underway := r.vectors.Answering(f.Peer)
	j := r.vectors.Open(f, codec.DigestWantRuns)
	if j.Runs == nil {
		return 0
	}
	l := r.compare(f.Peer, h, d, j.Runs)
	r.vectors.Close(f, &j)
	if l.origins > 0 && (h.least == 0 || l.rest < h.least) {
		h.gained, h.least = f.Now, l.rest
	}
	h.counted = max(h.counted, d.Hi+1)
	if d.Hi == reconcile.LastID {
		h.counted = d.Hi
	}
	if l.lacking == 0 || !underway && h.stalled(l.hash) || l.moving && h.rounds > roundsMax {
		return d.Hi
	}
	return 0
}

// found is what comparing a window of the successor gave.
type found struct {
	origins int    // of ours that it covers
	lacking int    // of them of which it lacks something
	moving  bool   // all of those moved during this hop
	rest    uint64 // entries that it lacks of the others, plus 1
	hash    uint64 // of the window
}

// compare lists what a window of p lacks.
func (r *Repair) compare(p uint32, h *hop, d *codec.Digest, runs *reconcile.Job) found {
	l := found{moving: true, rest: 1}
	it, e := d.Entries(), codec.DigestEntry{}
	more := it.Next(&e)
	for o := r.store.FirstAtOrAfter(d.Lo); o != 0 && r.store.ID(o) <= d.Hi; o = r.store.Following(o) {
		id := r.store.ID(o)
		l.origins++
		for more && e.ID < id {
			more = it.Next(&e)
		}
		theirs, listed := Copy{}, more && e.ID == id
		if listed {
			theirs = Copy{Max: e.Max, Floor: e.Floor}
			l.hash = (l.hash ^ uint64(id) ^ e.Max<<1 ^ e.Floor) * 0x9e3779b97f4a7c15
		}
		from, lacks := r.from(o, theirs, listed)
		if !lacks || r.host.Author(o) == p {
			continue
		}
		w := reconcile.Want{ID: id, Origin: o, From: from, Missing: uint32(r.store.Missing(o, from))}
		l.lacking++
		if r.host.MovedAt(o) <= h.started {
			l.moving = false
			l.rest += uint64(w.Missing)
		}
		if id >= h.counted {
			h.count(theirs.Max == 0, w.Missing)
		}
		runs.Add(w)
	}
	return l
}

// from says whether a copy of an origin lacks something, and from which version on it
// is repaired.
func (r *Repair) from(o state.Origin, theirs Copy, listed bool) (from uint64, lacks bool) {
	mine := Copy{Max: r.store.Max(o), Floor: r.store.Floor(o)}
	is, from := Compare(mine, theirs)
	switch {
	case !listed:
		return 0, true
	case is == Level || is == Ahead:
		return 0, false
	}
	return from, true
}

func (h *hop) count(absent bool, entries uint32) {
	h.entries += uint64(entries)
	if absent {
		h.copied++
	} else {
		h.patched++
	}
}

// stalled notes an answer that lacks something, and reports whether the same one
// came too often: the successor can't take what it lacks.
func (h *hop) stalled(answer uint64) bool {
	h.rounds++
	if answer != h.answer || h.rounds == 1 {
		h.answer, h.stalls = answer, 0
		return false
	}
	h.stalls++
	return h.stalls >= stallsMax
}
