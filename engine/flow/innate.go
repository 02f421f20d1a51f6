package flow

// innate is the loss of a path that no sender makes: a radio's, a bad cable's. A link that many
// senders fill loses less when all of them send less, and all do. So what is still lost at a rate
// that is a share of the thinnest link ([Budget].least) is the path's own, and only what is lost
// beyond it is taken for congestion. If that turns out wrong (much more is lost as soon as more is
// sent) it is forgotten, and believed only after twice as long the next time.
type innate struct {
	share  uint16 // of frames, in 1/65536; 0: none is believed
	seen   uint16 // frames judged at the least rate
	doubts uint8  // how often it was wrong
}

const (
	innateFrames = 24      // judged at the least rate, before their loss is believed
	innateMost   = 1 << 15 // half: a path that loses more at the least rate is too thin for it
	innateDoubts = 6       // at most: then it takes 64 times as many frames
)

// beyond is how many of a round's frames count as lost by congestion. On a path that loses by
// itself a round is too short to tell, and the smoothed loss has to do; by chance it strays from what
// the path loses, and strayed when that was learned, by up to a quarter.
func (x *innate) beyond(seen, lost, smoothed uint16) uint16 {
	if x.share == 0 {
		return lost
	}
	strays := min(uint32(x.share)+uint32(x.share>>2), 1<<16-1)
	return uint16(uint32(seen) * (uint32(smoothed) - min(uint32(smoothed), strays)) >> 16)
}

// wrong says that much is lost beyond it.
func (x *innate) wrong() {
	if x.share != 0 {
		*x = innate{doubts: min(x.doubts+1, innateDoubts)}
	}
}

// look takes in a round: at the least rate, or not. What is believed follows a loss that gets less, and
// ends with it: the path is sound again, so a later loss is learned like the first.
func (x *innate) look(seen, smoothed uint16, least bool) {
	switch {
	case smoothed < x.share:
		x.share -= (x.share - smoothed) / 4
		if x.share <= 1<<(16-lossShift) {
			*x = innate{doubts: x.doubts / 2}
		}
	case x.share == 0 && least:
		if x.seen += seen; x.seen >= innateFrames<<x.doubts {
			x.seen = 0
			if smoothed > 1<<(16-lossShift) && smoothed <= innateMost {
				x.share = smoothed
			}
		}
	}
}
