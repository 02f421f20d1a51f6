// Package reconciletest is a fake host of comparisons: two nodes that talk about
// nothing else, and a log of what is said. It is for the tests of packages compare,
// precise and walk.
package reconciletest

import (
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Other is the handle of the one peer that a Node has.
const Other = 1

// Comparison is what is tested.
type Comparison interface {
	Fingerprint() uint64
	Begin(now sched.Instant, p uint32) (sync bool)
	Receive(f *reconcile.Frame, t codec.Type, body []byte) reconcile.Verdict
	Moved(o state.Origin, now sched.Instant, frame uint64)
	AppendSync(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendDigest(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendAsk(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendRuns(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendTurn(b []byte, g *reconcile.Page) (out []byte, done bool)
}

// What may be due at a node.
const (
	dueSync uint32 = 1 << iota
	dueDigest
	dueAsk
	dueRuns
	dueTurn
)

// Node is one side: the host of a comparison, as far as both kinds ask the same.
type Node struct {
	Name     string
	Store    state.Store
	Self     state.Origin
	Rand     sched.Rand
	Filler   reconcile.Filler
	Counters reconcile.Counters
	Talks    Comparison
	TakeRun  func(n *Node, t codec.Type, body []byte) // nil: takes Run records
	Limit    int                                      // bytes of a frame
	Keyed    bool                                     // set before Init: the store counts a fingerprint by key
	Origins  int                                      // set before Init: that the store has room for; 0: the default

	Now    sched.Instant
	Frames uint64 // that it received
	Bytes  uint64 // that it composed
	Lacked int    // entries that its peer was found to lack
	Gone   int    // entries that were sent
	Given  uint64 // times that there was no room
	Board  due.Board
	Said   reconcile.Verdict // the last one that was not Taken
	buffer [codec.FrameBytesMax]byte
	page   reconcile.Page
	frame  reconcile.Frame
	intro  codec.Intro
	run    codec.Run
	iter   codec.RunIter
}

// Init makes a node that writes the origin of its name.
func (n *Node) Init(name string, seed uint64) {
	n.Name, n.Limit = name, 1200
	n.Rand.Seed(seed)
	l := state.LimitsDefault()
	l.Origins = max(l.Origins, n.Origins)
	n.Store.Init(l, seed)
	if n.Keyed {
		n.Store.PrintKeys()
	}
	n.Self = n.Origin(name)
	n.Store.SetOwner(n.Self)
	n.Filler.Init(&n.Store, n, 64)
	n.Board.Init(4)
}

// Parts are what the node shares with its comparison. Nothing is pushed, nobody is
// buried.
func (n *Node) Parts() reconcile.Parts {
	return reconcile.Parts{
		View:   reconcile.View{Store: &n.Store, Own: n.Self},
		Filler: &n.Filler, Board: &n.Board, Budgets: n, Rand: &n.Rand, Count: &n.Counters, Busy: &n.Given,
		Due: reconcile.Due{Digest: dueDigest, Runs: dueRuns, Ask: dueAsk, Turn: dueTurn},
	}
}

// Origin is the origin of a name, added if need be.
func (n *Node) Origin(name string) state.Origin {
	if o := n.Store.FindName([]byte(name)); o != 0 {
		return o
	}
	o, st := n.Store.Add(codec.MakeOriginID([2]uint64{1, 2}, []byte(name), 1), 1, []byte(name))
	if st != state.OK {
		panic(st)
	}
	return o
}

// Put writes versions of an origin after its max, one a key.
func (n *Node) Put(name string, versions int) {
	o := n.Origin(name)
	top := n.Store.Max(o) + uint64(versions)
	for v := n.Store.Max(o) + 1; v <= top; v++ {
		e := codec.Entry{Version: v, Key: fmt.Append(nil, "key", v), Value: []byte("value"), Flags: codec.EntryStamp, Stamp: int64(v)}
		if st := n.Store.Apply(o, &e); st != state.OK {
			panic(st)
		}
	}
	n.Store.Advance(o, top, 0)
	if n.Talks != nil {
		n.Talks.Moved(o, n.Now, n.Frames)
	}
}

// Quiet reports that nothing is due.
func (n *Node) Quiet() bool { return n.Board.Of(Other) == 0 }

// Begin begins an exchange.
func (n *Node) Begin() {
	if n.Talks.Begin(n.Now, Other) {
		n.Board.Want(Other, dueSync)
	}
}

// Compose encodes what is due into one frame without a header.
func (n *Node) Compose() []byte {
	b := n.buffer[:0]
	n.page = reconcile.Page{Now: n.Now, Limit: n.Limit, Peer: Other}
	if n.Board.Done(Other, dueSync) {
		b, _ = n.Talks.AppendSync(b, &n.page)
	}
	for _, what := range [...]uint32{dueAsk, dueRuns, dueTurn, dueDigest} {
		if n.Board.Has(Other, what) && (what == dueAsk || what == dueRuns || !n.Board.Has(Other, dueRuns)) {
			var done bool
			if b, done = n.compose(what, b); done {
				n.Board.Done(Other, what)
			}
		}
	}
	n.Bytes += uint64(len(b))
	return b
}

func (n *Node) compose(what uint32, b []byte) (out []byte, done bool) {
	switch what {
	case dueAsk:
		return n.Talks.AppendAsk(b, &n.page)
	case dueRuns:
		return n.Talks.AppendRuns(b, &n.page)
	case dueTurn:
		return n.Talks.AppendTurn(b, &n.page)
	default:
		return n.Talks.AppendDigest(b, &n.page)
	}
}

// Take takes a frame of a peer whose fingerprint is print.
func (n *Node) Take(frame []byte, print uint64) {
	n.Frames++
	n.frame = reconcile.Frame{Now: n.Now, Number: n.Frames, Peer: Other, Printed: true, Print: print}
	for t, body, rest := codec.NextRecord(frame); t != 0; t, body, rest = codec.NextRecord(rest) {
		switch {
		case t == codec.TypeIntro:
			if codec.ParseIntro(body, &n.intro) == nil {
				n.Store.Add(n.intro.ID, n.intro.Gen, n.intro.Name)
			}
		case n.TakeRun != nil && (t == codec.TypeRun || t == codec.TypePreciseRun):
			n.TakeRun(n, t, body)
		case t == codec.TypeRun:
			n.takeRun(body)
		default:
			if v := n.Talks.Receive(&n.frame, t, body); v != reconcile.Taken {
				n.Said = v
			}
		}
	}
}

func (n *Node) takeRun(body []byte) {
	if codec.ParseRun(body, &n.run) != nil {
		return
	}
	if o := n.Store.Find(n.run.ID); o != 0 && o != n.Self {
		if a := reconcile.Apply(&n.Store, o, &n.run, &n.iter); a.To > a.From {
			n.Talks.Moved(o, n.Now, n.Frames)
		}
	}
}

// Talk lets two nodes talk until both are quiet, or have sent most frames. It returns
// how many were sent, and writes each to the log, which may be nil.
func Talk(a, b *Node, most int, log *strings.Builder) (frames int) {
	for !(a.Quiet() && b.Quiet()) && frames < most {
		if frame := a.Compose(); len(frame) > 0 {
			frames++
			print := a.Talks.Fingerprint()
			if log != nil {
				fmt.Fprintf(log, "%s:%s\n", a.Name, records(frame))
			}
			b.Take(frame, print)
		}
		a, b = b, a
	}
	return frames
}

var recordNames = map[codec.Type]string{
	codec.TypeIntro: "Intro", codec.TypeSync: "Sync", codec.TypeDigest: "Digest", codec.TypeRun: "Run",
	codec.TypePull: "Pull", codec.TypeSketch: "Sketch", codec.TypeTurn: "Turn", codec.TypeRanges: "Ranges",
	codec.TypePreciseDigest: "PreciseDigest", codec.TypePreciseRun: "PreciseRun", codec.TypePrecisePull: "PrecisePull",
}

// records names the records of a frame; equal ones in a row are counted.
func records(frame []byte) string {
	var list []string
	for t, _, rest := codec.NextRecord(frame); t != 0; t, _, rest = codec.NextRecord(rest) {
		list = append(list, recordNames[t])
	}
	s := ""
	for i := 0; i < len(list); {
		k := i
		for k < len(list) && list[k] == list[i] {
			k++
		}
		s += " " + list[i]
		if k-i > 1 {
			s += fmt.Sprintf("*%d", k-i)
		}
		i = k
	}
	return s
}
