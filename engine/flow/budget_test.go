package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const frameBytes = 1400

// pipe is a bottleneck in virtual time: a queue that drains at a rate, drops
// what does not fit, and acknowledges when asked, one round trip later.
type pipe struct {
	rate   uint64 // bytes a second
	room   int    // bytes of queue
	delay  sched.Instant
	busy   sched.Instant // the queue is empty from then on
	high   uint32
	mask   uint64
	stuck  bool
	credit func(now sched.Instant, bytes int) uint16
	acks   []ack
	got    uint64 // into the queue
	out    uint64 // and out of it
}

type ack struct {
	at sched.Instant
	a  Ack
}

func (p *pipe) send(now sched.Instant, bytes int, seq uint32, asked bool) {
	start := max(now, p.busy)
	if p.stuck || int(uint64(start-now)*p.rate/sched.Second) > p.room {
		return
	}
	p.busy = start + sched.Instant(uint64(bytes)*sched.Second/p.rate)
	ahead := seq - p.high
	p.mask = p.mask<<ahead | 1
	p.high = seq
	p.got += uint64(bytes)
	var c uint16
	if p.credit != nil {
		c = p.credit(p.busy, bytes)
	}
	if asked {
		p.acks = append(p.acks, ack{p.busy + p.delay, Ack{High: seq, Map: p.mask, Credit: c}})
	}
}

// run is a sender that always has more to send. It tells what arrived in each span.
func (p *pipe) run(b *Budget, from, until, span sched.Instant, seq *uint32) (got []uint64) {
	next := from + span
	for now := from; now <= until; now += 50 * sched.Microsecond {
		for len(p.acks) > 0 && p.acks[0].at <= now {
			a := p.acks[0].a
			a.Sent = *seq
			if !b.Acked(now, &a) {
				panic("refused")
			}
			p.acks = p.acks[1:]
		}
		for b.Allow(now, Normal) {
			asked := b.Ask(now)
			*seq++
			b.Spend(now, frameBytes, *seq, asked)
			p.send(now, frameBytes, *seq, asked)
		}
		b.Hold(now)
		if now >= next {
			out := p.got - uint64(max(0, p.busy-now))*p.rate/sched.Second
			got = append(got, out-p.out)
			p.out = out
			next += span
		}
	}
	return got
}

// TestBudgetFollowsCapacity: within 20 round trips after the capacity changed,
// what arrives is within a tenth of it, and stays there.
func TestBudgetFollowsCapacity(t *testing.T) {
	for _, rtt := range []sched.Instant{10 * sched.Millisecond, 50 * sched.Millisecond} {
		var b Budget
		b.Init(0, frameBytes, 0)
		p := &pipe{rate: 4 << 20, room: 64 << 10, delay: rtt}
		var seq uint32
		now := sched.Instant(0)
		for _, rate := range []uint64{4 << 20, 2 << 20, 1 << 20, 4 << 20, 8 << 20, 2 << 20} {
			p.busy = now + (p.busy-now)*sched.Instant(p.rate)/sched.Instant(rate) // the queue stays
			p.rate = rate
			got := p.run(&b, now, now+60*rtt, 10*rtt, &seq)
			now += 60 * rtt
			t.Logf("RTT %d ms, capacity %d kB/s: %d %% loss %d ppm", rtt/sched.Millisecond, rate/1000, share(got, rate, 10*rtt), b.Loss())
			for i, s := range share(got, rate, 10*rtt) {
				if i >= 2 && (s < 90 || s > 110) {
					t.Errorf("RTT %d ms: %d %% of %d B/s in span %d", rtt/sched.Millisecond, s, rate, i)
				}
			}
		}
	}
}

func share(got []uint64, rate uint64, span sched.Instant) (s []uint64) {
	for _, g := range got {
		s = append(s, g*100*sched.Second/(rate*uint64(span)))
	}
	return s
}

// TestBudgetOfSilentPeer: who stops answering gets a frame a timeout, and the
// full rate soon after it is back.
func TestBudgetOfSilentPeer(t *testing.T) {
	var b Budget
	b.Init(0, frameBytes, 0)
	p := &pipe{rate: 4 << 20, room: 64 << 10, delay: 10 * sched.Millisecond}
	var seq uint32
	p.run(&b, 0, 2*sched.Second, sched.Second, &seq)
	p.stuck = true
	p.run(&b, 2*sched.Second, 3*sched.Second, sched.Second, &seq)
	before := seq
	p.run(&b, 3*sched.Second, 12*sched.Second, sched.Second, &seq)
	if n := seq - before; n < 3 || n > 12 {
		t.Errorf("%d frames in 9 s to somebody silent", n)
	}
	p.stuck = false
	got := p.run(&b, 12*sched.Second, 16*sched.Second, sched.Second, &seq)
	if s := share(got, p.rate, sched.Second); s[len(s)-1] < 80 {
		t.Errorf("%d %% of the capacity after it came back", s)
	}
}

// TestClasses: probes always go, lower classes leave room for higher ones.
func TestClasses(t *testing.T) {
	var b Budget
	b.Init(0, frameBytes, 0)
	last := map[Class]int{}
	for n := 1; n < 100; n++ {
		for c := Probe; c < Classes; c++ {
			if b.Allow(0, c) {
				last[c] = n
			}
		}
		b.Spend(0, frameBytes, uint32(n), false)
	}
	for c := Membership; c < Bulk; c++ {
		if last[c] <= last[c+1] {
			t.Errorf("%v went %d frames, %v %d", c, last[c], c+1, last[c+1])
		}
	}
	if last[Probe] != 99 {
		t.Error("a probe was held back")
	}
	if at := b.When(Normal); b.Allow(at-1, Normal) || !b.Allow(at, Normal) {
		t.Errorf("not allowed at %d", at)
	}
	repair := 0
	for range 800 {
		if b.RepairFirst() {
			repair++
		}
	}
	if repair != 100 {
		t.Errorf("repair begins %d of 800 frames", repair)
	}
}

// TestAbsurdAcks: what was never sent can't be acknowledged.
func TestAbsurdAcks(t *testing.T) {
	var b Budget
	b.Init(0, frameBytes, 1000)
	before := b
	if b.Acked(0, &Ack{High: 2000, Map: ^uint64(0), Sent: 1010, Credit: 1, Marked: true}) || b != before {
		t.Error("believed")
	}
	for i := range 100_000 {
		a := Ack{High: uint32(i * 7919), Map: uint64(i) * 0x9e3779b97f4a7c15, Sent: uint32(i*7919 + i%64), Credit: uint16(i), Marked: i%3 == 0}
		b.Acked(sched.Instant(i)*sched.Millisecond, &a)
		if b.Rate() < creditMin || b.Rate() > RateMax {
			t.Fatalf("rate %d", b.Rate())
		}
	}
}

func TestCredit16(t *testing.T) {
	if Rate16(0) != 0 || Credit16(0) != 1 {
		t.Error("0 states nothing")
	}
	for r := uint32(1); r < RateMax; r += r/1000 + 1 {
		got := Rate16(Credit16(r))
		if got > r || got < r-r/2000-1 {
			t.Fatalf("%d comes back as %d", r, got)
		}
	}
	for c := range 1 << 16 {
		if Rate16(uint16(c)) > RateMax {
			t.Fatalf("credit %d is above the limit", c)
		}
	}
}

// TestCreditIsFair: 20 senders, one wants fifty times as much, all together
// twice what the receiver takes. The light ones get all they want.
func TestCreditIsFair(t *testing.T) {
	const limit = 1 << 20
	var r Receiver
	r.Init(0, limit)
	const light = 2 * limit / (19 + 50)
	credits := [20]uint32{}
	rate := func(i int) uint64 {
		want := uint64(light)
		if i == 0 {
			want = 50 * light
		}
		if credits[i] != 0 {
			want = min(want, uint64(credits[i]))
		}
		return want
	}
	var sum uint64
	for now := sched.Instant(0); now < 3*sched.Second; now += sched.Millisecond {
		for i := range credits {
			n := int(rate(i) / 1000)
			r.Arrived(now, false)
			r.Took(n)
			if now >= 2*sched.Second {
				sum += uint64(n)
			}
			if now%(40*sched.Millisecond) == sched.Instant(i)*sched.Millisecond {
				credits[i] = Rate16(r.Credit())
			}
		}
	}
	for i := 1; i < 20; i++ {
		if rate(i) != light {
			t.Errorf("light sender %d may send %d of %d", i, rate(i), light)
		}
	}
	t.Logf("%d of %d B/s arrive, the heavy one has %d", sum, limit, rate(0))
	if sum < limit*9/10 || sum > limit*11/10 {
		t.Errorf("%d of %d B/s arrive", sum, limit)
	}
}

// TestShedding: only while the kernel's queue is filling, and never what is not
// marked as repair or bulk.
func TestShedding(t *testing.T) {
	var r Receiver
	r.Init(0, 0)
	shed := func(from, until sched.Instant, queued int) (repair, other int) {
		for now := from; now < until; now += sched.Millisecond {
			r.Pressure(queued, 4<<20, 0)
			for _, sheddable := range []bool{true, false} {
				switch {
				case !r.Arrived(now, sheddable):
					r.Took(100)
				case sheddable:
					repair++
				default:
					other++
				}
			}
		}
		return repair, other
	}
	if a, b := shed(0, sched.Second, 1<<20); a+b != 0 {
		t.Error("shed without a queue")
	}
	if a, b := shed(sched.Second, 2*sched.Second, 3<<20); a < 900 || b != 0 || !r.Hot() {
		t.Errorf("shed %d of 1000 repair and %d other frames", a, b)
	}
	if r.Credit() == 0 {
		t.Error("no credit stated")
	}
	if a, b := shed(2*sched.Second, 3*sched.Second, 0); a > 20 || b != 0 {
		t.Errorf("shed %d and %d after the queue was gone", a, b)
	}
	shed(3*sched.Second, 10*sched.Second, 0)
	if r.Credit() != 0 {
		t.Error("a bound by pressure stays")
	}
	before := r.Hot()
	r.Pressure(0, 4<<20, 1)
	if before || !r.Hot() {
		t.Error("a drop in the kernel is not pressure")
	}
}

func TestGate(t *testing.T) {
	var g Gate
	g.Init(0, 1000, 100)
	n := 0
	for now := sched.Instant(0); now < 10*sched.Second; now += sched.Millisecond {
		for g.Pass(now, 50) {
			n += 50
		}
	}
	if n < 9900 || n > 10_250 {
		t.Errorf("%d passed at 1000 a second in 10 s", n)
	}
	at := g.When()
	if g.Pass(at-1, 1) || !g.Pass(at, 1) {
		t.Error("not open when it said")
	}
	g.SetRate(at, 0)
	for g.Pass(at, 50) {
	}
	if g.When() != sched.Never {
		t.Error("rate 0 opens")
	}
}

// Many senders of one thin link find shares of it: they leave it nearly full and do not
// lose much, however many they are.
func TestManySendersShareAThinLink(t *testing.T) {
	for _, n := range []int{2, 11, 31} {
		const rate, span = 125_000, 20 * sched.Second
		p := &pipe{rate: rate, room: rate / 10, delay: sched.Millisecond}
		senders := make([]struct {
			b    Budget
			seq  uint32
			high uint32
			mask uint64
		}, n)
		for i := range senders {
			senders[i].b.Init(0, frameBytes, 0)
		}
		sent, lost := 0, 0
		type back struct {
			at sched.Instant
			i  int
			a  Ack
		}
		var acks []back
		for now := sched.Instant(1); now < span; now += 100 * sched.Microsecond {
			for len(acks) > 0 && acks[0].at <= now {
				s := &senders[acks[0].i]
				acks[0].a.Sent, acks[0].a.Peers = s.seq, n
				s.b.Acked(now, &acks[0].a)
				acks = acks[1:]
			}
			for i := range senders {
				s := &senders[(i+int(now/100_000))%n]
				if !s.b.Allow(now, Normal) {
					s.b.Hold(now)
					continue
				}
				asked := s.b.Ask(now)
				s.seq++
				s.b.Spend(now, frameBytes, s.seq, asked)
				before := p.got
				p.send(now, frameBytes, p.high+1, false)
				late := now > span/2
				if late {
					sent++
				}
				if p.got == before {
					if late {
						lost++
					}
					continue
				}
				s.mask = s.mask<<min(64, s.seq-s.high) | 1
				s.high = s.seq
				if asked {
					acks = append(acks, back{p.busy + p.delay, (i + int(now/100_000)) % n, Ack{High: s.high, Map: s.mask}})
				}
			}
		}
		if share := float64(lost) / float64(sent); share > 0.3 {
			t.Errorf("%d senders lose %.2f of what they send", n, share)
		}
		if got := float64(sent-lost) * frameBytes * 2 * float64(sched.Second) / float64(span); got < rate/2 {
			t.Errorf("%d senders use %.0f of %d bytes a second", n, got, rate)
		}
	}
}

// While much of what is missing comes by another way, senders of datagrams get a quarter of that,
// and all that they had as soon as it ends. A trickle changes nothing.
func TestWhatComesBesideHasThePath(t *testing.T) {
	const sends = 12 << 20
	var r Receiver
	r.Init(0, 0)
	now, rate := sched.Instant(0), uint64(sends)
	run := func(span sched.Instant) {
		for end := now + span; now < end; now += sched.Millisecond {
			r.Arrived(now, false)
			r.Took(int(rate / 1000))
			if rate = sends; r.Credit() != 0 {
				rate = min(rate, uint64(Rate16(r.Credit())))
			}
		}
	}
	run(sched.Second)
	r.Beside(besideLeast - 1)
	if run(sched.Second); r.Credit() != 0 {
		t.Errorf("a trickle bounds senders to %d", r.Level())
	}
	const beside = 8 << 20
	r.Beside(beside)
	run(3 * sched.Second)
	if want := uint64(beside / besideShare); rate < want*8/10 || rate > want*12/10 {
		t.Errorf("%d B/s are sent beside %d, want %d", rate, beside, want)
	}
	r.Beside(0)
	if run(100 * sched.Millisecond); rate != sends {
		t.Errorf("%d B/s are sent when the other way has ended", rate)
	}
	r.Init(0, 100_000) // what is configured holds as well
	r.Beside(beside)
	if r.most() != 100_000 {
		t.Errorf("a limit of %d became %d", 100_000, r.most())
	}
}

// What a path loses by itself, however little is sent, bounds nobody for long: eight seconds after it
// began a peer is sent what it is due, and that goes on.
func TestLossThatNobodyMakes(t *testing.T) {
	for _, percent := range []uint64{4, 10, 20, 30} {
		const wants, span = 24_000, 30 * sched.Second // bytes a second
		const small, peers = 240, 16
		var rand sched.Rand
		rand.Seed(percent)
		var b Budget
		b.Init(0, frameBytes, 0)
		var seq, high uint32
		var mask uint64
		var due, held, late int
		type back struct {
			at sched.Instant
			a  Ack
		}
		var acks []back
		for now := sched.Instant(1); now < span; now += sched.Millisecond {
			for len(acks) > 0 && acks[0].at <= now {
				a := acks[0].a
				a.Sent, a.Peers = seq, peers
				b.Acked(now, &a)
				acks = acks[1:]
			}
			due = min(due+wants/1000, wants/4) // what is held back is told in its newest form later
			for due >= small {
				if !b.Allow(now, Normal) {
					b.Hold(now)
					break
				}
				asked := b.Ask(now)
				seq++
				b.Spend(now, small, seq, asked)
				due -= small
				if now > 2*sched.Second && rand.Uint64n(100) < percent {
					continue
				}
				mask = mask<<min(64, seq-high) | 1
				high = seq
				if rand.Uint64n(100) >= percent { // answers get lost, too
					acks = append(acks, back{now + 300*sched.Microsecond, Ack{High: high, Map: mask}})
				}
			}
			if due < small {
				b.Release()
			}
			if now > 10*sched.Second {
				late++
				if due > wants/10 {
					held++
				}
			}
		}
		if share := float64(held) / float64(late); share > 0.1 {
			t.Errorf("%d %% lost: more than 100 ms of what is due are held back for %.2f of the time; the rate is %d", percent, share, b.Own())
		}
	}
}

// A path that became sound is forgotten: what it loses later is learned as soon as the first time.
func TestLossThatComesAgain(t *testing.T) {
	var x innate
	learn := func() (rounds int) {
		for ; x.share == 0; rounds++ {
			x.look(16, 1<<14, true)
		}
		return rounds
	}
	first := learn()
	for range 100 {
		x.look(16, 0, false)
	}
	if x.share != 0 {
		t.Errorf("a sound path loses %d of 65536 by itself", x.share)
	}
	x.wrong()
	if again := learn(); again != first {
		t.Errorf("learned after %d rounds, and after %d later", first, again)
	}
}
