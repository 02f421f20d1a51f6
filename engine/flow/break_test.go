package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// wide is what the receiver takes: 50 MB/s.
var wide = Credit16(50_000_000)

// breakingPath is a wide path with a round trip that loses some frames by itself. Its sender always has
// more to send.
type breakingPath struct {
	Budget
	rand      sched.Rand
	rtt       sched.Instant
	lost      uint64 // of 1000 frames
	burst     int    // frames that are lost together
	gone      int
	seq, high uint32
	mask      uint64
	acks      []ack
}

func (p *breakingPath) run(from, until sched.Instant) (frames int) {
	for now := from; now < until; now += sched.Millisecond {
		for len(p.acks) > 0 && p.acks[0].at <= now {
			a := p.acks[0].a
			a.Sent = p.seq
			p.Acked(now, &a)
			p.acks = p.acks[1:]
		}
		for p.Allow(now, Normal) {
			asked := p.Ask(now)
			p.seq++
			p.Spend(now, frameBytes, p.seq, asked)
			frames++
			if p.gone == 0 && p.rand.Uint64n(1000*uint64(p.burst)) < p.lost {
				p.gone = p.burst
			}
			if p.gone > 0 {
				p.gone--
				continue
			}
			p.mask = p.mask<<min(64, p.seq-p.high) | 1
			p.high = p.seq
			if asked {
				p.acks = append(p.acks, ack{now + p.rtt, Ack{High: p.high, Map: p.mask, Credit: wide}})
			}
		}
		p.Hold(now)
	}
	return frames
}

// TestWhatFollowsALossIsSentInVain: a frame that is lost has what follows it sent anew, so in a round
// trip no more leaves than some times what comes between two losses, whatever the path could carry;
// and as much as it can as soon as nothing is lost.
func TestWhatFollowsALossIsSentInVain(t *testing.T) {
	const spell = 10 * sched.Second
	for _, of1000 := range []uint64{5, 10, 25} {
		p := breakingPath{rtt: 20 * sched.Millisecond, lost: of1000, burst: 1}
		p.rand.Seed(of1000)
		p.Init(0, frameBytes, 0)
		p.run(0, spell)
		between := 1000 / int(of1000)
		trip := p.run(spell, spell+sched.Second) / 50
		if trip < between/2 || trip > 5*between {
			t.Errorf("%d of 1000 lost: %d frames in a round trip", of1000, trip)
		}
		p.lost = 0
		p.run(spell, 2*spell)
		if after := p.run(2*spell, 2*spell+sched.Second) / 50; after < 5*min(trip, 120) {
			t.Errorf("%d of 1000 lost no more: %d frames in a round trip, %d before", of1000, after, trip)
		}
	}
}

// TestLossesTogetherBreakOnce: what a full queue loses at once is one break.
func TestLossesTogetherBreakOnce(t *testing.T) {
	trips := func(burst int) int {
		p := breakingPath{rtt: 20 * sched.Millisecond, lost: 10, burst: burst}
		p.rand.Seed(7)
		p.Init(0, frameBytes, 0)
		p.run(0, 20*sched.Second)
		return p.run(20*sched.Second, 30*sched.Second) / 500
	}
	if one, many := trips(1), trips(20); many < 2*one {
		t.Errorf("%d frames in a round trip, %d where 20 are lost together", one, many)
	}
}

// TestChanceIsNoCongestion: what a path loses by itself strays from round to round, also in those in which
// it was learned, by a fifth here, and that lowers no rate.
func TestChanceIsNoCongestion(t *testing.T) {
	for _, percent := range []uint64{5, 10, 20, 30, 40} {
		var rand sched.Rand
		rand.Seed(percent)
		b := Budget{innate: innate{share: uint16(percent << 16 / 125)}, loss: uint16(percent << 16 / 100)}
		const rounds = 10_000
		cuts := 0
		for range rounds {
			b.seen, b.lost = roundFrames, 0
			for range roundFrames {
				if rand.Uint64n(100) < percent {
					b.lost++
				}
			}
			b.smooth()
			if b.innate.beyond(b.seen, b.lost, b.loss) > b.seen>>lossShift {
				cuts++
			}
		}
		if cuts > rounds/20 {
			t.Errorf("%d %% lost by chance: %d of %d rounds lower the rate", percent, cuts, rounds)
		}
	}
}
