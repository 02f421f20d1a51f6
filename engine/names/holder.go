package names

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Holder is the member that has a name here.
type Holder struct {
	Gen, Since uint64
	Open       bool           // it answers: it is in service
	Addr       netip.AddrPort // where it does
	Claim      *Claim         // of others to its name
	RTT        sched.Instant  // to it
}

// Verdict is what becomes of another boot with the name of a holder.
type Verdict uint8

const (
	Succeeds Verdict = iota // it has the name
	Outlives                // likewise: the holder stayed silent
	Waits                   // until the holder has answered, or was silent for long enough
	Loses                   // the holder answers
	Unproven                // it would have the name if it answered from its address
)

// Judge decides between the holder of a name and another boot of a generation above it, or the
// same boot below it, which may be a copy; it answers at from; an invalid address: somebody speaks
// of it. challenge: the holder is to be greeted now.
//
// The holder keeps the name as long as it answers. One that does not, or at whose
// address the other one answers, is succeeded; so is a junior by the senior, of two
// that were in service on both sides of a cut. A renewal is the same boot.
func (x *Holder) Judge(now sched.Instant, in *codec.Intro, from netip.AddrPort) (v Verdict, challenge bool) {
	since := Senior(in.Since, in.Gen)
	switch {
	case !x.Open, from == x.Addr, since == x.Since && in.Gen > x.Gen:
		return Succeeds, false
	case since < x.Since && in.Gen > x.Gen && from.IsValid():
		return Succeeds, false
	case since < x.Since && in.Gen > x.Gen:
		return Unproven, false
	case x.Claim.heardSince():
		_, challenge = x.Claim.Ask(now, 0) // for the next time
		return Loses, challenge
	}
	take, challenge := x.Claim.Ask(now, SameLife+OtherLife+4*x.RTT)
	if take {
		return Outlives, false
	}
	return Waits, challenge
}
