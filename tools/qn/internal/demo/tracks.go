package demo

import (
	"slices"
	"sync/atomic"
)

// tracksMax is how many writes are followed at a time.
const tracksMax = 256

// tracks are the last writes: when each member had them. The loops report without a lock.
type tracks struct {
	n    int
	next atomic.Uint64
	list [tracksMax]track
}

// track is one write. A slot is used again only after tracksMax further writes.
type track struct {
	turn  atomic.Uint64 // number of the write; it changes first
	owner atomic.Int64
	key   atomic.Int64 // number of the key that was written
	seq   atomic.Uint64
	began atomic.Int64
	seen  []atomic.Int64 // by observer: when, 0 not yet
}

func (t *tracks) init(n int) {
	t.n = n
	for i := range t.list {
		t.list[i].seen = make([]atomic.Int64, n)
		t.list[i].owner.Store(-1)
	}
}

// follow begins to follow a write of a key. The caller calls it for one write at a time.
func (t *tracks) follow(owner, key int, seq uint64, at int64) {
	turn := t.next.Add(1)
	x := &t.list[turn%tracksMax]
	x.owner.Store(-1)
	for i := range x.seen {
		x.seen[i].Store(0)
	}
	x.turn.Store(turn)
	x.key.Store(int64(key))
	x.seq.Store(seq)
	x.began.Store(at)
	x.seen[owner].Store(at)
	x.owner.Store(int64(owner))
}

// saw notes that an observer has all writes of an owner up to a version. It runs on a loop.
func (t *tracks) saw(observer, owner int, to uint64) {
	now := int64(0)
	for i := range t.list {
		x := &t.list[i]
		if x.owner.Load() == int64(owner) && x.seq.Load() <= to && x.seen[observer].Load() == 0 {
			if now == 0 {
				now = clock()
			}
			x.seen[observer].CompareAndSwap(0, now)
		}
	}
}

// Spread is how one write spread.
type Spread struct {
	Turn  uint64  `json:"n"`
	Owner int     `json:"owner"`
	At    float64 `json:"t"`    // seconds since the start
	Have  int     `json:"have"` // members that have it, its owner not counted
	Of    int     `json:"of"`   // members that ran when it was read
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	All   float64 `json:"all_us"` // 0 while somebody lacks it
	Micro []int32 `json:"micro"`  // by member: microseconds, -1 not yet
	Via   []int32 `json:"via"`    // by member: who brought it, -1 not known

	key int
	seq uint64
}

// after are the writes after a number, as far as they are followed, oldest first. living says who
// counts.
func (t *tracks) after(turn uint64, living []int) (list []Spread) {
	newest := t.next.Load()
	for n := max(turn+1, newest-min(newest, tracksMax-1)+1); n <= newest; n++ {
		if s, ok := t.spread(n, living); ok {
			list = append(list, s)
		}
	}
	return list
}

func (t *tracks) spread(turn uint64, living []int) (s Spread, ok bool) {
	x := &t.list[turn%tracksMax]
	owner := int(x.owner.Load())
	if x.turn.Load() != turn || owner < 0 {
		return s, false
	}
	began := x.began.Load()
	s = Spread{Turn: turn, Owner: owner, At: float64(began) / 1e9, Micro: make([]int32, t.n), key: int(x.key.Load()), seq: x.seq.Load()}
	var took []int64
	for i := range x.seen {
		s.Micro[i] = -1
		if at := x.seen[i].Load(); at != 0 {
			s.Micro[i] = int32(min((at-began)/1e3, 1<<30))
		}
	}
	for _, i := range living {
		if i == owner {
			continue
		}
		if s.Of++; s.Micro[i] >= 0 {
			took = append(took, int64(s.Micro[i]))
		}
	}
	slices.Sort(took)
	if s.Have = len(took); s.Have > 0 {
		s.P50, s.P99 = float64(took[(s.Have-1)/2]), float64(took[(s.Have-1)*99/100])
		if s.Have == s.Of {
			s.All = float64(took[s.Have-1])
		}
	}
	return s, true
}
