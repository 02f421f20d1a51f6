package sim

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// lawSpan is between two looks at what nodes say of each other.
const lawSpan = 250 * sched.Millisecond

// acquainted is when all that start know each other, where nothing goes wrong.
const acquainted = 500 * sched.Millisecond

// ackSpan is how long two nodes that talk in peace may leave an acknowledgement where
// it is though the other one holds more: exchanges and rumors alone may be slow.
func (n *Node) ackSpan() sched.Instant { return 3*sched.Second + 2*n.cfg.Interval }

// tie is what was seen of a node's word about another one.
type tie struct {
	mine, theirs codec.OriginID
	life         int           // of the other
	acked, held  uint64        // that it has confirmed, and that it held
	since        sched.Instant // acked stands since then
}

// look holds what nodes say of each other against what is.
func (w *World) look() {
	if w.now < w.lookAt {
		return
	}
	w.lookAt = w.now + lawSpan
	for _, n := range w.Nodes {
		if n.Up && w.err == nil {
			w.members(n)
			w.waiting(n)
			w.balanced(n)
			w.tallied(n)
		}
	}
	w.shared()
}

// members looks at all that a node knows of its peers.
func (w *World) members(n *Node) {
	c := n.Core
	for p := uint32(1); p < c.Peers() && w.err == nil; p++ {
		q, ok := c.Peer(p)
		if !ok {
			continue
		}
		id := c.Parts().Store.ID(q.Origin)
		if at := c.PeerOf(q.Origin); at != p {
			w.broken("who", "node %d: peer %d writes %s, which is that of peer %d", n.Index, p, c.Parts().Store.Name(q.Origin), at)
		}
		if h := c.Parts().Detector.Watched(p); h != 0 && c.Parts().Detector.ID(h) != id {
			w.broken("who", "node %d: peer %d is %x, the detector watches %x", n.Index, p, id, c.Parts().Detector.ID(h))
		}
		w.acknowledged(n, p, &q, id)
	}
}

// acknowledged checks that a peer has confirmed nothing that it does not hold, and
// that its confirmations move.
func (w *World) acknowledged(n *Node, p uint32, q *core.Peer, id codec.OriginID) {
	m := w.owner(id)
	for int(p) >= len(n.ties) {
		n.ties = append(n.ties, tie{})
	}
	t := &n.ties[p]
	if m == nil || w.lies(m.Index) || w.lies(n.Index) || n.cfg.Order.Precise() || len(n.log.twins)+len(m.log.twins) > 0 {
		*t = tie{}
		return
	}
	held, known := w.Replica(m.Index, n.Index)
	if known && q.Acked > held && !m.forgot {
		w.broken("acknowledged", "node %d: node %d has confirmed %d, it holds %d", n.Index, m.Index, q.Acked, held)
	}
	now := tie{mine: n.Core.Parts().Self.ID, theirs: id, life: m.Life, acked: q.Acked, held: held, since: w.now}
	if !w.peace || m.paused || !q.Proven || q.Quiet || q.Left || !w.talks(m, n) ||
		t.mine != now.mine || t.theirs != id || t.life != m.Life || t.acked != q.Acked || t.held <= q.Acked {
		*t = now
		return
	}
	if w.now-t.since > n.ackSpan() {
		w.broken("acks", "node %d: node %d holds %d for %v and has confirmed %d", n.Index, m.Index, t.held, clock(w.now-t.since), q.Acked)
	}
}

// owner is the node whose present life an origin is; nil: none that runs.
func (w *World) owner(id codec.OriginID) *Node {
	if h := w.byID[id]; h != nil {
		if n := w.Nodes[h.author]; n.Up && n.Core.Parts().Self.ID == id {
			return n
		}
	}
	return nil
}

// talks tells whether a node sends to another one as to a member.
func (w *World) talks(n, to *Node) bool {
	o := n.Core.Parts().Store.Find(to.Core.Parts().Self.ID)
	if o == 0 {
		return false
	}
	q, ok := n.Core.Peer(n.Core.PeerOf(o))
	return ok && q.Proven && !q.Quiet && !q.Left
}

// waiting checks that no key waits longer to be published than a round of all keys
// takes: one that is written again keeps its turn.
func (w *World) waiting(n *Node) {
	h, top := n.log, n.Core.Parts().Store.Max(n.Core.Parts().Own)
	for len(h.waits) < len(h.newest) {
		h.waits = append(h.waits, wait{})
	}
	for k, v := range h.newest {
		x := &h.waits[k]
		if uint64(v) <= top || x.told != h.told[k] || x.since == 0 || n.paused {
			*x = wait{since: w.now, told: h.told[k]}
		} else if d := w.now - x.since; w.opt.Wait != 0 && d > w.opt.Wait {
			w.broken("stale", "node %d: a key waits for %v to be published, a round of all takes less than %v", n.Index, clock(d), clock(w.opt.Wait))
		}
	}
}

// wait is since when a key waits, and which version of it was published last.
type wait struct {
	since sched.Instant
	told  uint32
}

// late checks how long what a node gains was under way, where the plan promises that.
func (w *World) late(n *Node, v *view, top uint64) {
	if w.opt.Late == 0 || v.max == 0 { // before that it did not know the author
		return
	}
	for x := v.log.live(v.max + 1); x <= min(top, v.log.max()); x = v.log.live(x + 1) {
		if d := n.now - v.log.at[x]; v.log.at[x] > Start+acquainted && d > w.opt.Late {
			w.broken("late", "version %d of node %d took %v to node %d, nothing is lost, want %v at most", x, v.log.author, clock(d), n.Index, clock(w.opt.Late))
		}
	}
}
