package sim

import (
	"encoding/binary"
	"fmt"
	"net/netip"
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
	Config func(i, life int, c *core.Config)
	Buffer int  // bytes of a node's receive buffer; 0: 4 MiB
	Check  bool // hold every step against the laws; see doc.go
}

// World is a cluster in virtual time.
type World struct {
	Net   simnet.Model // its rules may be changed between steps
	Nodes []*Node
	Stats Stats
	// OnFrame is told of every frame that is sent, if set; returning false loses
	// the frame. The frame is the world's: look, don't keep.
	OnFrame func(f *Frame) bool
	// OnEvent is told of every event of every core, if set.
	OnEvent func(n *Node, ev *core.Event)

	opt    Options
	now    sched.Instant
	queue  queue
	frames frames
	rand   sched.Rand // of the applications
	calls  []func()
	idle   []uint32 // free places in calls
	fate   simnet.Fate
	frame  Frame
	hash   uint64
	byID   map[codec.OriginID]*history
	err    *Violation
	steps  uint64
	audits int
	buf    [codec.FrameBytesMax]byte
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
	Writes, Events uint64 // local writes, and steps of the world
}

// New makes the nodes and starts them. Nobody knows anybody yet.
func New(opt Options) *World {
	if opt.Nodes < 1 || opt.Nodes > NodesMax {
		panic(fmt.Sprintf("sim: %d nodes, want 1 to %d", opt.Nodes, NodesMax))
	}
	if opt.Buffer == 0 {
		opt.Buffer = 4 << 20
	}
	w := &World{opt: opt, now: Start, byID: map[codec.OriginID]*history{}}
	w.rand.Seed(opt.Seed)
	w.Net.Init(w.rand.Uint64(), opt.Link)
	w.queue.init(w.now)
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
	w.queue.push(event{at: Start + at, kind: kindCall, from: i})
}

// After calls f when d has passed.
func (w *World) After(d sched.Instant, f func()) { w.At(w.Now()+d, f) }

// Run lets d pass. It stops early where a law is broken, and says whether none
// was.
func (w *World) Run(d sched.Instant) bool {
	until := w.now + d
	var e event
	for w.err == nil && w.queue.pop(until, &e) {
		w.step(&e)
	}
	w.now = max(w.now, until)
	return w.err == nil
}

func (w *World) step(e *event) {
	w.now = max(w.now, e.at)
	w.steps++
	w.Stats.Events++
	switch e.kind {
	case kindArrive:
		w.arrive(e)
	case kindTick:
		w.tick(w.Nodes[e.node], e.at)
	case kindTurn:
		w.turn(w.Nodes[e.node], e.at)
	case kindCall:
		f := w.calls[e.from]
		w.calls[e.from] = nil
		w.idle = append(w.idle, e.from)
		f()
	}
	if w.opt.Check && w.steps%auditEvery == 0 {
		w.auditNext()
	}
}

// send takes a frame that a node's core has encoded.
func (w *World) send(n *Node, to netip.AddrPort, b []byte) {
	w.Stats.Frames++
	w.Stats.Bytes += uint64(len(b))
	if limit := n.cfg.Frame; w.opt.Check && len(b) > limit {
		w.broken("frame", "node %d sends %d bytes, its limit is %d", n.Index, len(b), limit)
	}
	d := w.at(to)
	f := &w.frame
	*f = Frame{At: w.Now(), From: n.Index, To: -1, Data: b}
	if d != nil {
		f.To, f.Fate = d.Index, &w.fate
		w.Net.Send(w.now, n.Index, d.Index, len(b), &w.fate)
	}
	w.trace(f)
	if w.OnFrame != nil && !w.OnFrame(f) {
		return
	}
	if d == nil {
		w.Stats.Nowhere++
		return
	}
	w.Stats.Fates[w.fate.Cause]++
	for k := range w.fate.Copies {
		r := w.frames.put(b)
		if bit := w.fate.Flip[k]; bit >= 0 {
			w.frames.bytes(r)[bit/8] ^= 1 << (bit % 8)
		}
		w.queue.push(event{
			at: w.fate.At[k], kind: kindArrive, node: uint32(d.Index), from: uint32(n.Index),
			port: n.Addr.Port(), frame: r, size: uint16(len(b)),
		})
	}
}

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

// limits are what a core of a cluster of n nodes needs.
func limits(n int) core.Limits {
	l := core.DefaultLimits()
	l.Peers = n + 32
	l.State = state.Limits{Origins: 2*n + 64, Keys: 1 << 20, ValueBytes: 64 << 20}
	return l
}
