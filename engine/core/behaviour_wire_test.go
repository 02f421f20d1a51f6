package core

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// recordOf finds a record in an unsealed frame.
func recordOf(t *testing.T, frame []byte, typ codec.Type) (body []byte, ok bool) {
	var h codec.Header
	records, err := codec.ParseFrame(frame, &h)
	if err != nil {
		t.Fatal(err)
	}
	for len(records) > 0 {
		var k codec.Type
		if k, body, records = codec.NextRecord(records); k == typ {
			return body, true
		}
	}
	return nil, false
}

// Counts and lengths that promise more than the frame has are refused before
// anything is taken for them.
func TestBehaviour13TruncatedAndOverlongFramesAreRefused(t *testing.T) {
	w := village(t, 3, 113, nil)
	var frames [][]byte
	w.sniff = func(b []byte) { frames = append(frames, append([]byte(nil), b...)) }
	for i := range 3 {
		w.set(i, "key", "value")
	}
	w.run(2 * sched.Second)
	w.sniff = nil
	d := w.nodes[0]
	print := d.core.store.Fingerprint()
	feed := func(b []byte) {
		d.core.Receive(w.now, addrOf(1), b)
	}
	scratch := make([]byte, codec.FrameBytesMax)
	for _, f := range frames[:50] {
		for n := range len(f) { // every tail is cut off once, behind a right checksum
			feed(append(scratch[:0], f[:n]...))
			feed(codec.AppendChecksum(append(scratch[:0], f[:n]...), 0))
		}
	}
	w.pump(d)
	if d.core.store.Fingerprint() != print {
		t.Error("a truncated frame changed the state")
	}
	for _, f := range frames[:50] {
		for at := codec.HeaderBytes(0); at+2 < len(f)-4; at++ { // every length says 65,535 once, and what is no length too
			b := append(scratch[:0], f[:len(f)-4]...)
			binary.LittleEndian.PutUint16(b[at:], 65535)
			feed(codec.AppendChecksum(b, 0))
		}
	}
	w.pump(d)
	if members, origins := d.known(); members != 3 || origins != 3 {
		t.Errorf("%d members, %d origins", members, origins)
	}
	if d.core.counters.Drops[DropRecord] == 0 || d.core.counters.Drops[DropShort] == 0 {
		t.Errorf("not counted: %v", d.core.counters.Drops)
	}
	cut := frames[0][:len(frames[0])-5]
	if n := testing.AllocsPerRun(1000, func() { feed(cut) }); n != 0 {
		t.Errorf("%v allocations for a truncated frame", n)
	}
}

// Nothing in a datagram is compressed, so there is nothing to blow up: what a
// node takes is bounded by what arrived, and a length prefix never allocates.
func TestBehaviour14NothingGrowsBeyondTheDatagram(t *testing.T) {
	w := village(t, 2, 114, nil)
	d := w.nodes[0]
	rnd := rand.New(rand.NewPCG(14, 14))
	b := make([]byte, 0, codec.FrameBytesMax)
	h := codec.Header{Cluster: d.core.page.Cluster, Sender: w.nodes[1].core.me.ID}
	types := []codec.Type{codec.TypeRun, codec.TypeDigest, codec.TypePull, codec.TypeVerdict, codec.TypeEvent, codec.TypeRumorFeedback, codec.TypeIntro}
	n := testing.AllocsPerRun(2000, func() {
		b = codec.AppendHeader(b[:0], &h)
		start := len(b)
		b = codec.BeginRecord(b, types[rnd.IntN(len(types))])
		for range 1000 {
			b = append(b, 0xff)
		}
		b = codec.AppendChecksum(codec.EndRecord(b, start), 0)
		d.core.Receive(w.now, addrOf(1), b)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if d.core.counters.Drops[DropRecord] < 2000 {
		t.Errorf("%d counted", d.core.counters.Drops[DropRecord])
	}
}

func TestBehaviour15FramesUnderOtherKeysAreDropped(t *testing.T) {
	w := newNet(t, 4, 115, func(i int, c *Config) {
		id := uint8(1)
		if i == 3 {
			id = 2
		}
		c.Keys = ringOf("test", id)
	})
	onlySealed(w)
	w.joinAll()
	w.set(0, "k", "plain")
	w.run(5 * sched.Second)
	if _, origins := w.nodes[3].known(); origins != 1 {
		t.Errorf("the one with the wrong key knows %d origins", origins)
	}
	if _, origins := w.nodes[0].known(); origins != 3 {
		t.Errorf("the others know %d origins", origins)
	}
	if w.nodes[0].core.counters.Drops[DropKey] == 0 || w.nodes[3].core.counters.Drops[DropKey] == 0 {
		t.Error("not counted")
	}
}

// Two clusters on one network, of which each is the other's seed, never merge; both sides are told.
func TestBehaviour17ClustersNeverMerge(t *testing.T) {
	w := newNet(t, 8, 117, func(i int, c *Config) {
		if i%2 == 1 {
			c.Cluster = []byte("other")
		}
	})
	for i, d := range w.nodes {
		d.core.Join(w.now, addrOf((i+1)%8))
		d.core.Join(w.now, addrOf((i+2)%8))
		w.pump(d)
		w.set(i, "k", "v")
	}
	w.run(30 * sched.Second)
	for i, d := range w.nodes {
		if members, origins := d.known(); members != 4 || origins != 4 {
			t.Errorf("node %d knows %d members, %d origins, of 4", i, members, origins)
		}
		if d.core.counters.Drops[DropCluster] == 0 {
			t.Errorf("node %d counts nothing", i)
		}
		if !has(d, Refused) || !has(d, Refuses) {
			t.Errorf("node %d was not told why, or does not tell", i)
		}
		for _, e := range d.events {
			if e.Kind != Refused && e.Kind != Refuses && e.Addr.IsValid() && e.Addr.Addr().As4()[3]%2 != byte(i%2) {
				t.Errorf("node %d hears of the other cluster: %+v", i, e)
			}
		}
	}
}

func TestBehaviour18CorruptionIsDroppedAndCounted(t *testing.T) {
	w := village(t, 5, 118, nil)
	w.corrupt = 0.3
	for k := range 100 {
		w.set(k%5, "k", string(rune('a'+k%26)))
		w.run(20 * sched.Millisecond)
	}
	w.corrupt = 0
	w.converge(10 * sched.Second) // compares what all hold with what was written
	if w.dropped(DropChecksum) < 100 {
		t.Errorf("%d counted", w.dropped(DropChecksum))
	}
	w.nobodyDied()
}

// A probe says whom it is for. Another node that lives at that address now, or
// another life of the same one, does not answer it.
func TestBehaviour19ProbeForAnotherIsNotAnswered(t *testing.T) {
	w := village(t, 4, 119, nil)
	old := w.nodes[3].core.me.ID
	w.start(3, 1, func(_ int, c *Config) { c.Name = []byte("somebody else") })
	d := w.nodes[3]
	d.core.Join(w.now, addrOf(0))
	w.pump(d)
	w.until("the new one is in", 5*sched.Second, func() bool { return w.trusts(0, 3) && w.trusts(3, 0) })
	c := &w.nodes[0].core
	p := c.roster.Find(old)
	if p == 0 {
		t.Fatal("the old one is forgotten already")
	}
	w.until("the old one is dead, though its address answers", 5*sched.Second, func() bool { return c.Parts().Detector.Status(p) == member.Dead })
	if d.core.live.Counters().DropTarget == 0 {
		t.Error("not counted")
	}
	w.run(10 * sched.Second)
	if !w.trusts(0, 3) || c.Parts().Detector.Status(p) != member.Dead {
		t.Errorf("new: %v, old: %v", w.statusOf(0, 3), c.Parts().Detector.Status(p))
	}
}

// moved is whether node i has node j at another address than where it is.
func (w *net) addrAt(i, j int) netip.AddrPort {
	p, _ := w.nodes[i].core.Peer(w.peer(i, j))
	return p.Addr
}

// An address change is believed when the member has answered from there. A
// frame with another source alone changes nothing, whoever sent it, and is
// answered with no more than three times its size.
func TestAddressIsBelievedAfterAChallenge(t *testing.T) {
	w := village(t, 4, 120, nil)
	var frame []byte // which did not arrive: one that did is a replay
	w.filter = func(from, to *node, b []byte) bool {
		if from.i == 3 && to.i == 0 {
			frame = append(frame[:0], b...)
			return false
		}
		return true
	}
	w.set(3, "k", "v")
	w.run(20 * sched.Millisecond)
	w.filter = nil

	nobody := netip.MustParseAddrPort("10.66.6.6:1")
	sent := w.nodes[0].core.counters.BytesSent
	w.nodes[0].core.Receive(w.now, nobody, frame) // a true frame of node 3 from a forged source
	var buf [codec.FrameBytesMax]byte
	answered := 0
	for {
		n, to, ok := w.nodes[0].core.Transmit(w.now, buf[:])
		if !ok {
			break
		}
		if to == nobody {
			answered += n
		}
	}
	if answered == 0 || answered > 3*len(frame) {
		t.Errorf("%d bytes answer %d (%d sent)", answered, len(frame), w.nodes[0].core.counters.BytesSent-sent)
	}
	w.run(5 * sched.Second)
	if w.addrAt(0, 3) != addrOf(3) || has(w.nodes[0], MemberMoved) {
		t.Errorf("a forged source moved it to %v", w.addrAt(0, 3))
	}

	// Another node, which answers in its own name, does not become the victim.
	w.nodes[0].core.Receive(w.now, addrOf(2), append([]byte(nil), frame...))
	w.pump(w.nodes[0])
	w.run(5 * sched.Second)
	if w.addrAt(0, 3) != addrOf(3) || w.addrAt(0, 2) != addrOf(2) {
		t.Errorf("another member took its address: %v", w.addrAt(0, 3))
	}

	// The member itself moves, as behind a router that gives it another port.
	at := netip.MustParseAddrPort("10.0.0.3:4242")
	delete(w.at, addrOf(3))
	w.nodes[3].addr = at
	w.at[at] = w.nodes[3]
	took := w.until("everybody has it there", 5*sched.Second, func() bool {
		return w.addrAt(0, 3) == at && w.addrAt(1, 3) == at && w.addrAt(2, 3) == at && w.allAlive()
	})
	t.Logf("moved after %d ms", took/sched.Millisecond)
	if !has(w.nodes[0], MemberMoved) {
		t.Error("no event")
	}
	w.set(3, "k", "w")
	w.converge(5 * sched.Second)
}

// A declared address is greeted, and used when it answers.
func TestDeclaredAddressIsBelievedAfterAChallenge(t *testing.T) {
	w := village(t, 3, 121, nil)
	at := netip.MustParseAddrPort("10.0.0.1:5555")
	w.set(1, string(declare.AddrKey), string(declare.AppendAddr(nil, at)))
	w.run(5 * sched.Second)
	if w.addrAt(0, 1) != addrOf(1) {
		t.Fatalf("believed unseen: %v", w.addrAt(0, 1))
	}
	for _, bad := range []string{"", "short", string(declare.AppendAddr(nil, netip.MustParseAddrPort("0.0.0.0:1"))), string(declare.AppendAddr(nil, netip.MustParseAddrPort("1.2.3.4:0")))} {
		w.set(1, string(declare.AddrKey), bad)
		w.run(sched.Second)
	}
	if n := w.nodes[0].core.counters.Drops[DropRecord]; n != 4 {
		t.Errorf("%d bad addresses counted", n)
	}
	delete(w.at, addrOf(1))
	w.nodes[1].addr = at
	w.at[at] = w.nodes[1]
	w.set(1, string(declare.AddrKey), string(declare.AppendAddr(nil, at)))
	w.until("it is there", 5*sched.Second, func() bool { return w.addrAt(0, 1) == at && w.addrAt(2, 1) == at && w.allAlive() })
}

// Steps of the wall clock, in both directions and by years, change nothing: it
// is only asked whether a generation is from far in the future.
func TestWallClockStepsAreHarmless(t *testing.T) {
	w := village(t, 5, 122, nil)
	rnd := rand.New(rand.NewPCG(122, 1))
	w.forgetEvents()
	for range 200 {
		d := w.nodes[rnd.IntN(5)]
		d.core.Tick(w.now, sched.Wall(rnd.Int64N(1<<62)-1<<61))
		w.pump(d)
		w.set(rnd.IntN(5), "k", "v")
		w.run(50 * sched.Millisecond)
	}
	w.converge(5 * sched.Second)
	for _, d := range w.nodes {
		if len(d.events) > 0 && d.events[0].Kind != Advanced || !w.allAlive() {
			t.Errorf("node %d: %+v", d.i, d.events)
		}
	}
}
