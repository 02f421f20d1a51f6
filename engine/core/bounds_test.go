package core

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestVersionsOfWrites: a write has a version above the last, up to the greatest that there is, and a
// key; any other is refused and changes nothing.
func TestVersionsOfWrites(t *testing.T) {
	w := newNet(t, 1, 1, nil)
	c := &w.nodes[0].core
	write := func(version uint64, key string) Status {
		return c.Write(w.now, &Op{Kind: Set, Version: version, Key: []byte(key), Value: []byte("v")})
	}
	for _, x := range []struct {
		version uint64
		key     string
		want    Status
	}{
		{0, "k", Disorder},
		{7, "k", Written},
		{7, "k", Disorder},
		{6, "other", Disorder},
		{8, "", Disorder},
		{codec.VersionMax + 1, "k", Disorder},
		{8, "k", Written},
		{codec.VersionMax, "k", Written},
		{codec.VersionMax, "k", Disorder},
	} {
		print := c.Fingerprint()
		if got := write(x.version, x.key); got != x.want || x.want == Disorder && c.Fingerprint() != print {
			t.Errorf("version %d of %q: status %d, want %d", x.version, x.key, got, x.want)
		}
	}
}

// TestANewSaltIsShownToAll: who goes on under another boot salt introduces itself to all members at
// once, and not with the next frame that is due to them.
func TestANewSaltIsShownToAll(t *testing.T) {
	w := sealedNet(t, 5, 91, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.run(2 * sched.Second)
	d := w.nodes[0]
	if err := d.core.Reseal(w.now, [16]byte{9}); err != nil {
		t.Fatal(err)
	}
	greeted := map[int]bool{}
	w.filter = func(from, to *node, b []byte) bool {
		if from == d && hello(b, true) {
			greeted[to.i] = true
		}
		return true
	}
	w.pump(d)
	w.run(5 * sched.Millisecond)
	if len(greeted) != 4 {
		t.Errorf("%d of 4 are greeted", len(greeted))
	}
	w.filter = nil
	w.set(0, "k", "after")
	if took := w.converge(sched.Second); took > 50*sched.Millisecond {
		t.Errorf("a write takes %d ms", took/sched.Millisecond)
	}
}

// TestWhoIsKnownIsLetIn: a generation that nobody would believe of a newcomer is no reason to turn
// away who is known in it: a first pair takes each other as they are, whatever their clocks say.
func TestWhoIsKnownIsLetIn(t *testing.T) {
	const day = 24 * 3600 * sched.Second
	w := newNet(t, 2, 92, nil)
	w.wall = sched.Wall(100 * day)
	w.start(0, uint64(w.wall), nil)
	w.start(1, uint64(1000*day), nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	for i := 2; i < 8; i++ {
		d := w.start(i, uint64(w.wall), nil)
		d.core.Join(w.now, w.nodes[0].addr)
		w.pump(d)
	}
	w.run(2 * sched.Second)
	c, from := &w.nodes[0].core, w.nodes[1]
	if from.core.me.Gen < uint64(1000*day) || (*book)(c).Believed(from.core.me.Gen) >= from.core.me.Gen {
		t.Fatalf("generation %d is believed", from.core.me.Gen)
	}
	objects := func(name []byte) Drop {
		why, _ := c.objects(from.addr, &codec.Hello{Mode: c.me.Mode, Gen: from.core.me.Gen, Name: name})
		return why
	}
	if why := objects(from.core.me.Name); why != 0 {
		t.Errorf("it is turned away: %v", why)
	}
	if why := objects([]byte("a newcomer")); why != DropGeneration {
		t.Errorf("a newcomer as far ahead: %v", why)
	}
	if why := objects(w.nodes[2].core.me.Name); why != DropGeneration {
		t.Errorf("another life of somebody, as far ahead: %v", why)
	}
}

// TestTheDeadAreGreetedRarely: who was dead before one came is greeted ever more rarely, in the end
// about once a minute.
func TestTheDeadAreGreetedRarely(t *testing.T) {
	w := newNet(t, 2, 93, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	dead := w.nodes[1]
	dead.down = true
	w.until("it is dead", 20*sched.Second, func() bool { return has(w.nodes[0], MemberDied) })
	late := w.start(2, 1, nil)
	late.core.Join(w.now, w.nodes[0].addr)
	w.pump(late)
	w.run(300 * sched.Second)
	greeted := 0
	w.carried = func(from *node, to netip.AddrPort, b []byte) {
		if from == late && to == dead.addr && hello(b, false) {
			greeted++
		}
	}
	w.run(1200 * sched.Second)
	if greeted < 15 || greeted > 45 {
		t.Errorf("%d greetings in 20 minutes", greeted)
	}
}

// TestAGenerationThatNobodyWouldBelieve: who comes back with a clock that is right, and hears that its
// name was taken years ahead, counts that, and goes on above it where all others believe it.
func TestAGenerationThatNobodyWouldBelieve(t *testing.T) {
	const day = 24 * 3600 * sched.Second
	w := newNet(t, 3, 94, nil)
	w.wall = sched.Wall(1000 * day)
	for i := range w.nodes {
		w.start(i, uint64(w.wall), nil)
	}
	w.joinAll()
	w.converge(5 * sched.Second)
	w.nodes[1].down = true
	w.until("it is dead", 20*sched.Second, func() bool { return has(w.nodes[0], MemberDied) })
	w.wall -= sched.Wall(900 * day)
	d := w.start(1, uint64(w.wall), nil)
	d.core.Join(w.now, w.nodes[0].addr)
	w.pump(d)
	w.run(2 * sched.Second)
	want := [DropReasons]uint64{DropGeneration: 1}
	if c := &d.core; c.counters.Drops != want || c.roster.Reach() != 2 || c.me.Gen <= uint64(1000*day) {
		t.Errorf("dropped %v; it reaches %d, in generation %d", c.counters.Drops, c.roster.Reach(), c.me.Gen)
	}
}
