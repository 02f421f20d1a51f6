package load

import (
	"sync/atomic"
)

// tracker follows sampled writes to the replicas. A write (origin, version) is visible on a node in
// the first turn in which that node's max for the origin is at least the version; the nodes other
// than the writer count.
//
// The generator appends a sample *before* it writes, under the version that the write will take:
// the origin has one writer and its versions are consecutive, and a sample appended afterwards
// could be overtaken by its own write. Each node's loop calls advanced for what moved on it. All
// memory is taken at the start, so neither side allocates.
//
// Who writes what: an origin's samples and count by the generator; a view by its node's loop; a
// sample's counter by all loops, and each of its three times by the one loop whose step reached the
// threshold.
type tracker struct {
	clock           func() int64
	half, most, all uint32 // how many other nodes make "half", "99 %" and "all"
	skip            int    // a node that does not count; -1: none
	origins         []track
	views           []view
	index           atomic.Pointer[map[uint64]int32] // origin id to node number; nil until every node runs
}

// track is the sampled history of one origin in version order.
type track struct {
	n       atomic.Uint32 // samples that loops may look at
	samples []sample
}

type sample struct {
	version  uint64
	intended int64
	void     bool // the write was refused, or took another version than foreseen
	seen     atomic.Uint32
	halfAt   int64
	mostAt   int64
	allAt    int64
}

// view is what one node has reported.
type view struct {
	seen     []atomic.Uint64 // by node number: the origin's max here
	next     []uint32        // by node number: first sample not yet counted here
	byHandle []known
	turn     int64         // the turn that the loop reports of, and when it had done its work
	at       int64         //
	calls    atomic.Uint64 // written by the loop alone
	nanos    atomic.Uint64 // estimated time spent here: one call in costEvery is measured
	_        [64]byte
}

// known caches a handle's node number, so that a call costs no map lookup.
type known struct {
	id   uint64
	node int32
}

// costEvery is how many calls share one measurement of the observer's own cost.
const costEvery = 64

func newTracker(nodes, samplesPerOrigin int, clock func() int64) *tracker {
	t := &tracker{
		clock: clock, skip: -1,
		origins: make([]track, nodes), views: make([]view, nodes),
	}
	for i := range nodes {
		t.origins[i].samples = make([]sample, samplesPerOrigin)
		t.views[i].seen = make([]atomic.Uint64, nodes)
		t.views[i].next = make([]uint32, nodes)
		t.views[i].byHandle = make([]known, nodes*2+16)
	}
	t.others(uint32(nodes - 1))
	return t
}

// others says how many nodes other than the writer count.
func (t *tracker) others(n uint32) { t.half, t.most, t.all = (n+1)/2, (n*99+99)/100, n }

// ignore leaves a node out: what it holds makes no write visible. Before the run.
func (t *tracker) ignore(node int) {
	t.skip = node
	t.others(t.all - 1)
}

// room makes the history of an origin as long as that of n. Before the run.
func (t *tracker) room(origin, n int) {
	t.origins[origin].samples = make([]sample, n*len(t.origins[origin].samples))
}

// identify says which origin id belongs to which node. Reports before this are ignored.
func (t *tracker) identify(ids []uint64) {
	index := make(map[uint64]int32, len(ids))
	for node, id := range ids {
		index[id] = int32(node)
	}
	t.index.Store(&index)
}

// expect appends a sample for the write that the generator is about to do. It reports false when
// the history is full: that write is then not sampled.
func (t *tracker) expect(node int, version uint64, intended int64) (*sample, bool) {
	o := &t.origins[node]
	n := o.n.Load()
	if int(n) == len(o.samples) {
		return nil, false
	}
	s := &o.samples[n]
	s.version, s.intended = version, intended
	o.n.Store(n + 1)
	return s, true
}

// observe is what node's loop calls for each origin that moved in a turn; turn names the turn. The
// clock is read at the first report of a turn: by then its work is done and readers see it, which
// the turn's own time, read at its start, would not tell.
func (t *tracker) observe(node int, turn int64, handle uint32, id, max uint64) {
	v := &t.views[node]
	calls := v.calls.Load() + 1
	v.calls.Store(calls)
	began := int64(0)
	if calls%costEvery == 0 {
		began = t.clock()
	}
	if turn != v.turn {
		v.turn, v.at = turn, t.clock()
	}
	t.advanced(node, handle, id, max, v.at)
	if calls%costEvery == 0 {
		v.nanos.Store(v.nanos.Load() + uint64(t.clock()-began)*costEvery)
	}
}

// cost sums what the observers took, all nodes together.
func (t *tracker) cost() (nanos uint64) {
	for i := range t.views {
		nanos += t.views[i].nanos.Load()
	}
	return nanos
}

// advanced says that node holds origin up to max since now.
func (t *tracker) advanced(node int, handle uint32, id, max uint64, now int64) {
	v := &t.views[node]
	origin := t.resolve(v, handle, id)
	if origin < 0 {
		return
	}
	if int(origin) != node && node != t.skip {
		t.count(&t.origins[origin], &v.next[origin], max, now)
	}
	v.seen[origin].Store(max) // after the samples: who reads this sees their times
}

func (t *tracker) count(o *track, next *uint32, max uint64, now int64) {
	i, n := *next, o.n.Load()
	for ; i < n && o.samples[i].version <= max; i++ {
		s := &o.samples[i]
		seen := s.seen.Add(1)
		if seen == t.half {
			s.halfAt = now
		}
		if seen == t.most {
			s.mostAt = now
		}
		if seen == t.all {
			s.allAt = now
		}
	}
	*next = i
}

func (t *tracker) resolve(v *view, handle uint32, id uint64) int32 {
	if int(handle) < len(v.byHandle) {
		if k := &v.byHandle[handle]; k.id == id {
			return k.node
		}
	}
	index := t.index.Load()
	if index == nil {
		return -1
	}
	node, ok := (*index)[id]
	if !ok {
		return -1
	}
	if int(handle) < len(v.byHandle) {
		v.byHandle[handle] = known{id: id, node: node}
	}
	return node
}

// behind counts the (node, origin) pairs whose node has not reported the origin up to last.
func (t *tracker) behind(last []uint64) (pairs int) {
	for node := range t.views {
		for origin := range last {
			if node != origin && t.views[node].seen[origin].Load() < last[origin] {
				pairs++
			}
		}
	}
	return pairs
}
