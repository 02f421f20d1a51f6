package sim

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Start is the virtual instant at which a world begins, and StartWall what its
// clocks show then.
const (
	Start     sched.Instant = sched.Second
	StartWall sched.Wall    = 1_700_000_000 * sched.Second
)

// Options make a world.
type Options struct {
	Nodes int
	Seed  uint64
	Link  simnet.Link // of every path; rules come on top, through World.Net
	// Config changes a node's configuration before each of its lives. It finds
	// the name, address, salt, seed, a generation from the node's wall clock, and
	// limits that fit the number of nodes.
	Config  func(i, life int, c *core.Config)
	Names   []string      // of the nodes; nil: node-0, node-1, ...
	Buffer  int           // bytes of a node's receive buffer; 0: 4 MiB
	Wait    sched.Instant // no key of a node waits longer to be published; 0: no limit is known
	Prompt  bool          // nothing holds frames up, or the loop: what lives by a lease is shown to its end
	Doubt   sched.Instant // frames may be under way so much longer than their paths usually take; what lives by a lease may too
	Late    sched.Instant // what is written once all know each other is everywhere by then; 0: no limit is known
	Wrap    bool          // numbers of frames of every other life begin close below their end
	Check   bool          // hold every step against the laws; see doc.go
	Workers int           // goroutines that share the work of a step; 0: 1. They change nothing but the time it takes.
}

// World is a cluster in virtual time.
type World struct {
	Net   simnet.Model // its rules may be changed between steps
	Nodes []*Node
	Stats Stats
	// OnFrame is told of every frame that is sent, if set; returning false loses
	// the frame. The frame is the world's: look, don't keep.
	OnFrame func(f *Frame) bool
	// OnEvent is told of every event of every core, if set. With it, as with
	// Check, there is one worker.
	OnEvent func(n *Node, ev *core.Event)

	opt    Options
	now    sched.Instant
	queue  simnet.Queue[occurrence]
	frames frames
	rand   sched.Rand // of the applications
	calls  []func()
	idle   []uint32 // free places in calls
	fate   simnet.Fate
	frame  Frame
	hash   uint64
	byID   map[codec.OriginID]*history
	guard  sync.Mutex // of err
	err    *Violation
	audits int
	storm  storm
	ended  rates            // that lives which are over took and gave
	lookAt sched.Instant    // the next look
	peace  bool             // all harm has ended, nobody writes, and all were equal
	liar   *liar            // nil: nobody lies
	rooms  func(i int) bool // Difference looks at these nodes alone; nil: at all

	held    event // a call that ended a window; its turn is next
	holding bool
	touched []*Node  // have something to do in this window
	shards  []*shard // one for each worker
	outbox  []parcel // of all nodes in this window
}

// Frame is a frame that is being sent.
type Frame struct {
	At       sched.Instant // since the start
	From, To int           // To is -1 for an address that nobody has
	Data     []byte
	Fate     *simnet.Fate // what will become of it; nil when To is -1
}

// Stats counts what happened in a world.
type Stats struct {
	Frames, Bytes  uint64 // sent
	Delivered      uint64 // handed to a core
	Fates          [simnet.Causes]uint64
	Nowhere        uint64 // to an address that nobody has, or to a node that is down
	Overflows      uint64 // lost to a full receive buffer
	Writes, Events uint64 // local writes, and what else happened to nodes
	Refused        uint64 // local writes for which there was no room
	Batches        uint64 // of several writes
	Leases         uint64 // granted
	Renewals, Ends uint64 // of them; who ends one deletes its keys
	Hidden         uint64 // looks of nodes at keys whose lease had ended and that were there still
	Kept           uint64 // looks at such whose lease was renewed
	Lies           uint64 // frames in which a member lied, or that it sent again
}

// New makes the nodes and starts them. Nobody knows anybody yet.
func New(opt Options) *World {
	if opt.Nodes < 1 || opt.Nodes > NodesMax {
		panic(fmt.Sprintf("sim: %d nodes, want 1 to %d", opt.Nodes, NodesMax))
	}
	if opt.Buffer == 0 {
		opt.Buffer = 4 << 20
	}
	w := &World{opt: opt, now: Start, lookAt: Start + lawSpan, byID: map[codec.OriginID]*history{}, storm: storm{late: map[uint64]uint64{}}}
	w.rand.Seed(opt.Seed)
	w.Net.Init(w.rand.Uint64(), opt.Link)
	w.queue.Init(w.now)
	for range max(1, opt.Workers) {
		w.shards = append(w.shards, new(shard))
	}
	w.Nodes = make([]*Node, opt.Nodes)
	for i := range w.Nodes {
		w.Nodes[i] = w.newNode(i)
		w.Start(i)
	}
	return w
}

// NodesMax is the most nodes that addresses tell apart.
const NodesMax = 1 << 20

// Now is the virtual time since the start.
func (w *World) Now() sched.Instant { return w.now - Start }

// Instant is the virtual time as the cores see it.
func (w *World) Instant() sched.Instant { return w.now }

// Rand is the stream that the applications draw from.
func (w *World) Rand() *sched.Rand { return &w.rand }

// Hash sums up everything that was sent, arrived and was lost, with its time:
// equal hashes mean that two runs were the same.
func (w *World) Hash() uint64 { return w.hash }

// Err is the first law that was broken, or nil.
func (w *World) Err() error {
	if w.err == nil {
		return nil
	}
	return w.err
}

// Violation is the first law that was broken, or nil.
func (w *World) Violation() *Violation { return w.err }

func (w *World) broken(law, format string, args ...any) {
	w.guard.Lock() // workers may find something at one time
	defer w.guard.Unlock()
	if w.err == nil {
		w.err = &Violation{At: w.Now(), Law: law, Text: fmt.Sprintf(format, args...)}
	}
}

// At calls f at a time since the start.
func (w *World) At(at sched.Instant, f func()) {
	i := uint32(len(w.calls))
	if n := len(w.idle); n > 0 {
		i, w.idle = w.idle[n-1], w.idle[:n-1]
		w.calls[i] = f
	} else {
		w.calls = append(w.calls, f)
	}
	w.queue.Push(Start+at, occurrence{kind: kindCall, from: i})
}

// After calls f when d has passed.
func (w *World) After(d sched.Instant, f func()) { w.At(w.Now()+d, f) }

// trace mixes a frame and its fate into the hash. The checksum at the end of
// the frame stands for its contents.
func (w *World) trace(f *Frame) {
	h := w.hash ^ uint64(f.At)
	h = (h ^ uint64(f.From)<<32 ^ uint64(uint32(f.To))) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h ^= uint64(len(f.Data))<<32 ^ uint64(binary.LittleEndian.Uint32(f.Data[len(f.Data)-4:]))
	if f.Fate != nil {
		h += uint64(f.Fate.At[0]) ^ uint64(f.Fate.Cause)<<56 ^ uint64(f.Fate.Copies)<<48
	}
	h *= 0xbf58476d1ce4e5b9
	w.hash = h ^ h>>32
}

// clock shows a span of virtual time.
func clock(d sched.Instant) time.Duration { return time.Duration(d) }

// keysRoomy is room for more keys than any plan has.
const keysRoomy = 1 << 20

// limits are what a core of a cluster of n nodes needs.
func limits(n int) core.Limits {
	l := core.DefaultLimits()
	l.Peers = n + 32
	l.State = state.Limits{Origins: 2*n + 64, Keys: keysRoomy, Tombstones: 64, ValueBytes: 64 << 20} // few, so that floors move
	return l
}
