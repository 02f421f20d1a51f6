package names

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// claim asks each step for a while, and says after how long the claim was taken,
// -1 for never, and how many challenges went out.
func claim(silence, step, until sched.Instant, answers func(now sched.Instant) bool) (taken sched.Instant, challenges int) {
	var c Claim
	const start = 10 * sched.Second
	for now := sched.Instant(start); now < start+until; now += step {
		take, challenge := c.Ask(now, silence)
		if take {
			return now - start, challenges
		}
		if challenge {
			challenges++
			if answers(now - start) {
				c.Heard(now + sched.Millisecond)
			}
		}
	}
	return -1, challenges
}

func TestClaim(t *testing.T) {
	silent := func(sched.Instant) bool { return false }
	if at, n := claim(OtherLife, 20*sched.Millisecond, 10*sched.Second, silent); at < OtherLife || at > OtherLife+50*sched.Millisecond || n < ClaimTries {
		t.Errorf("a silent one is given up after %d ms and %d challenges", at/sched.Millisecond, n)
	}
	if at, n := claim(OtherLife, 20*sched.Millisecond, 60*sched.Second, func(sched.Instant) bool { return true }); at >= 0 {
		t.Errorf("one that answers is given up after %d ms and %d challenges", at/sched.Millisecond, n)
	}
	// One that answers seldom, with pauses shorter than the silence.
	if at, _ := claim(OtherLife, 20*sched.Millisecond, 60*sched.Second, func(now sched.Instant) bool { return now/sched.Millisecond/100%9 == 0 }); at >= 0 {
		t.Errorf("one that answers each 900 ms is given up after %d ms", at/sched.Millisecond)
	}
	// It answers for 5 s, then no more.
	if at, _ := claim(SameLife, 20*sched.Millisecond, 60*sched.Second, func(now sched.Instant) bool { return now < 5*sched.Second }); at < 5*sched.Second || at > 6*sched.Second {
		t.Errorf("given up after %d ms", at/sched.Millisecond)
	}
	// Who asks once a minute never gets it: each time is a claim of its own.
	if at, n := claim(SameLife, 60*sched.Second, 600*sched.Second, silent); at >= 0 || n != 10 {
		t.Errorf("asked once a minute: %d, %d challenges", at, n)
	}
	// However often it is asked, challenges are rare.
	if _, n := claim(10*sched.Second, sched.Microsecond*100, sched.Second, silent); n > int(sched.Second/claimGap)+1 {
		t.Errorf("%d challenges in a second", n)
	}
}

// Who has answered a challenge where it is known rests for a second: it is not asked for what comes from
// elsewhere. What else is heard from there is no answer.
func TestClaimRests(t *testing.T) {
	var c Claim
	now := sched.Instant(sched.Second)
	rests := func(at sched.Instant, want bool) {
		t.Helper()
		if c.Rests(at) != want {
			t.Errorf("after %d ms: %v", (at-now)/sched.Millisecond, !want)
		}
	}
	rests(now, false)
	c.Answered(now) // nobody else said to be it
	rests(now, false)
	c.Ask(now+1, SameLife)
	rests(now+1, false)
	c.Heard(now + 2)
	rests(now+2, false)
	c.Answered(now + 3)
	rests(now+3, true)
	rests(now+1+claimRest-1, true)
	rests(now+1+claimRest, false)
	if take, challenge := c.Ask(now+claimRest+5, SameLife); take || !challenge || c.Rests(now+claimRest+5) {
		t.Error("the next claim is not one of its own")
	}
}
