package link

// overtakenMost is how many frames one may be overtaken by.
const overtakenMost = 1 << 20

// Reborn begins another life of this node, or of the peer: the last frame of the life before is the
// last one so far.
func (p *Path) Reborn() { p.before, p.unproven = p.seq, true }

// Means tells whether what a frame of the peer says is about our present life, and meant by its own:
// it says that it has seen our frames up to a number, 0 for none. What it acknowledges, and what it
// counts, does not name a life, and what was said to lives before may be on its way still, also from
// a peer that knew of such a life and saw no frame of it.
func (p *Path) Means(ack uint32) bool {
	if !p.unproven {
		return true
	}
	ack = p.Told(ack)
	since := int32(ack - p.before)
	if ack == 0 || since <= 0 {
		return false
	}
	p.unproven = since <= overtakenMost
	return true
}
