package sim

import (
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Equal reports whether all nodes that are up hold the same, and each of them
// is known to all.
func (w *World) Equal() bool { return w.Difference() == "" }

// Difference says in what nodes that are up differ; empty when in nothing.
func (w *World) Difference() string {
	var first *Node
	for _, n := range w.Nodes {
		switch {
		case !n.Up || w.rooms != nil && !w.rooms(n.Index):
		case n.Core.Parts().Flow.Behind():
			return fmt.Sprintf("node %d holds writes back", n.Index)
		case first == nil:
			first = n
		case n.print() != first.print():
			return fmt.Sprintf("nodes %d and %d: %s", first.Index, n.Index, differ(first, n))
		}
	}
	if first == nil {
		return ""
	}
	for _, n := range w.Nodes {
		if n.Up && first.Core.Parts().Store.Find(n.Core.Parts().Self.ID) == 0 && !n.blank() {
			return fmt.Sprintf("node %d does not know node %d", first.Index, n.Index)
		}
	}
	return ""
}

// print is what tells replicas apart in the node's mode: what they hold of each
// origin, or of each key.
func (n *Node) print() uint64 {
	if n.cfg.Order.Precise() {
		return n.Core.Parts().Store.KeyPrint()
	}
	return n.Core.Parts().Store.Fingerprint()
}

// blank reports a node of which nobody needs to know: precise mode compares
// keys, and it has none.
func (n *Node) blank() bool {
	return n.cfg.Order.Precise() && n.Core.Parts().Store.Entries(n.Core.Parts().Own) == 0
}

// differ says how two replicas differ, by the first origin that shows it.
func differ(a, b *Node) string {
	s, t := a.Core.Parts().Store, b.Core.Parts().Store
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		p := t.Find(s.ID(o))
		precise := a.cfg.Order.Precise()
		switch {
		case precise && s.Entries(o) == 0:
		case p == 0:
			return fmt.Sprintf("%s generation %d is known to the first alone", s.Name(o), s.Gen(o))
		case precise && keysOf(s, o) != keysOf(t, p):
			return fmt.Sprintf("%s generation %d\n%s\nand\n%s", s.Name(o), s.Gen(o), keysOf(s, o), keysOf(t, p))
		case !precise && (s.Max(o) != t.Max(p) || s.Floor(o) != t.Floor(p)):
			return fmt.Sprintf("%s up to %d and %d, floors %d and %d", s.Name(o), s.Max(o), t.Max(p), s.Floor(o), t.Floor(p))
		case !precise && s.Dirty(o) != t.Dirty(p):
			return fmt.Sprintf("%s up to %d, dirty: %v and %v", s.Name(o), s.Max(o), s.Dirty(o), t.Dirty(p))
		}
	}
	for o := t.FirstAtOrAfter(0); o != 0; o = t.Following(o) {
		if s.Find(t.ID(o)) == 0 {
			return fmt.Sprintf("%s generation %d is known to the second alone", t.Name(o), t.Gen(o))
		}
	}
	return "by their fingerprints alone"
}

// keysOf lists the keys of an origin with their versions.
func keysOf(s *state.Store, o state.Origin) string {
	var b strings.Builder
	var c state.Cursor
	var e codec.Entry
	for s.After(o, 0, &c); c.Next(&e); {
		fmt.Fprintf(&b, " %q@%d", e.Key, e.Version)
	}
	return b.String()
}

// Converge lets time pass until the nodes are equal, looking every step, and
// says how long it took and whether it was not longer than limit.
func (w *World) Converge(step, limit sched.Instant) (took sched.Instant, ok bool) {
	start := w.now
	for w.err == nil {
		if w.Equal() {
			return w.now - start, true
		}
		if w.now-start >= limit {
			break
		}
		w.Run(step)
	}
	return w.now - start, false
}

// Verify audits every node and compares each replica with its author, key by
// key, once they should be equal.
func (w *World) Verify() {
	for _, a := range w.Nodes {
		w.Audit(a.Index)
		if !a.Up || len(a.log.twins) > 0 {
			continue
		}
		s := a.Core.Parts().Store
		if s.Max(a.Core.Parts().Own) != a.log.max() {
			w.broken("lost", "node %d holds %d of its own, it wrote %d", a.Index, s.Max(a.Core.Parts().Own), a.log.max())
		}
	}
}

// Coverage is the share of (replica, author) pairs, in parts per million, in
// which the replica holds all that the author wrote. It looks at most at
// authorsSampled authors, evenly spread.
func (w *World) Coverage() int {
	n := len(w.Nodes)
	step := max(1, n/authorsSampled)
	have, pairs := 0, 0
	for j := 0; j < n; j += step {
		a := w.Nodes[j]
		if !a.Up {
			continue
		}
		id, top := a.Core.Parts().Self.ID, a.Core.Parts().Store.Max(a.Core.Parts().Own)
		for _, d := range w.Nodes {
			if !d.Up {
				continue
			}
			pairs++
			if o := d.Core.Parts().Store.Find(id); o != 0 && d.Core.Parts().Store.Max(o) == top {
				have++
			}
		}
	}
	if pairs == 0 {
		return 1e6
	}
	return have * 1e6 / pairs
}

const authorsSampled = 64

// Replica is what a node holds of another's current life: how far, and whether
// it knows it at all.
func (w *World) Replica(at, of int) (max uint64, known bool) {
	s := w.Nodes[at].Core.Parts().Store
	var o state.Origin
	if o = s.Find(w.Nodes[of].Core.Parts().Self.ID); o == 0 {
		return 0, false
	}
	return s.Max(o), true
}
