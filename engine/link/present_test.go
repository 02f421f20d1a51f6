package link

import "testing"

// TestWordsAboutAnotherLife: what was said before the peer had seen a frame of this life is not about
// this life, also where numbers wrap, where it has seen none at all, and where it names one that was
// not sent; frames do not count for ever.
func TestWordsAboutAnotherLife(t *testing.T) {
	f := func(p *Path, sent, seen uint32, want bool) {
		t.Helper()
		p.seq = sent
		if got := p.Means(seen); got != want {
			t.Errorf("of frames up to %d those up to %d are seen, the life began after %d: %v", sent, seen, p.before, got)
		}
	}
	var first Path
	f(&first, 0, 0, true)
	for _, last := range []uint32{0, 1, 1 << 31, 1<<32 - 1, 1<<32 - 2} {
		var p Path
		p.Init(5)
		f(&p, last, last, int32(last-5) > 0)
		p.Reborn()
		f(&p, last, 0, false)
		f(&p, last, last-1, false)
		f(&p, last, last, false)
		f(&p, last+2, last+3, false) // of a former process
		begins := last               // of numbers; where there are none yet they begin anywhere
		if last == 0 {
			begins = 1<<31 + 5
		}
		var next Path
		next.Init(begins)
		f(&next, begins, 0, false)
		f(&next, begins, begins, false)
		f(&next, begins+3, begins+3, true)
		f(&p, last+3, last+3, true)
		f(&p, last+3, last-1000, false)
		f(&p, last+1000, last+1000, true)
		f(&p, last+overtakenMost+1, last+overtakenMost+1, true)
		f(&p, last+1<<31, last+1<<31, true) // what has come so far is no question any more
	}
}
