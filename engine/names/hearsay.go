package names

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// How long others' word is good for somebody whom nobody met meanwhile. Ages travel
// with the word and only grow, so it ends everywhere at about the same time, and
// nobody brings back what ended here: what is still passed on is younger by far.
const (
	HearsayAge   = 20 * sched.Second // it ends
	HearsayFresh = 10 * sched.Second // until then it is passed on; later others are asked
	hearsayAsk   = 500 * sched.Millisecond
)

// Hearsay is what is kept of a member that others named and that never answered here.
// Who knows it only so is no witness: what counts is when somebody last had met it,
// which whoever passes the word on says as an age.
type Hearsay struct {
	met sched.Instant  // by somebody, as far as is known
	by  codec.OriginID // who said so last
	odd bool
}

// HearsayBytes is what it takes.
const HearsayBytes = 24

// Told notes that a peer said how long ago somebody met it, in codec.IntroAgeUnit.
func (h *Hearsay) Told(now sched.Instant, by codec.OriginID, age uint8) {
	if met := now - sched.Instant(age)*codec.IntroAgeUnit; h.by == 0 || met > h.met {
		h.met, h.by = met, by
	}
}

// Age is how long ago somebody met it, to be passed on; false: for too long.
func (h *Hearsay) Age(now sched.Instant) (age uint8, ok bool) {
	since := now - h.met
	return uint8(min((since+codec.IntroAgeUnit-1)/codec.IntroAgeUnit, 255)), since <= HearsayFresh
}

// FreshAge reports whether word of such an age may make somebody known.
func FreshAge(age uint8) bool { return sched.Instant(age)*codec.IntroAgeUnit <= HearsayFresh }

// Next is what to do now: end it, or ask others whether somebody met it, in turn who
// said so last (by) and anybody (0); and when to look again.
func (h *Hearsay) Next(now sched.Instant) (end, ask bool, by codec.OriginID, again sched.Instant) {
	switch since := now - h.met; {
	case since >= HearsayAge:
		return true, false, 0, sched.Never
	case since < HearsayFresh:
		return false, false, 0, h.met + HearsayFresh
	}
	if h.odd = !h.odd; h.odd {
		by = h.by
	}
	return false, true, by, min(now+hearsayAsk, h.met+HearsayAge)
}
