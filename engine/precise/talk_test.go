package precise

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// side is a fake host with one peer.
type side struct {
	reconciletest.Node
	x     Precise
	peer  Peer
	wheel sched.Wheel // its one timer wakes Expire
	in    reconcile.Frame
}

// Nobody is told of what came.
func (n *side) Brought(state.Origin, uint32, uint64)                {}
func (n *side) Overruled(sched.Instant, state.Origin, uint64, bool) {}

func (n *side) Peer(uint32) *Peer { return &n.peer }

// take applies the entries of a run one by one, as a core does.
func (n *side) take(_ *reconciletest.Node, t codec.Type, body []byte) {
	if t != codec.TypePreciseRun || codec.ParsePreciseRun(body, &n.in.Run) != nil {
		return
	}
	if o := n.Store.Find(n.in.Run.ID); o != 0 && o != n.Self {
		Apply(&n.Store, o, &n.in, n)
	}
}

func newSide(name string, order tune.Order) *side {
	n := new(side)
	n.Keyed = true
	n.Init(name, 7)
	n.wheel.Init(1, 0)
	n.x.Init(&Config{
		Order: order, Kind: codec.SyncPushPull, Frames: 16, Jobs: 2, Wants: 64,
		Compare: func(a, b *tune.Candidate) int { return int(a.Entry.Version) - int(b.Entry.Version) },
	}, &Parts{Parts: n.Parts(), Host: n, Timer: n.wheel.Timer(0)})
	n.Talks, n.TakeRun = &n.x, n.take
	return n
}

// pair is two nodes that hold the same of some origins, and each one that the other
// lacks.
func pair(order tune.Order) (a, b *side) {
	a, b = newSide("a", order), newSide("b", order)
	for _, n := range []*side{a, b} {
		for i := range 10 {
			n.Put(fmt.Sprint("member", i), 3)
		}
	}
	a.Put("a", 2)
	b.Put("b", 1)
	b.Put("member7", 1)
	return a, b
}

// TestWhatIsSaid holds the conversation of two nodes, frame by frame: in all orders it
// is the same.
func TestWhatIsSaid(t *testing.T) {
	const said = "a: Sync\n" +
		"b: PreciseDigest\n" +
		"a: PrecisePull Intro PreciseRun\n" +
		"b: Intro PreciseRun*2\n"
	for order := tune.OrderPreciseNewest; order <= tune.OrderPreciseOwn; order++ {
		a, b := pair(order)
		a.Begin()
		var log strings.Builder
		reconciletest.Talk(&a.Node, &b.Node, 100, &log)
		if log.String() != said {
			t.Errorf("order %d:\n%swant\n%s", order, log.String(), said)
		}
		if a.x.Fingerprint() != b.x.Fingerprint() || a.Gone != 2 || b.Gone != 2 || a.Lacked != 3 || b.Lacked != 3 { // an origin that is not known counts as one
			t.Errorf("order %d: %d and %d entries for %d and %d that lacked", order, a.Gone, b.Gone, a.Lacked, b.Lacked)
		}
		log.Reset()
		a.Begin()
		if reconciletest.Talk(&a.Node, &b.Node, 100, &log); log.String() != "a: Sync\n" {
			t.Errorf("order %d, between equals:\n%s", order, log.String())
		}
	}
}

// TestAnswerWithoutTheLastWindow: when the end of a digest is lost, what was gathered
// is sent after windowWait, and not before.
func TestAnswerWithoutTheLastWindow(t *testing.T) {
	a, b := pair(tune.OrderPreciseOldest)
	for i := range 60 {
		b.Put(fmt.Sprint("more", i), 5)
	}
	b.Limit = 700
	a.Now, b.Now = 5*sched.Second, 5*sched.Second
	a.Begin()
	b.Take(a.Compose(), a.x.Fingerprint())
	windows := 0
	for ; !b.Quiet(); windows++ {
		frame := b.Compose()
		if !b.Quiet() { // all but the last one arrive
			a.Take(frame, b.x.Fingerprint())
		}
	}
	at := a.wheel.Next()
	if windows < 3 || !a.Quiet() || at < a.Now+windowWait || at > a.Now+windowWait+sched.Millisecond {
		t.Fatalf("%d windows, quiet %v, expires after %d", windows, a.Quiet(), at-a.Now)
	}
	asked := a.Now
	a.wheel.Timer(0).Cancel()
	if a.x.Expire(asked + windowWait - 1); !a.Quiet() || !a.wheel.Timer(0).Armed() {
		t.Error("answered too early")
	}
	if a.x.Expire(asked + windowWait); a.Quiet() {
		t.Fatal("nothing is due after the wait")
	}
	reconciletest.Talk(&a.Node, &b.Node, 200, nil)
	if b.Gone == 0 {
		t.Error("what was gathered is not asked for")
	}
	for range 10 { // 64 entries an exchange
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 200, nil)
	}
	if a.x.Fingerprint() != b.x.Fingerprint() {
		t.Error("they differ still")
	}
}

// TestALyingPeerIsBounded: digests and pull lists that say anything and never end make
// this node send a bounded number of frames, and keep its lists no longer than it waits.
func TestALyingPeerIsBounded(t *testing.T) {
	rng := sched.Rand{}
	rng.Seed(13)
	t.Log("seed 13")
	a, b := pair(tune.OrderPreciseNewest)
	before := a.x.Fingerprint()
	var buf [1200]byte
	for range 2000 {
		a.Now += sched.Millisecond
		a.Take(lie(&rng, b, buf[:0]), rng.Uint64())
		frames := 0
		for ; !a.Quiet() && frames < 500; frames++ {
			a.Compose()
		}
		if frames > 2*16+4*16 {
			t.Fatalf("%d frames for one", frames)
		}
		if _, ok := a.wheel.Expire(a.Now); ok {
			a.x.Expire(a.Now)
		}
	}
	a.Now += sched.Second
	a.x.Expire(a.Now)
	for range 500 {
		a.Compose()
	}
	if n := a.x.jobs.Held(); n > 0 {
		t.Errorf("%d lists are held", n)
	}
	if !a.Quiet() || a.x.Fingerprint() != before {
		t.Errorf("quiet %v, the state changed: %v", a.Quiet(), a.x.Fingerprint() != before)
	}
}

// lie is a frame of another cluster's content, cut or changed.
func lie(rng *sched.Rand, b *side, dst []byte) []byte {
	if rng.Uint32n(4) == 0 {
		return codec.AppendSync(dst, codec.Sync{Kind: codec.SyncKind(rng.Uint32n(3))})
	}
	if rng.Uint32n(8) == 0 {
		b.Put(fmt.Sprint("lie", rng.Uint32n(9)), 1)
	}
	b.peer = Peer{asks: codec.DigestFlags(rng.Uint32n(4) | rng.Uint32n(2)*uint32(codec.PrecisePrints)), windows: uint8(1 + rng.Uint32n(3))}
	g := reconcile.Page{Limit: 200 + int(rng.Uint32n(1000)), Peer: reconciletest.Other}
	out, _ := b.x.AppendDigest(dst, &g)
	if n := uint32(len(out)); n > codec.RecordBytes && rng.Uint32n(3) == 0 { // frames are whole records
		out[codec.RecordBytes+rng.Uint32n(n-codec.RecordBytes)] ^= byte(rng.Uint64())
	}
	return out
}

// TestAheadAndBusyAreTold: the host learns that a peer holds a write of its origin that
// was never made, and that there was no room for an answer.
func TestAheadAndBusyAreTold(t *testing.T) {
	a := newSide("a", tune.OrderPreciseNewest)
	a.Put("a", 2)
	liar := newSide("liar", tune.OrderPreciseNewest)
	liar.Put("a", 9)
	liar.peer = Peer{asks: codec.DigestOffer | codec.DigestWantRuns, windows: 1}
	frame, _ := liar.x.AppendDigest(nil, &reconcile.Page{Limit: 1200, Peer: reconciletest.Other})
	a.Take(frame, 1)
	pulled := a.x.jobs.At(a.peer.pulls).items
	if a.Said != reconcile.Outdone || len(pulled) != 1 || pulled[0].ID != liar.Store.ID(liar.Self) {
		t.Errorf("verdict %d, and %+v is pulled", a.Said, pulled)
	}
	for at := uint8(0); a.x.jobs.Held() < 3; at = 0 {
		a.x.jobs.Take(&at)
	}
	a.peer = Peer{}
	if a.Take(frame, 1); a.Given != 2 {
		t.Errorf("busy was told %d times", a.Given)
	}
}

// TestPreciseDoesNotAllocate once each list was used.
func TestPreciseDoesNotAllocate(t *testing.T) {
	a, b := pair(tune.OrderPreciseNewest)
	a.Begin()
	reconciletest.Talk(&a.Node, &b.Node, 100, nil)
	o, v := a.Self, uint64(100)
	e := codec.Entry{Key: []byte("key1"), Value: []byte("value"), Flags: codec.EntryStamp}
	one := func() {
		v++
		e.Version, e.Stamp = v, int64(v)
		if a.Store.Apply(o, &e) != state.OK {
			t.Fatal("not written")
		}
		a.Store.Advance(o, v, 0)
		a.Begin()
		if n := reconciletest.Talk(&a.Node, &b.Node, 100, nil); n < 3 {
			t.Fatalf("%d frames", n)
		}
	}
	for range 300 {
		one()
	}
	if n := testing.AllocsPerRun(500, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAnAgreedAuthorMovesThePrefix: an author that holds exactly what is here proves that
// its writes up to the last one that came are here, once.
func TestAnAgreedAuthorMovesThePrefix(t *testing.T) {
	a, b := pair(tune.OrderPreciseNewest)
	o := a.Store.Find(b.Store.ID(b.Self))
	if o == 0 {
		o, _ = a.Store.Add(b.Store.ID(b.Self), 1, []byte("b"))
	}
	e := codec.Entry{Version: 5, Stamp: 5, Key: []byte("k"), Value: []byte("v"), Flags: codec.EntryStamp}
	if st := a.Store.ApplyAny(o, &e); st != state.OK {
		t.Fatal(st)
	}
	before := a.Store.Max(o)
	if !Agreed(&a.Store, o) || a.Store.Max(o) != 5 || before == 5 {
		t.Errorf("max %d, then %d", before, a.Store.Max(o))
	}
	if Agreed(&a.Store, o) {
		t.Error("it moved twice")
	}
}

// TestWhoIsAskedForIsIntroduced: somebody who knows of a member by hearsay asks who met it, and is
// told of those that are known here, without what they wrote.
func TestWhoIsAskedForIsIntroduced(t *testing.T) {
	a, b := pair(tune.OrderPreciseNewest)
	known := b.Store.FindName([]byte("member7"))
	if known == 0 {
		t.Fatal("nobody has the name")
	}
	var w codec.PullWriter
	w.Begin(nil, 1000)
	w.Add(b.Store.ID(known), codec.VersionMax)
	w.Add(12345, codec.VersionMax) // nobody
	b.Take(w.End(), 0)
	var log strings.Builder
	reconciletest.Talk(&b.Node, &a.Node, 10, &log)
	if b.Said != reconcile.Taken || log.String() != "b: Intro\n" {
		t.Errorf("verdict %d, then it says\n%s", b.Said, log.String())
	}
}

// TestFloorsHaveRoomBesideAWindow: a window takes all room that there is, and floors are told all
// the same.
func TestFloorsHaveRoomBesideAWindow(t *testing.T) {
	a, b := pair(tune.OrderPreciseNewest)
	for i := range 60 {
		b.Put(fmt.Sprint("more", i), 5)
	}
	o := b.Store.FindName([]byte("member3"))
	b.Store.Collect(o, b.Store.Max(o))
	a.Begin()
	var log strings.Builder
	reconciletest.Talk(&a.Node, &b.Node, 100, &log)
	if !strings.Contains(log.String(), "b: Run PreciseDigest\n") {
		t.Errorf("no floor goes with the digest of 60 keys:\n%s", log.String())
	}
}
