package member

import "github.com/quidnunc/quidnunc/codec"

// standing is where the table keeps what it knows of a member: each frame of one asks for it, so it
// is together.
type standing struct {
	fact    uint32 // index of the fact; 0: alive in its first incarnation
	seat    uint8  // one more than the index of its watch; 0: it has none
	entered bool   // it is a member
	mute    bool   // silent for a whole round of ours
	shut    bool   // since it was last heard, its host said that nobody listens at its port
}

const standingBytes = 8

// enter notes that a handle is that of a member; those that the ring holds already, if it holds
// any.
func (t *Table) enter() {
	for h := range uint32(len(t.standings)) {
		t.standings[h].entered = t.ring.ID(h) != 0
	}
}

// entered tells whether a handle is that of a member.
func (t *Table) entered(h uint32) bool { return h < uint32(len(t.standings)) && t.standings[h].entered }

// Status is what is believed of a member; Alive for a handle without one.
func (t *Table) Status(h uint32) Status {
	i := t.standings[h].fact
	if i == 0 {
		return Alive
	}
	return t.facts[i].status
}

// Incarnation is the last known of a member.
func (t *Table) Incarnation(h uint32) uint32 { return t.facts[t.standings[h].fact].incarnation }

// ID is the identifier of a member, 0 for none.
func (t *Table) ID(h uint32) codec.OriginID { return t.ring.ID(h) }
