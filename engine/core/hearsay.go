package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
)

// A member that others named, and that never answered us, is not watched: it is
// neither alive nor dead here. Two things make sure that such a one does not
// stay for ever. Whoever hears that it is dead takes it into the detector's
// table then, and it is condemned and buried as elsewhere. And whoever is told
// of an origin that it has buried says so: so one that missed the burial, for
// it was cut off, or joined in the last minute, does not bring the dead back.

// hearsay takes members into the detector's table whose death is told before
// they ever answered.
func (c *Core) hearsay(from uint32, body []byte) {
	facts, err := codec.ParseFacts(body)
	if err != nil || c.known(from) == 0 || c.live.Status(from) >= member.Dead {
		return
	}
	for i := range facts.Len() {
		f := facts.At(i)
		if f.Status < member.Dead {
			continue
		}
		if p := c.byID.find(f.ID); p != 0 && !c.peers[p].proven() {
			c.watch(p)
		}
	}
}

// burials are answers to members that named a buried origin: a few at a time,
// since they name it again.
type burials struct {
	peer [16]uint32
	id   [16]codec.OriginID
	n    int
}

// exhumed answers a member that speaks of an origin which is buried here.
func (c *Core) exhumed(p uint32, id codec.OriginID) {
	b := &c.burials
	if p == 0 || c.lab.NoDetector || c.known(p) == 0 || b.n == len(b.peer) || !c.live.Buried(c.now, id) {
		return
	}
	for i := range b.n {
		if b.peer[i] == p && b.id[i] == id {
			return
		}
	}
	b.peer[b.n], b.id[b.n] = p, id
	b.n++
}

// composeBurials encodes the burials that one member should know of. A higher
// incarnation there is found by the comparison of facts.
func (c *Core) composeBurials(dst []byte) (n int, to netip.AddrPort, ok bool) {
	b := &c.burials
	for b.n > 0 {
		p := b.peer[b.n-1]
		if q := &c.peers[p]; !q.proven() || !c.guard.Reachable(p) {
			b.n--
			continue
		}
		out, _ := c.beginDetector(dst)
		start := len(out)
		out = codec.BeginRecord(out, codec.TypeVerdict)
		kept := 0
		for i := range b.n {
			if b.peer[i] != p {
				b.peer[kept], b.id[kept] = b.peer[i], b.id[i]
				kept++
				continue
			}
			out = codec.AppendFact(out, codec.Fact{ID: b.id[i], Status: member.Buried})
		}
		b.n = kept
		if out = c.finish(codec.EndRecord(out, start), p); len(out) > 0 {
			return c.endDetector(out), c.peers[p].addr, true
		}
	}
	return 0, to, false
}
