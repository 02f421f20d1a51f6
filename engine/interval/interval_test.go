package interval

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	frameBytes = 1400 - 90 // what header, acknowledgement and checksum leave
	trip       = sched.Millisecond
)

// pair is a sleeper, node 0, and somebody who is whole, node 1. What one sends, the other has half
// a trip later.
type pair struct {
	t      *testing.T
	now    sched.Instant
	nodes  [2]*node
	bytes  int
	frames int
	at     reconcile.Page
	lose   func() bool
}

type node struct {
	store  state.Store
	mender Mender
	o      state.Origin
	board  due.Board
	wheel  sched.Wheel
	rtt    sched.RTT
	source uint32 // whom it asks: 1
	author uint32 // who wrote it; 0: the same
	gone   bool   // the owner
	keys   int    // mended
	fill   reconcile.Filler
	count  reconcile.Counters
	run    codec.Run
	it     codec.RunIter
	inbox  [][]byte
	frame  reconcile.Frame
}

// The host.

func (n *node) Source(state.Origin, uint32) uint32 { return n.source }
func (n *node) RTT(uint32) *sched.RTT              { return &n.rtt }
func (n *node) Mended(_ state.Origin, keys int)    { n.keys += keys }

// newPair makes a log of so many keys at both nodes.
func newPair(t *testing.T, keys int) *pair {
	w := &pair{t: t, now: sched.Second}
	for i := range w.nodes {
		n := &node{}
		n.store.Init(state.Limits{Origins: 4, Keys: keys + 1000, Tombstones: keys + 64, ValueBytes: 256 * (keys + 1000)}, 1)
		n.o, _ = n.store.Add(1, 1, []byte("owner"))
		n.fill.Init(&n.store, nil, 1)
		own := state.Origin(0)
		if i == 1 {
			own = n.o
		}
		n.rtt.Sample(trip)
		n.board.Init(8)
		n.wheel.Init(1, w.now)
		n.mender.Init(w.now, &Parts{Host: n, Store: &n.store, Own: own, Filler: &n.fill, Board: &n.board, Due: 1, Timer: n.wheel.Timer(0), Shared: &n.count})
		w.nodes[i] = n
		for k := range keys {
			n.set(uint64(k+1), k)
		}
		n.store.Advance(n.o, uint64(keys), 0)
	}
	return w
}

func key(k int) []byte { return fmt.Append(nil, "key-", k) }

func (n *node) set(v uint64, k int) {
	if st := n.store.Apply(n.o, &codec.Entry{Version: v, Key: key(k), Value: []byte("value")}); st != state.OK {
		panic(st)
	}
}

// forget deletes keys at the owner while the other one sleeps, and collects the tombstones. The
// sleeper learns of the floor by a run, as from mail.
func (w *pair) forget(gone []int) {
	n, v := w.nodes[1], w.nodes[1].store.Max(w.nodes[1].o)
	for _, k := range gone {
		v++
		n.store.Apply(n.o, &codec.Entry{Version: v, Key: key(k), Flags: codec.EntryTombstone})
	}
	n.store.Advance(n.o, v, 0)
	n.store.Collect(n.o, v)
	for n.store.Clear(1 << 20) {
	}
	sleeper := w.nodes[0]
	var rw codec.RunWriter
	rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: sleeper.store.Max(sleeper.o), Floor: v, Max: v})
	sleeper.take(w, rw.End(v))
	if len(gone) > 0 && !sleeper.store.Dirty(sleeper.o) {
		w.t.Fatal("the sleeper is clean")
	}
}

// take handles a frame's records.
func (n *node) take(w *pair, b []byte) {
	f := &n.frame
	f.Now, f.Peer = w.now, 1
	if n == w.nodes[1] {
		f.Peer = 2
	}
	for len(b) > 0 {
		ty, body, rest := codec.NextRecord(b)
		switch ty {
		case codec.TypeRun:
			if codec.ParseRun(body, &n.run) != nil {
				w.t.Fatal("a bad run")
			}
			if a := n.store.ApplyRun(n.o, &n.run, &n.it); a.Status != state.OK && a.Status != state.Gap {
				w.t.Fatalf("%+v", a)
			}
		default:
			if v := n.mender.Receive(f, ty, body); v != reconcile.Taken {
				w.t.Fatalf("verdict %d of %x", v, body)
			}
		}
		b = rest
	}
}

// round lets everybody send what is due, and half a trip later receive it.
func (w *pair) round() {
	for i, n := range w.nodes {
		if _, ok := n.wheel.Expire(w.now); ok {
			n.mender.Step(w.now)
		}
		for p := n.board.Next(); p != 0; p = n.board.Next() {
			out, done := n.mender.Append(make([]byte, 0, 1500), &reconcile.Page{Now: w.now, Limit: frameBytes, Peer: p})
			if done {
				n.board.End()
			}
			if len(out) > frameBytes {
				w.t.Fatalf("a frame of %d bytes", len(out))
			}
			if len(out) > 0 {
				w.bytes += len(out) + 90
				w.frames++
				if w.lose == nil || !w.lose() {
					w.nodes[1-i].inbox = append(w.nodes[1-i].inbox, out)
				}
			}
		}
	}
	w.now += trip / 2
	for _, n := range w.nodes {
		in := n.inbox
		n.inbox = nil
		for _, b := range in {
			n.take(w, b)
		}
	}
}

// mend runs until the sleeper is clean, and gives the time that it took.
func (w *pair) mend(limit sched.Instant) sched.Instant {
	w.t.Helper()
	n, start := w.nodes[0], w.now
	n.source = 1
	for next := w.now; n.store.Dirty(n.o); w.round() {
		if w.now >= next {
			n.mender.Step(w.now)
			next += 50 * trip
		}
		if w.now-start > limit {
			w.t.Fatalf("not mended: %d keys of %d, todo %v", n.store.Keys(n.o), w.nodes[1].store.Keys(w.nodes[1].o), n.mender.jobs[0].todo)
		}
	}
	return w.now - start
}

// equal fails unless both hold the same.
func (w *pair) equal(gone int) {
	w.t.Helper()
	a, b := w.nodes[0], w.nodes[1]
	if a.store.Fingerprint() != b.store.Fingerprint() || a.store.Keys(a.o) != b.store.Keys(b.o) || a.keys != gone {
		w.t.Errorf("%d and %d keys, %d of %d mended", a.store.Keys(a.o), b.store.Keys(b.o), a.keys, gone)
	}
	var c, d state.Cursor
	var e, f codec.Entry
	a.store.After(a.o, 0, &c)
	for b.store.After(b.o, 0, &d); d.Next(&f); {
		if !c.Next(&e) || e.Version != f.Version || string(e.Key) != string(f.Key) {
			w.t.Fatalf("version %d, not %d", e.Version, f.Version)
		}
	}
}

// TestMendingCostsWhatWasDeleted: of 100,000 keys 1 % were deleted at random and collected. They
// are found in four round trips at most, for 100 bytes a deleted key at most; where less was
// deleted it costs less.
func TestMendingCostsWhatWasDeleted(t *testing.T) {
	const keys = 100_000
	f := func(seed uint64, deleted, bytes int, trips sched.Instant) {
		w := newPair(t, keys)
		gone := rand.New(rand.NewPCG(seed, 0)).Perm(keys)[:deleted]
		w.forget(gone)
		took := w.mend(1000 * trip)
		w.equal(deleted)
		t.Logf("seed %d: %d deleted: %d bytes in %d frames, %.1f round trips", seed, deleted, w.bytes, w.frames, float64(took)/float64(trip))
		if w.bytes > bytes || took > trips*trip {
			t.Errorf("seed %d: %d deleted: %d bytes, %.1f round trips", seed, deleted, w.bytes, float64(took)/float64(trip))
		}
	}
	seed := rand.Uint64()
	f(seed, 1, 8_000, 4)
	f(seed+1, 100, 20_000, 4)
	f(seed+2, 1000, 100*1000, 4)
}

// TestMendingWhateverWasDeleted: ends of the log, all of it, runs of it, most of it; frames are
// lost, and the owner writes meanwhile. No key that lives is missing for a moment.
func TestMendingWhateverWasDeleted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, keys := range []int{1, 2, 3, 100, 700, 3000} {
		for range 6 {
			w := newPair(t, keys)
			loss := rng.IntN(3)
			w.lose = func() bool { return rng.IntN(10) < loss }
			dead, share := map[int]bool{}, 1+rng.IntN(100)
			for k, in := 0, false; k < keys; k++ {
				if rng.IntN(1+rng.IntN(100)) == 0 {
					in = rng.IntN(100) < share
				}
				if in {
					dead[k] = true
				}
			}
			switch rng.IntN(8) {
			case 0:
				for k := range keys {
					dead[k] = true
				}
			case 1:
				dead = map[int]bool{rng.IntN(keys): true}
			}
			gone := make([]int, 0, len(dead))
			for k := range keys {
				if dead[k] {
					gone = append(gone, k)
				}
			}
			if len(gone) == 0 {
				continue
			}
			rng.Shuffle(len(gone), func(i, j int) { gone[i], gone[j] = gone[j], gone[i] })
			w.forget(gone)
			w.busyMend(rng, keys, dead)
			if t.Failed() {
				t.Fatalf("%d keys, %d deleted", keys, len(gone))
			}
		}
	}
}

// busyMend mends while the owner writes keys that live, and sends the writes as mail.
func (w *pair) busyMend(rng *rand.Rand, keys int, dead map[int]bool) {
	a, b := w.nodes[0], w.nodes[1]
	var rw codec.RunWriter
	a.source = 1
	for end, next := w.now+20_000*trip, w.now; a.store.Dirty(a.o); w.round() {
		if w.now >= next { // what mail did not bring comes by exchanges
			if out, _, _ := b.fill.Run(nil, frameBytes, b.o, a.store.Max(a.o)); out != nil {
				a.take(w, out)
			}
			a.mender.Step(w.now)
			next += 50 * trip
		}
		if w.now > end {
			w.t.Fatalf("not mended: todo %+v", a.mender.jobs[0].todo)
		}
		if k := rng.IntN(keys); !dead[k] && rng.IntN(4) == 0 {
			v := b.store.Max(b.o) + 1
			b.set(v, k)
			b.store.Advance(b.o, v, 0)
			if rng.IntN(2) == 0 { // else the mail is late
				rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: v - 1, Floor: b.store.Floor(b.o), Max: v})
				rw.Entry(&codec.Entry{Version: v, Key: key(k), Value: []byte("value")})
				b := rw.End(v)
				_ = codec.ParseRun(b[codec.RecordBytes:], &a.run)
				a.store.ApplyRun(a.o, &a.run, &a.it)
			}
		}
		for k := range min(keys, 50) {
			if k = k * keys / min(keys, 50); !dead[k] && !a.store.Lives(a.o, key(k)) {
				w.t.Fatalf("key %d is missing", k)
			}
		}
	}
	for k := range keys {
		if live := a.store.Lives(a.o, key(k)); live == dead[k] {
			w.t.Errorf("key %d lives: %v", k, live)
		}
	}
}

// TestOnlyWhoWasAskedIsBelieved: answers of others, of before a newer floor, and of who is ahead
// change nothing.
func TestOnlyWhoWasAskedIsBelieved(t *testing.T) {
	w := newPair(t, 100)
	w.forget([]int{5})
	n := w.nodes[0]
	n.source = 1
	answer := func(peer uint32, max uint64) {
		var iw codec.IntervalWriter
		iw.Begin(nil, 1400, codec.TypeIntervals, 1, max)
		iw.Add(&codec.Interval{From: 0, To: 100})
		n.mender.Receive(&reconcile.Frame{Now: w.now, Peer: peer}, codec.TypeIntervals, iw.End()[codec.RecordBytes:])
	}
	answer(1, 101) // not asked yet
	n.mender.Step(w.now)
	answer(2, 101)
	answer(1, 102)
	n.store.Advance(n.o, 101, 200) // it slept again
	answer(1, 101)
	if n.keys != 0 || n.store.Keys(n.o) != 100 || !n.store.Dirty(n.o) {
		t.Errorf("%d keys are left, dirty %v", n.store.Keys(n.o), n.store.Dirty(n.o))
	}
}

// TestWhoIsNotWholeDoesNotAnswer: neither a dirty replica, nor one that is below the floor.
func TestWhoIsNotWholeDoesNotAnswer(t *testing.T) {
	w := newPair(t, 100)
	w.forget([]int{5, 6, 7})
	a, b := w.nodes[0], w.nodes[1]
	ask := func(n *node) int {
		var iw codec.IntervalWriter
		iw.Begin(nil, 1400, codec.TypeIntervalPull, 1, 103)
		iw.Ask(&codec.IntervalPull{From: 0, To: 100, Step: 10})
		n.mender.Receive(&reconcile.Frame{Now: w.now, Peer: 3}, codec.TypeIntervalPull, iw.End()[codec.RecordBytes:])
		out, _ := n.mender.Append(nil, &reconcile.Page{Now: w.now, Limit: frameBytes, Peer: 3})
		return len(out)
	}
	if n := ask(a); n != 0 {
		t.Error("the dirty one answers")
	}
	if n := ask(b); n == 0 {
		t.Error("the whole one does not answer")
	}
	var rw codec.RunWriter
	rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: 103, Floor: 103, Max: 110})
	b.take(w, rw.End(104)) // as if it were not the owner
	b.store.Advance(b.o, 104, 105)
	if n := ask(b); n != 0 {
		t.Error("who is below the floor answers")
	}
}

// TestWhoHoldsLessThanTheFloorMendsNobody: somebody who holds a part of a log, and knows of none of the deletes
// beyond it, is whole as far as it goes. Whoever is to be rid of what was deleted up to a floor is not compared with
// it: neither while it is below the floor itself, nor then.
func TestWhoHoldsLessThanTheFloorMendsNobody(t *testing.T) {
	for _, early := range []bool{true, false} { // asked while the sleeper is below the floor
		w := newPair(t, 40)
		a, b := w.nodes[0], w.nodes[1]
		b.mender.Own, a.source = 0, 1
		b.store.Advance(b.o, 40, 40)
		var rw codec.RunWriter
		rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: 40, Floor: 63, Max: 70})
		a.take(w, rw.End(45)) // key 5 was deleted at 63
		if !a.store.Dirty(a.o) {
			t.Fatal("the sleeper is clean")
		}
		if early {
			for range 5 {
				a.mender.Step(w.now)
				w.round()
			}
		}
		rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: 45, Floor: 63, Max: 70})
		a.take(w, rw.End(70))
		for range 20 {
			a.mender.Step(w.now)
			w.round()
		}
		if j := &a.mender.jobs[0]; !a.store.Dirty(a.o) || len(j.todo) != 1 || j.todo[0].from != 0 || j.todo[0].to != 63 {
			t.Errorf("early %v: of 0 to 63 there is left %+v, compared with who holds up to %d", early, j.todo, b.store.Max(b.o))
		}
	}
}

// TestMendingDoesNotAllocate, once its lists are there.
func TestMendingDoesNotAllocate(t *testing.T) {
	w := newPair(t, 20_000)
	w.forget([]int{1, 2, 3, 4000})
	a, b := w.nodes[0], w.nodes[1]
	a.source = 1
	var buf [2][1500]byte
	one := func() {
		a.mender.Step(w.now)
		for range 5 {
			for i, n := range w.nodes {
				for p := n.board.Next(); p != 0; p = n.board.Next() {
					out, done := n.mender.Append(buf[i][:0], &reconcile.Page{Now: w.now, Limit: frameBytes, Peer: p})
					if done {
						n.board.End()
					}
					w.nodes[1-i].take(w, out)
				}
			}
		}
		w.now += 100 * sched.Millisecond
	}
	v := b.store.Max(b.o)
	n := testing.AllocsPerRun(100, func() {
		one()
		v += 10 // it slept again
		b.store.Advance(b.o, v, v)
		a.store.Advance(a.o, v-1, v)
		a.store.Advance(a.o, v, v)
	})
	if n != 0 || a.keys != 4 {
		t.Errorf("%v allocations, %d keys mended", n, a.keys)
	}
}
