package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// One path that is blocked, both ways or one way, condemns nobody: the other
// observers are the indirect probe. Votes of those who do not watch the subject
// do not count, however many, nor do answers that nobody waits for.
func TestBehaviour20OneBadPathCondemnsNobody(t *testing.T) {
	for _, n := range []int{2, 3, 5, 12} {
		for _, both := range []bool{true, false} {
			w := village(t, n, 120, nil)
			if n == 2 && both {
				continue // that is a crash, to a pair
			}
			w.linked = func(a, b int) bool { return !(a == 0 && b == 1 || both && a == 1 && b == 0) }
			limit := 20 * sched.Instant(sched.Second)
			if n == 2 {
				limit = 2 * sched.Second // a pair has one path only; half of it is as good as none after SoloGrace
			}
			w.run(limit)
			w.nobodyDied()
			w.linked = nil
			w.until("all is well", 15*sched.Second, w.allAlive)
		}
	}
}

func TestBehaviour20UnsolicitedVotesAndAnswersCountForNothing(t *testing.T) {
	w := village(t, 40, 121, nil)
	w.forgetEvents()
	before := *w.nodes[0].core.live.Counters()
	subject := w.nodes[1].core.me.ID
	for round := range 200 {
		for voter := 2; voter < 40; voter++ {
			if round > 0 && voter > 4 {
				break
			}
			w.say(voter, 0, codec.TypeVote, codec.AppendVote(nil, &codec.Vote{
				Subject: subject, Round: uint32(1<<20 + round), Stance: codec.StanceAgainst,
			})[codec.RecordBytes:])
		}
		w.say(2, 0, codec.TypeProbeAck, codec.AppendProbeAck(nil, &codec.ProbeAck{Nonce: uint32(round), Incarnation: 5})[codec.RecordBytes:])
		w.run(20 * sched.Millisecond)
	}
	after := w.nodes[0].core.live.Counters()
	if after.DropElector == before.DropElector || after.AcksLate-before.AcksLate != 200 {
		t.Errorf("not counted: %+v", after)
	}
	if got := w.incarnation(0, 2); got > 1 {
		t.Errorf("an unasked answer moved its incarnation to %d", got)
	}
	w.nobodyDied()
	w.until("all alive", 5*sched.Second, w.allAlive)
}

// Any frame of a member keeps it alive where one observer is left, so a path
// that loses probes only condemns nobody.
func TestBehaviour21AnotherRouteRescues(t *testing.T) {
	w := village(t, 2, 121, nil)
	w.filter = func(_, _ *node, b []byte) bool {
		_, probe := recordOf(t, b, codec.TypeProbe)
		_, ack := recordOf(t, b, codec.TypeProbeAck)
		return !probe && !ack
	}
	w.run(60 * sched.Second)
	w.nobodyDied()
	if w.nodes[0].core.live.Counters().RoundsMissed < 100 {
		t.Error("the probes were not lost")
	}
	if !w.allAlive() {
		t.Error("somebody is under suspicion")
	}
}

// The probe itself tells a suspect of the suspicion: it refutes in its answer,
// though it hears of it by no other way. Every frame stays below its limit.
func TestBehaviour22SuspectLearnsItFromTheProbe(t *testing.T) {
	w := village(t, 6, 122, nil)
	told := 0
	w.filter = func(_, to *node, b []byte) bool {
		if to.i != 3 {
			return true
		}
		if body, ok := recordOf(t, b, codec.TypeProbe); ok {
			var p codec.Probe
			if codec.ParseProbe(body, &p) == nil && p.Status == member.Suspect {
				told++
			}
			return true
		}
		_, facts := recordOf(t, b, codec.TypeVerdict)
		return !facts // nothing else may tell it
	}
	w.claim(1, 2, 3, 0, member.Suspect)
	d := w.until("refuted everywhere", 2*sched.Second, func() bool {
		for i := range w.nodes {
			if w.incarnation(i, 3) != 1 {
				return false
			}
		}
		return true
	})
	t.Logf("after %d ms, told by %d probes", d/sched.Millisecond, told)
	if told == 0 {
		t.Error("no probe told it")
	}
	w.nobodyDied()
}

// More accusers do not make a suspect wait longer, or die sooner than its grace.
func TestBehaviour23SuspicionTimer(t *testing.T) {
	grace := member.LAN().Grace
	for _, accusers := range []int{0, 1, 5} {
		w := village(t, 12, 123, nil)
		w.nodes[3].down = true
		suspected, died := sched.Instant(0), sched.Instant(0)
		start := w.now
		for died == 0 && w.now < start+5*sched.Second {
			for a := range accusers { // the same word again and again
				w.claim(4+a, 2, 3, 0, member.Suspect)
			}
			w.run(sched.Millisecond)
			switch s := w.statusOf(2, 3); {
			case s == member.Suspect && suspected == 0:
				suspected = w.now
			case s == member.Dead:
				died = w.now
			}
		}
		d := died - suspected
		t.Logf("%d accusers: dead %d ms after the suspicion", accusers, d/sched.Millisecond)
		if died == 0 || d < grace-5*sched.Millisecond || d > grace+grace/2 {
			t.Errorf("%d accusers: dead %d ms after the suspicion, grace %d ms", accusers, d/sched.Millisecond, grace/sched.Millisecond)
		}
	}
}

// A suspicion that was refuted in the meantime does not kill when its time is
// over.
func TestBehaviour23RefutedSuspicionDoesNotKill(t *testing.T) {
	w := village(t, 6, 124, nil)
	w.claim(1, 2, 3, 0, member.Suspect)
	w.until("refuted", 2*sched.Second, func() bool { return w.incarnation(2, 3) == 1 })
	for range 100 {
		w.claim(1, 2, 3, 0, member.Suspect)
		w.run(50 * sched.Millisecond)
	}
	w.nobodyDied()
}

// A node that stops again and again, as on a machine that is too busy, knows
// that it is ill, kills nobody, and gets well.
func TestBehaviour24SlowNodeMistrustsItself(t *testing.T) {
	for _, nap := range []sched.Instant{80, 280} {
		w := village(t, 12, 124, nil)
		worst, ill := uint8(0), &w.nodes[3].core.live
		w.afterFrame = func(*node) { worst = max(worst, ill.Health()) }
		for range 60 { // it runs 20 ms in between
			w.nodes[3].asleep = w.now + nap*sched.Millisecond
			w.run((nap + 20) * sched.Millisecond)
		}
		if worst == 0 || ill.Counters().Stalls < 10 {
			t.Errorf("%d ms: it noticed %d of 60 stalls, and its own health was %d at worst", nap, ill.Counters().Stalls, worst)
		}
		w.nobodyDied()
		w.run(10 * sched.Second)
		if h := ill.Health(); h != 0 {
			t.Errorf("own health is still %d", h)
		}
		w.until("all alive", 5*sched.Second, w.allAlive)
		t.Logf("%d ms: %d stalls, own health at worst %d", nap, ill.Counters().Stalls, worst)
	}
}

// A pause of up to Grace, as by SIGSTOP or a long collection, kills nobody.
func TestBehaviour24PauseKillsNobody(t *testing.T) {
	w := village(t, 12, 125, nil)
	for i := range w.nodes {
		w.nodes[i].asleep = w.now + 300*sched.Millisecond
		w.run(sched.Second)
	}
	w.nobodyDied()
}

// After Leave: nothing is refuted, probes are answered with "left" and then not
// at all, the word is told a bounded number of times, and saying it twice is the
// same as once.
func TestBehaviour25LeavingNodeDoesNotRefute(t *testing.T) {
	w := village(t, 6, 125, nil)
	w.set(3, string(declare.LeaveKey), "")
	w.set(3, string(declare.LeaveKey), "")
	w.until("all know", sched.Second, func() bool {
		for i := range w.nodes {
			if i != 3 && w.statusOf(i, 3) != member.Left {
				return false
			}
		}
		return true
	})
	c := &w.nodes[3].core
	w.claim(1, 3, 3, 0, member.Suspect)
	if w.incarnation(3, 3) != 0 || c.live.Counters().Refutations != 0 {
		t.Error("a leaving node refuted")
	}
	answered := c.live.Counters().ProbesAnswered
	w.say(1, 3, codec.TypeProbe, codec.AppendProbe(nil, &codec.Probe{Target: c.me.ID, Nonce: 7})[codec.RecordBytes:])
	if c.live.Counters().ProbesAnswered != answered+1 {
		t.Error("a leaving node does not say so")
	}
	w.run(member.LAN().LeaveFor + 100*sched.Millisecond)
	answered = c.live.Counters().ProbesAnswered
	for range 10 {
		w.say(1, 3, codec.TypeProbe, codec.AppendProbe(nil, &codec.Probe{Target: c.me.ID, Nonce: 7})[codec.RecordBytes:])
	}
	if c.live.Counters().ProbesAnswered != answered {
		t.Error("it still answers probes")
	}
	told := c.live.Counters().FactsSent
	w.run(10 * sched.Second)
	if n := c.live.Counters().FactsSent - told; n > 0 {
		t.Errorf("it says it %d times more", n)
	}
	for i, d := range w.nodes {
		left := 0
		for _, ev := range d.events {
			if ev.Kind == MemberLeft {
				left++
			}
			if ev.Kind == MemberDied || ev.Kind == MemberSuspected {
				t.Errorf("node %d: %+v", i, ev)
			}
		}
		if i != 3 && left != 1 {
			t.Errorf("node %d heard it %d times", i, left)
		}
	}
}

// Answers to probes leave before everything else, whatever else is due: first
// in the same call of Transmit in which they can leave at all.
func TestBehaviour29ProbesAreAnsweredFirst(t *testing.T) {
	w := village(t, 3, 129, nil)
	c := &w.nodes[0].core
	value := string(make([]byte, 700))
	for k := range 2000 { // 1.4 MB that the others lack
		op := Op{Kind: Set, Version: uint64(k + 1), Key: []byte{1, byte(k), byte(k >> 8)}, Value: []byte(value)}
		if st := c.Write(w.now, &op); st != Written {
			t.Fatalf("write %d refused: %d", k, st)
		}
	}
	w.nodes[0].version = 2000
	var buf [codec.FrameBytesMax]byte
	if n, _, ok := c.Transmit(w.now, buf[:]); !ok || n < 700 {
		t.Fatalf("no bulk is due: %d %v", n, ok)
	}
	w.nodes[1].core.Ping(w.now, w.peer(1, 0), 1)
	n, _, ok := w.nodes[1].core.Transmit(w.now, buf[:])
	if !ok {
		t.Fatal("no ping")
	}
	c.Receive(w.now, addrOf(1), append([]byte(nil), buf[:n]...))
	if n, to, _ := c.Transmit(w.now, buf[:]); to != addrOf(1) {
		t.Errorf("first goes a frame to %v", to)
	} else if _, ok := recordOf(t, buf[:n], codec.TypeProbeAck); !ok {
		t.Error("first goes something else than the answer")
	}
}

// A stopped node costs the others nothing but its probes: what it lacks is not
// queued, and the others stay level.
func TestBehaviour29StoppedNodeDoesNotStallTheOthers(t *testing.T) {
	w := village(t, 8, 130, nil)
	w.nodes[7].asleep = w.now + 10*sched.Second
	for k := range 200 {
		w.set(k%7, "k", string(rune('a'+k%26)))
		w.run(20 * sched.Millisecond)
		if k%20 == 19 {
			d := w.until("the others are level", 500*sched.Millisecond, func() bool {
				for _, d := range w.nodes[:7] {
					if d.core.store.Fingerprint() != w.nodes[0].core.store.Fingerprint() {
						return false
					}
				}
				return true
			})
			if d > 100*sched.Millisecond {
				t.Errorf("level only after %d ms", d/sched.Millisecond)
			}
		}
	}
	w.run(10 * sched.Second)
	w.converge(10 * sched.Second)
}

// TestProbePathDoesNotAllocate: probe, answer, vote and ping.
func TestProbePathDoesNotAllocate(t *testing.T) {
	w := quietPair(t)
	a, b := &w.nodes[0].core, &w.nodes[1].core
	var buf [codec.FrameBytesMax]byte
	now, probes := w.now, a.live.Counters().ProbesSent
	var ev Event
	pongs := 0
	pump := func(c, other *Core, from int) {
		for {
			n, _, ok := c.Transmit(now, buf[:])
			if !ok {
				break
			}
			other.Receive(now, addrOf(from), buf[:n])
		}
		for c.NextEvent(&ev) {
			if ev.Kind == Ponged {
				pongs++
			}
		}
	}
	p := w.peer(0, 1)
	if n := testing.AllocsPerRun(2000, func() {
		now += 10 * sched.Millisecond
		a.Ping(now, p, 7)
		a.Tick(now, 0)
		b.Tick(now, 0)
		pump(a, b, 0)
		pump(b, a, 1)
		pump(a, b, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if pongs < 2000 || a.live.Counters().ProbesSent < probes+90 {
		t.Errorf("%d pings answered, %d probes", pongs, a.live.Counters().ProbesSent-probes)
	}
}

// BenchmarkProbe is a probe of another node and its answer: two frames encoded,
// parsed and handled.
func BenchmarkProbe(b *testing.B) {
	w := newNet(&testing.T{}, 2, 21, nil)
	w.joinAll()
	w.run(2 * sched.Second)
	x, y := &w.nodes[0].core, &w.nodes[1].core
	p, now := w.peer(0, 1), w.now
	var buf [codec.FrameBytesMax]byte
	var ev Event
	b.ReportAllocs()
	for b.Loop() {
		x.Ping(now, p, 1)
		n, _, _ := x.Transmit(now, buf[:])
		y.Receive(now, addrOf(0), buf[:n])
		n, _, _ = y.Transmit(now, buf[:])
		x.Receive(now, addrOf(1), buf[:n])
		for x.NextEvent(&ev) {
		}
	}
}
