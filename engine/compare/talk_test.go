package compare

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
	c    Compare
	n    Counters
	peer Peer
}

func (n *side) Peer(uint32) *Peer          { return &n.peer }
func (n *side) Author(state.Origin) uint32 { return 0 }

func newSide(name string, cfg Config) *side {
	n := new(side)
	n.Init(name, 7)
	n.c.Init(&cfg, &Parts{Parts: n.Parts(), Host: n, Vector: &n.n})
	n.Talks = &n.c
	return n
}

func usual(way tune.Diff) Config {
	return Config{Diff: way, Kind: codec.SyncPushPull, Recent: sched.Second, Frame: 1200, Frames: 16, Jobs: 2, Wants: 64}
}

// pair is two nodes that hold the same of many origins, and each one that the other
// lacks.
func pair(cfg Config) (a, b *side) {
	a, b = newSide("a", cfg), newSide("b", cfg)
	for _, n := range []*side{a, b} {
		for i := range 20 {
			n.Put(fmt.Sprint("member", i), 3)
		}
		n.Now = 10 * sched.Second // all that is old
	}
	a.Put("a", 2)
	b.Put("b", 1)
	b.Put("member7", 1)
	return a, b
}

// TestWhatIsSaid holds the conversation of each way, frame by frame.
func TestWhatIsSaid(t *testing.T) {
	f := func(name string, cfg Config, want string) {
		t.Helper()
		a, b := pair(cfg)
		a.Begin()
		var log strings.Builder
		reconciletest.Talk(&a.Node, &b.Node, 100, &log)
		if got := log.String(); got != want {
			t.Errorf("%s:\n%swant\n%s", name, got, want)
		}
		if a.c.Fingerprint() != b.c.Fingerprint() {
			t.Errorf("%s: they differ still", name)
		}
		if jobs, answers := a.c.Held(); jobs+answers > 0 {
			t.Errorf("%s: %d lists and %d answers are held", name, jobs, answers)
		}
		log.Reset()
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 100, &log)
		if n := strings.Count(log.String(), "\n"); n > 2 {
			t.Errorf("%s: between equals\n%s", name, log.String())
		}
	}
	for w := tune.DiffAuto; w <= tune.DiffRanges; w++ {
		f(fmt.Sprint("way ", w), usual(w), said[w])
	}
}

// TestComparisonsEnd: two of any ways, with frames that get lost, fall quiet after few
// frames, and are equal when nothing is lost any more.
func TestComparisonsEnd(t *testing.T) {
	for w := tune.DiffAuto; w <= tune.DiffRanges; w++ {
		for v := tune.DiffAuto; v <= tune.DiffRanges; v++ {
			a, b := pair(usual(w))
			b.c.Init(ptr(usual(v)), &Parts{Parts: b.Parts(), Host: b, Vector: &b.n})
			for round := range 60 {
				a.Begin()
				if round < 50 { // one frame of this exchange is lost
					reconciletest.Talk(&a.Node, &b.Node, round%6, nil)
					a.Compose()
				}
				if n := reconciletest.Talk(&a.Node, &b.Node, 100, nil); n > 40 {
					t.Errorf("ways %d and %d: %d frames", w, v, n)
				}
			}
			if a.c.Fingerprint() != b.c.Fingerprint() {
				t.Errorf("ways %d and %d: they differ", w, v)
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

// TestALyingPeerGetsAnAnswerAFrame: whatever comes, a frame of it makes this node send
// a bounded number of frames, keep a bounded number of lists, and believe nothing.
func TestALyingPeerGetsAnAnswerAFrame(t *testing.T) {
	rng := sched.Rand{}
	rng.Seed(11)
	t.Log("seed 11")
	for w := tune.DiffAuto; w <= tune.DiffRanges; w++ {
		a, b := pair(usual(w))
		before := a.c.Fingerprint()
		for range 2000 {
			a.Take(lie(&rng, b), rng.Uint64())
			frames := 0
			for ; !a.Quiet() && frames < 100; frames++ {
				a.Compose()
			}
			if frames > 2*16+windowsMax+2 {
				t.Fatalf("way %d: %d frames for one", w, frames)
			}
		}
		jobs, answers := a.c.Held()
		if !a.Quiet() || jobs > 2 || answers > answersMax || a.c.Fingerprint() != before {
			t.Errorf("way %d: %d lists, %d answers, the state changed: %v", w, jobs, answers, a.c.Fingerprint() != before)
		}
		if a.c.Drop(reconciletest.Other); a.peer.say != 0 || a.c.Answering(reconciletest.Other) {
			t.Errorf("way %d: something is under way to a peer that was dropped", w)
		}
	}
}

// lie is a frame that says anything.
func lie(rng *sched.Rand, b *side) []byte {
	var out []byte
	id := b.Store.ID(b.Origin(fmt.Sprint("member", rng.Uint32n(20))))
	switch rng.Uint32n(6) {
	case 0:
		return codec.AppendSync(nil, codec.Sync{Kind: codec.SyncKind(rng.Uint32n(3)), Hint: uint8(rng.Uint32n(4))})
	case 1:
		var w codec.DigestWriter
		w.Begin(nil, 1200, codec.DigestFlags(rng.Uint32n(8)), 0)
		w.Add(codec.DigestEntry{ID: id, Max: rng.Uint64() % codec.VersionMax})
		return w.End(reconcile.LastID)
	case 2:
		var w codec.PullWriter
		w.Begin(nil, 1200)
		w.Add(id, uint64(rng.Uint32n(5)))
		return w.End()
	case 3:
		return codec.EndRecord(codec.BeginTurn(nil, uint8(rng.Uint64())), 0)
	case 4:
		bits := int(2 + rng.Uint32n(63))
		out = codec.BeginRanges(nil, bits, id&(1<<63-1)>>(64-bits)<<(64-bits))
		for range 1 + rng.Uint32n(uint32(min(1<<min(bits-1, 8), 140))) {
			out = codec.AppendRangePrint(out, rng.Uint64())
		}
		return codec.EndRecord(out, 0)
	}
	out = codec.BeginTurn(nil, uint8(rng.Uint64()))
	for k := range codec.FeedbackKind(4) {
		out = codec.AppendFeedback(out, &codec.Feedback{Kind: k, Origin: id, Hi: rng.Uint64() % 9})
	}
	return codec.EndRecord(out, 0)
}

// TestAheadAndBusyAreTold: the host learns that somebody holds more of its origin than
// was written, and that there was no room for an answer.
func TestAheadAndBusyAreTold(t *testing.T) {
	a, _ := pair(usual(tune.DiffVector))
	var w codec.DigestWriter
	w.Begin(nil, 1200, codec.DigestWantRuns, 0)
	w.Add(codec.DigestEntry{ID: a.Store.ID(a.Self), Max: 99})
	frame := w.End(reconcile.LastID)
	if a.Take(frame, 1); a.Said != reconcile.Outdone || a.Lacked != 20*3 {
		t.Errorf("verdict %d, lacks %d", a.Said, a.Lacked)
	}
	for at := uint8(0); a.c.jobs.Held() < 2; at = 0 {
		a.c.jobs.Take(&at)
	}
	a.peer = Peer{}
	if a.Take(frame, 1); a.Given != 1 {
		t.Errorf("busy was told %d times", a.Given)
	}
}

// TestComparisonsDoNotAllocate once each list was used.
func TestComparisonsDoNotAllocate(t *testing.T) {
	for w := tune.DiffAuto; w <= tune.DiffRanges; w++ {
		a, b := pair(usual(w))
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 100, nil)
		o := a.Origin("member3")
		e := codec.Entry{Key: []byte("key1"), Value: []byte("value")}
		one := func() {
			e.Version = a.Store.Max(o) + 1
			a.Store.Apply(o, &e)
			a.Store.Advance(o, e.Version, 0)
			a.c.Moved(o, a.Now, a.Frames)
			a.Begin()
			if n := reconciletest.Talk(&a.Node, &b.Node, 100, nil); n < 2 {
				t.Fatalf("way %d: %d frames", w, n)
			}
		}
		for range 300 {
			one()
		}
		if n := testing.AllocsPerRun(500, one); n != 0 {
			t.Errorf("way %d: %v allocations", w, n)
		}
	}
}

// said is what TestWhatIsSaid hears.
var said = map[tune.Diff]string{
	tune.DiffAuto: "a: Sync\n" +
		"b: Digest\n" +
		"a: Pull Intro Run\n" +
		"b: Intro Run*2\n",
	tune.DiffVector: "a: Sync\n" +
		"b: Digest\n" +
		"a: Pull Intro Run\n" +
		"b: Intro Run*2\n",
	tune.DiffSketch: "a: Sync\n" +
		"b: Sketch\n" +
		"a: Pull Intro Run\n" +
		"b: Intro Run*2\n",
	tune.DiffRecent: "a: Sync Digest\n" +
		"b: Pull Digest\n" +
		"a: Pull Intro Run Turn\n" +
		"b: Intro Run*2 Turn\n",
	tune.DiffPeel: "a: Sync\n" +
		"b: Digest\n" +
		"a: Pull Turn\n" +
		"b: Intro Run*2 Turn\n" +
		"a: Digest\n" +
		"b: Pull Turn\n" +
		"a: Intro Run Turn\n",
	tune.DiffActivity: "a: Sync\n" +
		"b: Digest\n" +
		"a: Pull Turn\n" +
		"b: Intro Run*2 Turn\n" +
		"a: Digest\n" +
		"b: Pull Turn\n" +
		"a: Intro Run Turn\n",
	tune.DiffUpdates: "a: Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"b: Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"a: Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"b: Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"a: Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"b: Intro Run Intro Run Intro Run Intro Run Intro Run Intro Run Turn\n" +
		"a: Turn\n",
	tune.DiffRanges: "a: Sync\n" +
		"b: Ranges\n" +
		"a: Digest*3\n" +
		"b: Pull Intro Run*2\n" +
		"a: Intro Run\n",
}
