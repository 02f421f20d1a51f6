package sim

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

const (
	auditEvery = 256 // steps between two audits, each of the next node
	smallKeys  = 48  // an origin with so few entries is looked through whole each time
)

// advanced holds what a node gained of one origin against what its author
// wrote.
func (w *World) advanced(n *Node, o state.Origin) {
	s := n.Core.Parts().Store
	v := n.view(o)
	if id := s.ID(o); v.id != id {
		*v = view{id: id, log: w.byID[id]}
	}
	top := s.Max(o)
	switch {
	case v.log == nil:
		w.stranger(n, o)
		return
	case top < v.max:
		w.broken("monotone", "node %d went back from %d to %d of node %d", n.Index, v.max, top, v.log.author)
	}
	from := v.max
	if s.Entries(o) <= smallKeys {
		from = 0
	}
	w.prefix(n, o, v, from)
	w.late(n, v, top)
	if s.Entries(o) <= smallKeys {
		w.whole(n, o, v)
	}
	v.max = top
}

// prefix checks versions above from of one origin at one node:
//   - nothing is here that the author did not write, nor, but for precise
//     reconciliation and where room was lacking, above the prefix;
//   - no key went back to a version below one that was here before: nothing that
//     was replaced or deleted returns;
//   - everything is here that is within the prefix and still the author's newest:
//     the invariant C(author, replica) of the paper.
//
// Of a key whose newest version lies above the prefix, any older one may be
// here, or none: whoever sent the run had the newer one already.
func (w *World) prefix(n *Node, o state.Origin, seen *view, from uint64) {
	s, h := n.Core.Parts().Store, seen.log
	top := s.Max(o)
	if len(h.twins) > 0 {
		w.prefixOfTwins(n, o, h)
		return
	}
	if last := s.Last(o); last > h.max() {
		w.broken("ahead", "node %d holds node %d up to %d, which wrote %d", n.Index, h.author, last, h.max())
		return
	}
	var c state.Cursor
	var e codec.Entry
	floor := s.Floor(o)
	if a := w.Nodes[h.author]; n.cfg.Order.Precise() && a.Up && a.log == h {
		own := a.Core.Parts()
		floor = max(floor, own.Store.Floor(own.Own)) // whoever holds what the author does may be level before it hears of the floor
	}
	want := h.needed(from+1, floor)
	for s.After(o, from, &c); c.Next(&e); {
		v := e.Version
		switch {
		case v > top && o == n.Core.Parts().Own:
			return // written, and not published yet
		case v > top && !n.cfg.Order.Precise() && !n.lacksRoom():
			w.broken("prefix", "node %d holds version %d of node %d above its prefix %d", n.Index, v, h.author, top)
		case want < v && want <= top:
			w.broken("missing", "node %d lacks version %d (deleted: %v) of node %d within its prefix %d, floor %d, dirty: %v",
				n.Index, want, h.dead[want], h.author, top, floor, s.Dirty(o))
		case h.hash[v] != entryHash(&e):
			w.broken("forged", "node %d holds %q=%q at version %d, which node %d never wrote", n.Index, e.Key, e.Value, v, h.author)
		case !seen.holds(h.key[v], v):
			w.broken("resurrected", "node %d holds %q of node %d at version %d, after it held version %d",
				n.Index, e.Key, h.author, v, seen.held[h.key[v]])
		}
		if w.err != nil {
			return
		}
		if v >= want {
			want = h.needed(v+1, floor)
		}
		if o == n.Core.Parts().Own {
			h.told[h.key[v]] = uint32(v)
		}
	}
	if want <= top {
		w.broken("missing", "node %d lacks version %d (deleted: %v) of node %d within its prefix %d, floor %d, dirty: %v",
			n.Index, want, h.dead[want], h.author, top, floor, s.Dirty(o))
	}
}

// lacksRoom tells whether a node has lower limits than the others: what takes the place
// of something that it holds is taken beyond what there was no room for.
func (n *Node) lacksRoom() bool { return n.cfg.Limits.State.Keys < keysRoomy }

// prefixOfTwins is what can be said after amnesia: each entry is of one of the
// lives that used the origin.
func (w *World) prefixOfTwins(n *Node, o state.Origin, h *history) {
	var c state.Cursor
	var e codec.Entry
	for n.Core.Parts().Store.After(o, 0, &c); c.Next(&e); {
		x, ok := entryHash(&e), h.wrote(&e)
		for _, t := range h.twins {
			ok = ok || t.wrote(&e)
		}
		if !ok {
			w.broken("forged", "node %d holds %q=%q (%x) at version %d, which node %d never wrote in any life",
				n.Index, e.Key, e.Value, x, e.Version, h.author)
			return
		}
	}
}

// holds notes a key's version and says whether it is not older than before.
func (v *view) holds(key uint32, version uint64) bool {
	for int(key) >= len(v.held) {
		v.held = append(v.held, 0)
	}
	ok := uint32(version) >= v.held[key]
	v.held[key] = max(v.held[key], uint32(version))
	return ok
}

func (h *history) wrote(e *codec.Entry) bool {
	return e.Version <= h.max() && h.hash[e.Version] == entryHash(e)
}

// known checks that a name's generation never goes back at a node.
func (w *World) known(n *Node, o state.Origin) {
	s := n.Core.Parts().Store
	if o == 0 {
		return
	}
	name, gen := string(s.Name(o)), s.Gen(o)
	if n.names == nil {
		n.names = map[string]uint64{}
	}
	if gen < n.names[name] {
		w.broken("generation", "node %d goes back from generation %d to %d of %s", n.Index, n.names[name], gen, name)
	}
	n.names[name] = gen
}

// auditSome looks a node over, whole, as often as it is time for it.
func (w *World) auditSome() {
	if int(w.Stats.Events/auditEvery) > w.audits {
		w.audits = int(w.Stats.Events / auditEvery)
		w.Audit(w.audits % len(w.Nodes))
	}
}

// Audit checks everything that a node holds: each origin as prefix does, that
// the index finds what the log has, the fingerprint, and the limits.
func (w *World) Audit(i int) {
	n := w.Nodes[i]
	if !n.Up {
		return
	}
	s := n.Core.Parts().Store
	l, st := s.Limits(), s.Stats()
	keys := l.Keys + 2*max(l.Keys/16, st.Origins) + len(w.Nodes) // a share is kept for each, and leaving takes a key
	if st.Origins > l.Origins || st.LiveKeys > keys || st.CellBytes > l.ValueBytes {
		w.broken("limits", "node %d holds %d origins, %d keys, %d bytes; its limits are %d, %d with what is kept for each, %d",
			i, st.Origins, st.LiveKeys, st.CellBytes, l.Origins, keys, l.ValueBytes)
	}
	if s.Fingerprint() != s.Recompute() {
		w.broken("fingerprint", "node %d has fingerprint %x, its origins give %x", i, s.Fingerprint(), s.Recompute())
	}
	if n.cfg.Order.Precise() && s.KeyPrint() != s.RecomputeKeys() {
		w.broken("fingerprint", "node %d has fingerprint %x by key, its keys give %x", i, s.KeyPrint(), s.RecomputeKeys())
	}
	for o := s.FirstAtOrAfter(0); o != 0 && w.err == nil; o = s.Following(o) {
		h := w.byID[s.ID(o)]
		if h == nil {
			w.stranger(n, o)
			return
		}
		v := n.view(o)
		if v.id != s.ID(o) {
			*v = view{id: s.ID(o), log: h}
		}
		if s.Max(o) < v.max {
			w.broken("monotone", "node %d went back from %d to %d of node %d", i, v.max, s.Max(o), h.author)
		}
		w.prefix(n, o, v, 0)
		w.whole(n, o, v)
		w.index(n, o)
	}
}

// index checks that each entry of the log is what its key finds.
func (w *World) index(n *Node, o state.Origin) {
	s := n.Core.Parts().Store
	var c state.Cursor
	var e, found codec.Entry
	k := 0
	for s.After(o, 0, &c); c.Next(&e); k++ {
		if !s.Get(o, e.Key, &found) || found.Version != e.Version {
			w.broken("index", "node %d: version %d of %q is in the log, the index finds %d", n.Index, e.Version, e.Key, found.Version)
			return
		}
	}
	if k != s.Entries(o) {
		w.broken("index", "node %d counts %d entries of an origin, its log holds %d", n.Index, s.Entries(o), k)
	}
}

func (w *World) stranger(n *Node, o state.Origin) {
	s := n.Core.Parts().Store
	w.broken("stranger", "node %d holds %s generation %d, which nobody made", n.Index, s.Name(o), s.Gen(o))
}
