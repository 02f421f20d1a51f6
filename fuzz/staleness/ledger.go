package staleness

import (
	"fmt"
	"math"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
)

// KeysMax is the most keys that names of two digits tell apart.
const KeysMax = 100

// value is what every update writes: what an update says does not matter.
const value = "12345678"

// WriteBytes are the bytes of an update's key and value.
const (
	WriteKeyBytes   = len("k00")
	WriteValueBytes = len(value)
)

// Ledger is what all nodes of a world wrote, and when.
type Ledger struct {
	w       *sim.World
	zero    sched.Instant // when the experiment began
	names   []string      // of keys
	authors []author
	whole   []uint64 // by replica and author: up to this version the replica lacks nothing
	have    []uint64 // scratch: versions of one author's keys at one replica
}

// author is what one node wrote.
type author struct {
	id     codec.OriginID
	log    []update        // version v is log[v-1]
	newest []sched.Instant // by key: when it was last updated
}

type update struct {
	key int
	at  sched.Instant
}

// Open lets everybody join the first node, waits until all know all, and begins a ledger
// in which each may write so many keys.
func Open(w *sim.World, keys int, within sched.Instant) (*Ledger, error) {
	if keys < 1 || keys > KeysMax {
		return nil, fmt.Errorf("%d keys of each participant; fix: 1 to %d", keys, KeysMax)
	}
	for i := range w.Nodes[1:] {
		w.Join(i+1, 0)
	}
	for start := w.Now(); !met(w); w.Run(sched.Second) {
		if w.Now()-start >= within {
			return nil, fmt.Errorf("%d participants did not all meet within %d s", len(w.Nodes), within/sched.Second)
		}
	}
	l := &Ledger{w: w, zero: w.Now(), authors: make([]author, len(w.Nodes)), have: make([]uint64, keys)}
	for k := range keys {
		l.names = append(l.names, fmt.Sprintf("k%02d", k))
	}
	for i, n := range w.Nodes {
		l.authors[i] = author{id: n.Core.Parts().Self.ID, newest: make([]sched.Instant, keys)}
	}
	l.whole = make([]uint64, len(w.Nodes)*len(w.Nodes))
	return l, nil
}

// met reports whether every node counts all others as members.
func met(w *sim.World) bool {
	for _, n := range w.Nodes {
		if n.Core.Agreement(0).Members != len(w.Nodes)-1 {
			return false
		}
	}
	return true
}

// Now is the time since the ledger was opened.
func (l *Ledger) Now() sched.Instant { return l.w.Now() - l.zero }

// Write lets node i update a key of its own.
func (l *Ledger) Write(i, key int) {
	a := &l.authors[i]
	a.log, a.newest[key] = append(a.log, update{key, l.Now()}), l.Now()
	l.w.Set(i, l.names[key], value)
}

// Lack is what replicas lack at a time.
type Lack struct {
	Staleness sched.Instant // the largest
	Age       sched.Instant // of the author's newest update, the largest among stale mappings
	Mappings  int           // that are stale, at all replicas together
}

// Lack holds every replica against what the authors wrote.
func (l *Ledger) Lack() (out Lack) {
	for r, n := range l.w.Nodes {
		for i := range l.authors {
			a, whole := &l.authors[i], &l.whole[r*len(l.authors)+i]
			if *whole < uint64(len(a.log)) {
				l.read(n.Core.Parts().Store, a.id, *whole)
				*whole = a.lacking(l.Now(), *whole, l.have, &out)
			}
		}
	}
	return out
}

// read notes which versions above one a replica holds of an author's keys.
func (l *Ledger) read(st *state.Store, id codec.OriginID, above uint64) {
	var cur state.Cursor
	var e codec.Entry
	clear(l.have)
	for st.After(st.Find(id), above, &cur); cur.Next(&e); {
		l.have[int(e.Key[1]-'0')*10+int(e.Key[2]-'0')] = e.Version
	}
}

// lacking adds what a replica lacks that lacks nothing up to whole and holds these versions of
// keys above it, and gives up to where it lacks nothing now. It changes have.
func (a *author) lacking(now sched.Instant, whole uint64, have []uint64, out *Lack) uint64 {
	lacks := false
	for v := whole + 1; v <= uint64(len(a.log)); v++ {
		u := a.log[v-1]
		if have[u.key] >= v {
			continue
		}
		if !lacks { // the oldest of all that are lacking
			lacks, whole = true, v-1
			out.Staleness = max(out.Staleness, now-u.at)
		}
		out.Mappings++
		out.Age = max(out.Age, now-a.newest[u.key])
		have[u.key] = math.MaxUint64 // counted
	}
	if !lacks {
		return uint64(len(a.log))
	}
	return whole
}
