package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Who has a name: the holder while it answers, whoever asks and however often.
func TestJudge(t *testing.T) {
	const now = 10 * sched.Second
	f := func(what string, open bool, in codec.Intro, from netip.AddrPort, want Verdict, challenges bool) {
		t.Helper()
		x := Holder{Gen: 7, Since: 6, Open: open, Addr: here, Claim: new(Claim)}
		if v, challenge := x.Judge(now, &in, from); v != want || challenge != challenges {
			t.Errorf("%s: %d, challenge %v", what, v, challenge)
		}
	}
	f("a dead holder", false, codec.Intro{Gen: 9}, there, Succeeds, false)
	f("at its address", true, codec.Intro{Gen: 9}, here, Succeeds, false)
	f("a renewal, from others", true, codec.Intro{Gen: 9, Since: 6}, netip.AddrPort{}, Succeeds, false)
	f("the senior", true, codec.Intro{Gen: 9, Since: 5}, there, Succeeds, false)
	f("the senior, from others", true, codec.Intro{Gen: 9, Since: 5}, netip.AddrPort{}, Unproven, false)
	f("the senior, below it", true, codec.Intro{Gen: 5}, there, Waits, true)
	f("a junior", true, codec.Intro{Gen: 9}, there, Waits, true)
	f("a junior, from others", true, codec.Intro{Gen: 9}, netip.AddrPort{}, Waits, true)
}

// A holder that answers its challenges loses to nobody; one that is silent is outlived
// after a second, not before.
func TestHoldersAreOutlivedBySilence(t *testing.T) {
	run := func(answers bool) (v Verdict, took sched.Instant) {
		x := Holder{Gen: 7, Since: 7, Open: true, Addr: here, Claim: new(Claim), RTT: sched.Millisecond}
		for now := sched.Instant(sched.Second); took < 5*sched.Second; now, took = now+100*sched.Millisecond, took+100*sched.Millisecond {
			var challenge bool
			if v, challenge = x.Judge(now, &codec.Intro{Gen: 9}, there); v == Outlives {
				return v, took
			}
			if challenge && answers {
				x.Claim.Heard(now + 1)
			}
		}
		return v, took
	}
	if v, _ := run(true); v != Loses {
		t.Errorf("a holder that answers: %d", v)
	}
	if v, took := run(false); v != Outlives || took < OtherLife || took > 2*OtherLife {
		t.Errorf("a holder that is silent: %d after %d ms", v, took/sched.Millisecond)
	}
}
