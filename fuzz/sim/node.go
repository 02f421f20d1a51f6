package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	port         = 7946
	turnFrames   = 32                      // a loop reads at most so many datagrams a turn
	chokedRetry  = 200 * sched.Microsecond // a full socket takes frames again after this
	pumpFrames   = 1 << 16                 // more at one instant is a loop without end
	firesInPlace = 4096                    // ticks of one node at one instant that do not end
)

// Node is one machine: a core, its clocks and its socket.
type Node struct {
	Index int
	Name  string
	Addr  netip.AddrPort
	Core  *core.Core
	Life  int  // how often it was started
	Up    bool // its process runs

	Wall   sched.Wall    // its wall clock is so much ahead
	Cost   sched.Instant // its loop is busy for so long with each frame it reads
	Sends  int           // its socket takes so many frames and is full for a while; 0: no limit
	Rest   sched.Instant // for so long; 0: chokedRetry
	Buffer int           // bytes of its receive buffer
	Skip   uint64        // its next write leaves out so many versions

	cfg     core.Config
	paused  bool
	touched bool
	order   int           // among those that have something to do in this window
	now     sched.Instant // how far it has lived
	began   sched.Instant // when its life did
	due     sched.Instant // its core's deadline
	busy    sched.Instant // its loop works until then
	turnAt  sched.Instant // its loop goes on then; 0: there is no need
	queued  sched.Instant // the alarm that is queued; Never: none
	fired   sched.Instant
	fires   int
	todo    []event // frames that reach it in this window
	inbox   []event // frames that wait in its socket
	charged int
	gen     uint64 // the highest generation that this machine has used: on its disk
	next    uint64 // the generation of its next life; 0: its clock's
	log     *history
	views   []view // by origin handle
	ties    []tie  // by peer handle
	gates   map[netip.AddrPort]*gate
	forgot  bool // it has forgotten an origin
	tally   tally
	names   map[string]uint64
}

// sendTurn is what a loop's turn of sending takes: engines send 32 frames in it, of 2.5 µs each.
const sendTurn = 80 * sched.Microsecond

// Takes lets the node's loop take so long for each frame that it reads or sends.
func (n *Node) Takes(each sched.Instant) {
	n.Cost, n.Sends = each, max(1, int(sendTurn/each))
	n.Rest = each * sched.Instant(n.Sends)
}

// view is what the world last saw of an origin at a node.
type view struct {
	id   codec.OriginID
	log  *history
	max  uint64
	held []uint32 // by key: the highest version that was here
	then []uint32 // by key: its version when the author's newest was upTo
	upTo uint64
	live int // keys that lived then
}

func (w *World) newNode(i int) *Node {
	name := fmt.Sprintf("node-%d", i)
	if w.opt.Names != nil {
		name = w.opt.Names[i]
	}
	return &Node{Index: i, Name: name, Addr: AddrOf(i), Buffer: w.opt.Buffer}
}

// AddrOf is the address of a node's first life.
func AddrOf(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), port)
}

// at is the node that has the address now.
func (w *World) at(a netip.AddrPort) *Node {
	if !a.Addr().Is4() {
		return nil
	}
	b := a.Addr().As4()
	i := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if b[0] != 10 || i >= len(w.Nodes) || w.Nodes[i].Addr != a {
		return nil
	}
	return w.Nodes[i]
}

// Start begins a life of a node that is down, without memory but for its disk.
func (w *World) Start(i int) {
	n := w.Nodes[i]
	if n.Up {
		panic("sim: the node runs already")
	}
	n.Life++
	n.cfg = core.Config{
		Name: []byte(n.Name), Advertise: n.Addr, Cluster: []byte("sim"), Seed: w.rand.Uint64(),
		Generation: uint64(w.wall(n)), Frame: codec.FrameBytesDefault, Limits: limits(len(w.Nodes)), Experiment: new(core.Experiment),
	}
	for k := range n.cfg.Salt {
		n.cfg.Salt[k] = byte(w.rand.Uint64())
	}
	for k := range n.cfg.Secret {
		n.cfg.Secret[k] = byte(w.rand.Uint64())
	}
	if w.opt.Config != nil {
		w.opt.Config(i, n.Life, &n.cfg)
	}
	n.began = w.now
	n.Up, n.paused, n.queued, n.turnAt, n.busy = true, false, sched.Never, 0, 0
	n.inbox, n.charged, n.views, n.names = n.inbox[:0], 0, n.views[:0], nil
	n.tally = tally{}
	n.ties, n.forgot, n.gates = n.ties[:0], false, map[netip.AddrPort]*gate{}
	n.Core = new(core.Core)
	n.Core.Init(&n.cfg, w.now, w.wall(n))
	if w.opt.Check && w.opt.Wrap {
		n.nearTheEnd()
	}
	n.gen = max(n.gen, n.cfg.Generation)
	w.born(n)
	w.do(n, func(s *shard) { w.pump(s, n) })
}

// born gives a new origin its history.
func (w *World) born(n *Node) {
	n.log = newHistory(n.Index)
	id := n.Core.Parts().Self.ID
	if old := w.byID[id]; old != nil {
		n.log.twins = append(slices.Clone(old.twins), old)
		for _, t := range n.log.twins {
			t.twins = append(t.twins, n.log)
		}
	}
	w.byID[id] = n.log
}

// renewed carries the history on when the core has taken a new generation.
func (w *World) renewed(n *Node) {
	if id := n.Core.Parts().Self.ID; w.byID[id] != n.log {
		w.byID[id] = n.log
		n.gen = max(n.gen, n.Core.Parts().Self.Gen)
	}
}

// Disk is the highest generation that the node has used in any life.
func (n *Node) Disk() uint64 { return n.gen }

// Stop ends a node's process without a word.
func (w *World) Stop(i int) {
	n := w.Nodes[i]
	for k := range n.inbox {
		w.frames.release(n.inbox[k].frame)
	}
	w.ended.add(n.Core.Parts().Flow.Ledger())
	n.Up, n.inbox, n.charged = false, n.inbox[:0], 0
}

// Move gives a node that is down another port.
func (w *World) Move(i int) {
	n := w.Nodes[i]
	n.Addr = netip.AddrPortFrom(n.Addr.Addr(), n.Addr.Port()+1)
}

// Pause stops a node's process in the middle of everything; Resume goes on.
func (w *World) Pause(i int) { w.Nodes[i].paused = true }

// Resume lets a paused node go on.
func (w *World) Resume(i int) {
	n := w.Nodes[i]
	if n.paused {
		n.paused = false
		w.do(n, func(*shard) { n.wantTurn(w.now) })
	}
}

// Join tells node i of the address of node to.
func (w *World) Join(i, to int) {
	n := w.Nodes[i]
	w.do(n, func(s *shard) {
		n.Core.Join(n.now, w.Nodes[to].Addr)
		w.pump(s, n)
	})
}

// Set writes a key at its author. A node that is down or paused does not write.
func (w *World) Set(i int, key, value string) core.Status {
	return w.Write(i, core.Op{Kind: core.Set, Key: []byte(key), Value: []byte(value)})
}

// Delete deletes a key at its author.
func (w *World) Delete(i int, key string) core.Status {
	return w.Write(i, core.Op{Kind: core.Delete, Key: []byte(key)})
}

// Write makes writes of one author, several as a batch: versions and what is left of the
// batch are put in. All are written or none is.
func (w *World) Write(i int, ops ...core.Op) core.Status {
	n := w.Nodes[i]
	if !n.Up || n.paused {
		return core.Silenced
	}
	if !n.admits(ops) {
		w.Stats.Refused++
		return core.NoRoom // as the shell says before it takes a version
	}
	first := n.log.max() + 1 + n.Skip
	n.Skip = 0
	for k := range ops {
		op := &ops[k]
		op.Version = first + uint64(k)
		if len(ops) > 1 {
			op.Batch = uint8(len(ops) - k)
		}
		given := op.Version
		if st := n.Core.Write(max(n.now, w.now), op); st != core.Written {
			if k > 0 {
				w.broken("write", "node %d wrote %d of a batch of %d, and then: status %d", n.Index, k, len(ops), st)
			}
			return st
		}
		w.Stats.Writes++
		w.wrote(n, op)
		n.log.skip(given)
	}
	if len(ops) > 1 {
		w.Stats.Batches++
		for v := first; v <= n.log.max(); v++ {
			n.log.end[v] = uint32(n.log.max())
		}
	}
	w.do(n, func(s *shard) { w.pump(s, n) })
	return core.Written
}

// admits tells whether the store has room for what writes begin.
func (n *Node) admits(ops []core.Op) bool {
	begins := 0
	for k := range ops {
		if ops[k].Kind == core.Set && !n.log.lives(ops[k].Key) {
			begins++
		}
	}
	return begins == 0 || n.Core.Parts().Store.Admits(n.Core.Parts().Own).Keys >= begins
}

// wrote records a write, as the author's own store has it.
func (w *World) wrote(n *Node, op *core.Op) {
	var e codec.Entry
	s := n.Core.Parts().Store
	if op.Kind == core.Delete && !n.log.lives(op.Key) { // it takes a version and leaves nothing
		if !s.Get(n.Core.Parts().Own, op.Key, &e) || e.Version != op.Version {
			n.log.skip(op.Version)
			return
		}
		if n.now-n.began > state.YoungFor { // but for a young life: a former one may have had the key
			w.broken("write", "node %d keeps a tombstone of %q, which was not there", n.Index, op.Key)
			return
		}
	}
	if !s.Get(n.Core.Parts().Own, op.Key, &e) || e.Version != op.Version || string(e.Value) != string(op.Value) ||
		(e.Flags&codec.EntryTombstone != 0) != (op.Kind == core.Delete) {
		w.broken("write", "node %d wrote version %d of %q and holds version %d: %q", n.Index, op.Version, op.Key, e.Version, e.Value)
		return
	}
	n.log.write(&e)
	n.log.at[e.Version] = max(n.now, w.now)
	n.log.leased(&e, max(n.now, w.now))
}

func (w *World) wall(n *Node) sched.Wall {
	return StartWall + sched.Wall(max(n.now, w.now)-Start) + n.Wall
}

// PeerOf is the handle that a node has for another one in its present life; 0 if it does
// not know it.
func (n *Node) PeerOf(of *Node) uint32 {
	o := n.Core.Parts().Store.Find(of.Core.Parts().Self.ID)
	if o == 0 {
		return 0
	}
	return n.Core.PeerOf(o)
}

// happened takes one event of a core.
func (w *World) happened(n *Node, ev *core.Event) {
	switch ev.Kind {
	case core.Advanced:
		if w.opt.Check {
			w.renewed(n)
			w.advanced(n, ev.Origin)
		}
	case core.MemberForgotten:
		n.forgot = true
		*n.view(ev.Origin) = view{} // whoever is met again begins anew
	case core.MemberJoined, core.MemberReplaced:
		if w.opt.Check {
			w.known(n, ev.Origin)
		}
	}
	if w.OnEvent != nil {
		w.OnEvent(n, ev)
	}
}

// view is the place for what is seen of an origin.
func (n *Node) view(o state.Origin) *view {
	for int(o) >= len(n.views) {
		n.views = append(n.views, view{})
	}
	return &n.views[o]
}
