package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// burdened is a receiver that takes so many bytes a second, behind a queue, from one sender that
// begins slowly, doubles what it sends while nothing holds it, and hears of the credit after a round
// trip. The kernel's numbers are looked at twenty times a second.
type burdened struct {
	Receiver
	can    uint64
	queue  uint64
	drops  uint64
	sends  uint64
	credit uint32
	looks  int // that found pressure
}

const burdenedRoom = 8 << 20

func (b *burdened) run(now, until sched.Instant) (took uint64) {
	for ; now < until; now += sched.Millisecond {
		if now%(5*sched.Millisecond) == 0 {
			b.sends = min(2*b.sends, 1<<29)
		}
		rate := b.sends
		if b.credit != 0 {
			rate = min(rate, uint64(b.credit))
		}
		b.queue += rate / 1000
		if b.queue > burdenedRoom {
			b.drops += (b.queue - burdenedRoom) / 1400
			b.queue = burdenedRoom
		}
		if now%levelNanos == 0 {
			if b.queue > burdenedRoom/2 || b.drops > b.Receiver.drops {
				b.looks++
			}
			b.Pressure(int(b.queue), burdenedRoom, b.drops)
		}
		n := min(b.queue, b.can/1000)
		for left := n; left > 0; left -= min(left, 1400) {
			b.Arrived(now, false)
			b.Took(int(min(left, 1400)))
		}
		if b.queue -= n; now%(2*sched.Millisecond) == 0 {
			b.credit = Rate16(b.Credit())
		}
		took += n
	}
	return took
}

// TestABurstBindsNobodyForLong: senders that begin fast fill the kernel's buffer once. After that
// the receiver takes most of what it can, from the first second on.
func TestABurstBindsNobodyForLong(t *testing.T) {
	for _, can := range []uint64{4 << 20, 16 << 20, 64 << 20, 100 << 20} {
		b := burdened{can: can, sends: 8 << 20}
		b.Init(0, 0)
		b.run(0, sched.Second/2)
		for at := sched.Instant(sched.Second / 2); at < 4*sched.Second; at += sched.Second / 4 {
			if took := 4 * b.run(at, at+sched.Second/4); took < can/2 {
				t.Errorf("can take %d MB/s: %d MB/s at %v (bound %d, level %d)", can>>20, took>>20, at, b.bound>>20, b.level>>20)
			}
		}
	}
}

// TestPressureThatComesBackIsHeldLonger: a receiver that is slower than its senders for ever looks
// for room ever more rarely.
func TestPressureThatComesBackIsHeldLonger(t *testing.T) {
	b := burdened{can: 16 << 20, sends: 8 << 20}
	b.Init(0, 0)
	took := b.run(0, 10*sched.Second)
	first := b.looks
	took += b.run(10*sched.Second, 60*sched.Second)
	if later := b.looks - first; first == 0 || later/5 > first*3/4 {
		t.Errorf("%d looks of 200 found pressure, then %d of 1000", first, later)
	}
	if took < 60*b.can*3/4 {
		t.Errorf("took %d of %d MB", took>>20, 60*b.can>>20)
	}
}
