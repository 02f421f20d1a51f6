package link

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const ms = sched.Millisecond

// pair is a path and what all paths have in common, after some frames left.
func pair(first uint32, frames int) (*Paths, *Path) {
	s, p := new(Paths), new(Path)
	s.Init(0, 40*ms, 0)
	p.Init(first)
	s.wake(0, p)
	for range frames {
		p.Sent(false)
	}
	return s, p
}

// Numbers wrap: everything holds across 2^32.
var starts = []uint32{0, 7, 1<<31 - 3, 1<<32 - 3}

func TestReceivedKeepsTheLast64(t *testing.T) {
	for _, first := range starts[1:] {
		var p Path
		see := func(seq uint32, fresh bool, high uint32, seen uint64) {
			t.Helper()
			if got := p.Received(first + seq); got != fresh {
				t.Errorf("%d: fresh %v", seq, got)
			}
			if h, m := p.Seen(); h != first+high || m != seen {
				t.Errorf("%d: high %d, seen %b; want %d, %b", seq, h-first, m, high, seen)
			}
		}
		see(0, true, 0, 1)
		see(0, false, 0, 1)
		see(1, true, 1, 0b11)
		see(4, true, 4, 0b11001)
		see(2, false, 4, 0b11101)
		see(67, true, 67, 0b1<<63|1)
		see(3, false, 67, 0b1<<63|1) // too far behind
		see(67+64, true, 131, 1)
		see(1<<31, true, 1<<31, 1)
	}
}

// TestANumberAheadHidesFewFrames: however far ahead somebody pushes a peer's number, the peer is
// heard again with the fourth of its own frames; what comes again, goes back or stands alone moves
// nothing.
func TestANumberAheadHidesFewFrames(t *testing.T) {
	for _, first := range starts[1:] {
		for _, jump := range []uint32{mapBits, 1000, 1 << 20, 1<<31 - 100} {
			var p Path
			see := func(seq uint32, fresh bool) {
				t.Helper()
				if got := p.Received(first + seq); got != fresh {
					t.Errorf("from %d, %d ahead: frame %d: fresh %v", first, jump, seq, got)
				}
			}
			stays := func() {
				t.Helper()
				if high, _ := p.Seen(); high != first+10+jump {
					t.Errorf("from %d, %d ahead: it is at %d", first, jump, high-first)
				}
			}
			see(10, true)
			see(10+jump, true)
			for range 10 { // one frame again and again, or older and older ones
				see(9, false)
				see(8, false)
			}
			stays()
			see(10+jump, false) // the pusher's own
			for seq := uint32(7); seq < 10; seq++ {
				see(seq, false)
			}
			stays()
			see(10, true)
			see(11, true)
			see(9, false)
			if high, seen := p.Seen(); high != first+11 || seen != 0b111 {
				t.Errorf("from %d, %d ahead: high %d, seen %b", first, jump, high-first, seen)
			}
		}
	}
}

// TestUnseen: what came is not to come again; what is missing among the last, and what follows, is.
func TestUnseen(t *testing.T) {
	for _, first := range starts {
		var p Path
		if !p.Unseen(first) {
			t.Error("the first frame is none")
		}
		for seq := range uint32(200) {
			if seq%7 != 3 {
				p.Received(first + seq)
			}
		}
		for seq := range uint32(300) {
			want := seq >= 200 || seq%7 == 3 && 199-seq < mapBits
			if got := p.Unseen(first + seq); got != want {
				t.Errorf("from %d, frame %d: %v", first, seq, got)
			}
		}
	}
}

func TestAckedTakesWhatWasSent(t *testing.T) {
	for _, first := range starts {
		s, p := pair(first, 10)
		take := func(ack uint32, want bool) {
			t.Helper()
			if got := s.Acked(p, 1, first+ack, 1<<63-1); got != want {
				t.Errorf("from %d: acknowledged %d: %v", first, ack, got)
			}
		}
		take(0, false) // before the first
		take(11, false)
		take(1<<31, false)
		take(4, true)
		take(4, false)
		take(3, false)
		take(10, true)
	}
}

func TestLossNeedsLaterFrames(t *testing.T) {
	for _, first := range starts {
		s, p := pair(first, 20)
		ack := func(n uint32, seen uint64, hole bool) {
			t.Helper()
			s.Acked(p, 1, first+n, seen)
			if got := p.TakeHole(); got != hole {
				t.Errorf("from %d, acknowledged %d with %b: hole %v", first, n, seen, got)
			}
			if p.TakeHole() {
				t.Error("a hole is told twice")
			}
		}
		ack(2, 0b01, false)       // frame 1 may still come
		ack(3, 0b011, true)       // 1 was overtaken twice
		ack(4, 0b0111, false)     // known already
		ack(8, 0b01110111, true)  // 5 was overtaken, too
		ack(9, 0b11101110, false) // what was seen stays seen, and 9 is the highest
		ack(20, 0b1, true)
	}
}

func TestForgivenFramesAreNoLoss(t *testing.T) {
	for _, first := range starts {
		s, p := pair(first, 5)
		p.Forgive()
		for range 5 {
			p.Sent(false)
		}
		s.Acked(p, 1, first+10, 0b0000011111)
		if p.TakeHole() {
			t.Error("frames before the cursor went back count as lost")
		}
		if s.loss == 0 {
			t.Error("their loss says nothing of the path")
		}
	}
}

// An acknowledgement names its frame: going back does not make it ambiguous.
func TestForgiveKeepsTiming(t *testing.T) {
	s, p := pair(0, 1)
	p.Time(10, true)
	p.Forgive()
	p.Sent(false)
	p.Time(400, true)
	s.Acked(p, 500, 1, 1)
	if got := p.RTT().Smoothed(); got != 490 {
		t.Errorf("the frame that asked took %d, want 490", got)
	}
}

// A path that was seen to change the order of frames loses by time: what comes within
// the window is none, what stays away is one, and after a while counting is back.
func TestLossByTimeWhereFramesAreShuffled(t *testing.T) {
	for _, first := range starts {
		s, p := pair(first, 40)
		now := sched.Instant(sched.Second)
		for _, d := range []sched.Instant{100, 60, 140, 100, 70, 130} {
			p.RTT().Sample(d * ms)
		}
		ack := func(n uint32, seen uint64, hole bool) {
			t.Helper()
			s.Acked(p, now, first+n, seen)
			if got := p.TakeHole(); got != hole {
				t.Errorf("from %d, acknowledged %d with %b: hole %v", first, n, seen, got)
			}
		}
		ack(2, 0b01, false)
		ack(3, 0b111, false) // 1 came after 2
		now += 5 * ms
		ack(10, 0b1110000111, false) // four are missing, far behind
		now += 20 * ms
		ack(12, 0b111011111111, false) // three of them came
		now += p.window(now)
		ack(13, 0b1110111111111, true) // one did not
		if !s.Lossy(p, now) {
			t.Error("a path that lost is not lossy")
		}
		now += reorderMemory + sched.Second
		ack(20, 0b11101111111000100001, true)
	}
}

// Reordering alone is never a loss, however long it lasts, if no frame comes later than
// the path's round trips vary.
func TestShuffledFramesAreNoLoss(t *testing.T) {
	const seed = 3
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	s, p := pair(0, 0)
	var q Path // the receiver
	q.Init(0)
	type flight struct {
		at  sched.Instant
		seq uint32
	}
	var flying []flight
	holes, sent := 0, 0
	for now := sched.Instant(1); now < 60*sched.Second; now += ms {
		if now%(20*ms) == 1 {
			p.Sent(false)
			p.Time(now, true)
			sent++
			flying = append(flying, flight{now + rand.Between(50*ms, 150*ms), p.Last()})
		}
		for i := 0; i < len(flying); i++ {
			if flying[i].at > now {
				continue
			}
			q.Received(flying[i].seq)
			flying = append(flying[:i], flying[i+1:]...)
			i--
			high, seen := q.Seen()
			s.Acked(p, now, high, seen)
			if p.TakeHole() {
				holes++
			}
		}
	}
	if holes > sent/50 {
		t.Errorf("%d of %d frames were taken for lost on a path that loses none", holes, sent)
	}
}

// A frame that asks gives the round trip, one that does not the time of
// acknowledgements; a lost one gives neither, a later acknowledgement the first.
func TestTimes(t *testing.T) {
	s, p := pair(1<<32-1, 1)
	p.Time(1000, true)
	p.Sent(false)
	p.Time(2000, true) // one at a time
	s.Acked(p, 4000, p.Last(), 0b11)
	if got := p.RTT().Smoothed(); got != 3000 {
		t.Errorf("round trip %d", got)
	}
	p.Sent(false)
	p.Time(5000, true)
	p.Sent(false)
	s.Acked(p, 9000, p.Last(), 0b01)
	if got := p.RTT().Smoothed(); got != 3000 {
		t.Errorf("round trip %d after the frame that asked was lost", got)
	}
	p.Sent(false)
	p.Time(10000, false)
	s.Acked(p, 10000+60*ms, p.Last(), 1)
	if got := p.ackTime.Smoothed(); got != 60*ms {
		t.Errorf("acknowledgements take %d", got)
	}
	if want := sched.Instant(60 * ms / 16); s.transit != want {
		t.Errorf("transit %d, want %d", s.transit, want)
	}
}

func TestLossIsSmoothed(t *testing.T) {
	s := new(Paths)
	for range 10_000 {
		s.measured(10, 1)
	}
	if share := float64(s.loss) / (1 << 16); share < 0.09 || share > 0.101 {
		t.Errorf("a tenth is lost, and the share is %.3f", share)
	}
	if got := s.Copies(9); got != 9 {
		t.Errorf("%d copies of 9 at a tenth", got) // 9.9, rounded down
	}
	if got := s.Copies(10); got != 11 {
		t.Errorf("%d copies of 10 at a tenth", got)
	}
	for range 10_000 {
		s.measured(64, 64)
	}
	if s.loss != 1<<15 || s.Copies(3) != 6 {
		t.Errorf("share %d, %d copies: the half is the most", s.loss, s.Copies(3))
	}
	for range 10_000 {
		s.measured(64, 0)
	}
	if s.loss > lossFrames/64 {
		t.Errorf("share %d after a long time without loss", s.loss)
	}
}

func TestLossyEnds(t *testing.T) {
	s, p := pair(0, 0)
	if s.Lossy(p, 5*sched.Second) {
		t.Error("lossy from the start")
	}
	p.lostAt = 5 * sched.Second
	if !s.Lossy(p, 6*sched.Second-1) || s.Lossy(p, 6*sched.Second) {
		t.Error("a loss is remembered for a second")
	}
	s.loss = lossyShare + 1
	if !s.Lossy(p, sched.Second*60) {
		t.Error("all paths lose, this one does not")
	}
	if s.Lag = lossyLag; s.Lossy(p, 60*sched.Second) {
		t.Error("a loop that is late calls its paths lossy")
	}
}

// Waiting grows with doubling and never beyond resendMax, on every kind of path.
func TestResendAfterIsBounded(t *testing.T) {
	rand := new(sched.Rand)
	rand.Seed(1)
	for range 10_000 {
		s, p := pair(0, 0)
		if rand.Uint32n(2) == 0 {
			p.RTT().Sample(rand.Between(0, 3*sched.Second))
		}
		if rand.Uint32n(2) == 0 {
			p.ackTime.Sample(rand.Between(0, 30*sched.Second))
		}
		if rand.Uint32n(2) == 0 {
			p.lostAt = sched.Second
		}
		s.Lag = rand.Between(0, 100*ms)
		last := sched.Instant(0)
		for doubled := range uint8(17) {
			d := s.ResendAfter(p, sched.Second, doubled)
			if d < last || d < resendFast || d > resendMax+2*s.Lag {
				t.Fatalf("doubled %d times: %d after %d", doubled, d, last)
			}
			last = d
		}
	}
}

func TestPathDoesNotAllocate(t *testing.T) {
	s, p := pair(0, 0)
	now := sched.Instant(1)
	if n := testing.AllocsPerRun(1000, func() {
		now++
		p.Sent(false)
		p.Time(now, now%2 == 0)
		p.Received(p.Last())
		high, seen := p.Seen()
		s.Acked(p, now, high, seen)
		p.TakeHole()
		s.ResendAfter(p, now, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Refusals are looked into at a bounded rate, since anybody may make them up.
func TestRefusalsHaveARate(t *testing.T) {
	var s Paths
	s.Init(0, 40*ms, 0)
	n := 0
	for now := sched.Instant(0); now < 10*sched.Second; now += sched.Millisecond {
		if s.MayLook(now) {
			n++
		}
	}
	if most := 11 * refusalsMost; n > most || n < most*8/10 {
		t.Errorf("%d of 10,000 were looked into, want about %d", n, most)
	}
}

// A frame is missed once it counts as lost, and not one that is on its way, or of which
// nothing is known any more.
func TestMissed(t *testing.T) {
	for _, first := range starts {
		s, p := pair(first, 100)
		f := func(seq uint32, want bool) {
			t.Helper()
			if got := p.Missed(first + seq); got != want {
				t.Errorf("from %d: frame %d is missed: %v", first, seq, got)
			}
		}
		s.Acked(p, 1, first+6, 0b110101) // 6, 4, 2 and 1
		f(1, false)
		f(3, true)
		f(5, false) // overtaken once only: it may come
		f(7, false)
		s.Acked(p, 1, first+9, 1) // and 9
		f(1, false)
		f(3, true)
		f(5, true)
		f(7, true)
		f(8, false)
		s.Acked(p, 1, first+80, 1)
		f(3, false)
	}
}
