package compare

import (
	"math/bits"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
)

// The comparison by ranges of identifiers, in the place of a Merkle tree (range-based set
// reconciliation, Meyer 2022). Identifiers are hashes, so that equal parts of their space hold
// about as many origins:
//
//	b -> a  Ranges: fingerprints of 64 parts
//	a -> b  Ranges: of a sixteenth of each part that differs, or a window of the version vector where few origins are left
//	b -> a  the same of what a's answer shows, or Pull and Runs
//
// Nothing is kept of it but what waits for its frame; each record stands alone, as windows do.
const (
	rangeRoot   = 6   // bits of the parts of everything: those that the store looks up
	rangeSplit  = 4   // bits more of the parts of a part
	rangeLeaf   = 16  // origins that are listed rather than split
	rangesMax   = 256 // parts that wait for their frames, to all peers
	rangeFrames = 16  // of one answer; where more differs, windows of the vector cost less
)

const _ uint = codec.FrameBytesFloor - codec.HeaderBytesMax - codec.TagBytes - (codec.RecordBytes + 9 + 8<<rangeRoot)

// part is one that differs: the peer is to hear more of it.
type part struct {
	peer uint32
	bits uint8
	lo   codec.OriginID
}

// wantRange makes it due that the peer hears more of a part; false: there is no room.
func (c *Compare) wantRange(x part) bool {
	if c.parts == nil {
		c.parts = make([]part, 0, rangesMax)
	}
	if len(c.parts) == cap(c.parts) {
		*c.busy++
		return false
	}
	c.parts = append(c.parts, x)
	c.say(x.peer, sayRanges)
	return true
}

// dropRanges gives up what waits for a peer.
func (c *Compare) dropRanges(p uint32) {
	c.host.Peer(p).say &^= sayRanges
	c.parts = slices.DeleteFunc(c.parts, func(x part) bool { return x.peer == p })
}

// few counts the origins of a part, those beyond rangeLeaf as one.
func (c *Compare) few(lo, hi codec.OriginID) (n int) {
	for o := c.store.FirstAtOrAfter(lo); o != 0 && c.store.ID(o) <= hi && n <= rangeLeaf; o = c.store.Following(o) {
		n++
	}
	return n
}

// onRanges looks which parts differ here. More is said of each, or of everything when that takes
// less.
func (c *Compare) onRanges(f *reconcile.Frame, body []byte) bool {
	r, err := codec.ParseRanges(body)
	if err != nil {
		return false
	}
	if c.Agrees(f) {
		c.shared.Agreements++
		return true
	}
	bytes, n := 0, r.Len()
	if c.allDiffer(&r) {
		c.compareVectors(f.Peer)
		return true
	}
	for i, at := 0, int(c.rand.Uint32n(uint32(n))); i < n; i++ { // none is the last for ever where there is no room
		lo, print := r.At((at + i) % n)
		if print == c.store.RangePrint(lo, r.Bits) {
			continue
		}
		if bytes += c.partBytes(lo, r.Bits); bytes <= rangeFrames*c.cfg.Frame && c.wantRange(part{f.Peer, uint8(r.Bits), lo}) {
			continue
		}
		if !c.many() { // else the parts that have no room come with a later exchange
			c.dropRanges(f.Peer)
			c.compareVectors(f.Peer)
		}
		break
	}
	return true
}

// allDiffer tells whether there is no part of everything that is equal: then ranges show nothing.
// Where origins are many a few hundred that differ are in all parts, and are still few.
func (c *Compare) allDiffer(r *codec.Ranges) bool {
	for i := range r.Len() {
		if lo, print := r.At(i); print == c.store.RangePrint(lo, r.Bits) {
			return false
		}
	}
	return !c.many() && r.Bits <= rangeRoot && r.Len() == 1<<r.Bits
}

// partBytes is about what it takes to say more of a part.
func (c *Compare) partBytes(lo codec.OriginID, of int) int {
	if n := c.few(state.IDRange(lo, of)); n <= rangeLeaf {
		return codec.DigestOverhead + n*vectorEntry
	}
	return codec.RangesBytes(1 << rangeSplit)
}

// appendRanges says more of the parts that wait for the peer, as far as there is room.
func (c *Compare) appendRanges(b []byte, g *reconcile.Page) []byte {
	kept, full := c.parts[:0], false
	for i := range c.parts {
		x := &c.parts[i]
		if x.peer == g.Peer && !full {
			out := c.appendPart(b, g, x)
			if full = out == nil; !full {
				b = out
				continue
			}
		}
		kept = append(kept, *x)
	}
	c.parts = kept
	if !full {
		c.host.Peer(g.Peer).say &^= sayRanges
	}
	return b
}

// appendPart says more of a part: who is in it, or the fingerprints of parts of it. nil: there is
// no room.
func (c *Compare) appendPart(b []byte, g *reconcile.Page, x *part) []byte {
	lo, hi := state.IDRange(x.lo, int(x.bits))
	to := int(x.bits) + rangeSplit
	if x.bits == 0 {
		to = min(rangeRoot, bits.Len(uint(c.store.Len())/4))
	}
	if to > 64 || c.few(lo, hi) <= rangeLeaf {
		return c.appendLeaf(b, g, lo, hi)
	}
	if n := 1 << (to - int(x.bits)); len(b)+codec.RangesBytes(n) <= g.Limit {
		start := len(b)
		b = codec.BeginRanges(b, to, lo)
		for i := range n {
			b = codec.AppendRangePrint(b, c.store.RangePrint(lo+codec.OriginID(i)<<(64-to), to))
		}
		c.n.RangesSent++
		return codec.EndRecord(b, start)
	}
	return nil
}

// appendLeaf lists the origins of a part, as a window of the version vector does.
func (c *Compare) appendLeaf(b []byte, g *reconcile.Page, lo, hi codec.OriginID) []byte {
	if len(b)+codec.DigestOverhead+c.few(lo, hi)*vectorEntryMax > g.Limit {
		return nil
	}
	var w codec.DigestWriter
	w.Begin(b, g.Limit, c.host.Peer(g.Peer).wants(), lo)
	for o := c.store.FirstAtOrAfter(lo); o != 0 && c.store.ID(o) <= hi; o = c.store.Following(o) {
		w.Add(codec.DigestEntry{ID: c.store.ID(o), Max: c.store.Max(o), Floor: c.store.Floor(o), Dirty: c.store.Dirty(o)})
	}
	c.shared.DigestsSent++
	return w.End(hi)
}
