package core

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestFrameNumbersNeverGoBack: a member that came back with its memory lost, and took a new
// generation while frames went to it already, still sees what is sent to it as new: otherwise
// nothing is acknowledged any more, and the sender takes it for one that stalls.
func TestFrameNumbersNeverGoBack(t *testing.T) {
	for seed := uint64(400); seed < 416; seed++ {
		w := newNet(t, 2, seed, nil)
		w.joinAll()
		w.set(1, "a", "1")
		w.run(sched.Second)
		old := w.nodes[1].core.me.ID
		back := w.start(1, 1, nil)
		back.core.Join(w.now, w.nodes[0].addr)
		w.pump(back)
		w.run(5 * sched.Second)
		a, b := &w.nodes[0].core, &w.nodes[1].core
		if b.me.ID == old {
			t.Fatal("its generation is not new")
		}
		last := a.peers[a.roster.Find(b.me.ID)].link.Last()
		high, _ := b.peers[b.roster.Find(a.me.ID)].link.Seen()
		if behind := last - high; behind > 64 {
			t.Errorf("seed %d: frames up to %d were sent, %d is the last that counts as new", seed, last, high)
		}
	}
}

// TestFrameNumbersGoOnWhereAPeerWasForgotten: a node forgets a member that did not forget
// it, as where its seat was given away, and meets it again. What it sends is still new there,
// and writes of both are acknowledged.
func TestFrameNumbersGoOnWhereAPeerWasForgotten(t *testing.T) {
	for seed := uint64(0); seed < 16; seed++ {
		w := newNet(t, 3, seed, nil)
		w.joinAll()
		w.set(0, "a", "1")
		w.converge(5 * sched.Second)
		a, b := &w.nodes[0].core, &w.nodes[1].core
		for round := range 4 { // in other seats, too
			p := a.roster.Find(b.me.ID)
			a.drop(p)
			if round%2 == 1 {
				a.drop(a.roster.Find(w.nodes[2].core.me.ID))
			}
			w.run(2 * sched.Second)
			w.set(0, "a", fmt.Sprint(round))
			w.set(1, "b", fmt.Sprint(round))
			w.run(10 * sched.Second)
			p, q := a.roster.Find(b.me.ID), b.roster.Find(a.me.ID)
			if p == 0 || q == 0 || !a.peers[p].Open() {
				t.Fatalf("seed %d, round %d: they did not meet again", seed, round)
			}
			high, _ := b.peers[q].link.Seen()
			if behind := a.peers[p].link.Last() - high; behind > 64 {
				t.Errorf("seed %d, round %d: %d is the last frame, %d the last that counts as new", seed, round, a.peers[p].link.Last(), high)
			}
			if got, want := a.peers[p].mail.Acked(), a.store.Max(a.store.Owner()); got != want {
				t.Errorf("seed %d, round %d: %d of %d acknowledged", seed, round, got, want)
			}
			if got, want := b.peers[q].mail.Acked(), b.store.Max(b.store.Owner()); got != want {
				t.Errorf("seed %d, round %d: %d of its %d acknowledged", seed, round, got, want)
			}
		}
	}
}

// TestWhatIsSentAgainFromElsewhere: in clear, whoever heard frames of a member sends them again, from
// another address: they are dropped, whatever their order, cost no answer, take nobody back to where
// the member was when it sent them, and are no sign of its life.
func TestWhatIsSentAgainFromElsewhere(t *testing.T) {
	w := newNet(t, 3, 11, nil)
	victim := &w.nodes[0].core
	var heard [][]byte
	w.carried = func(from *node, to netip.AddrPort, b []byte) {
		var h codec.Header
		if _, err := codec.ParseHeader(b, &h); err == nil && from.i == 1 && to == w.nodes[0].addr && h.Flags&codec.FlagFlow != 0 {
			heard = append(heard, bytes.Clone(b))
		}
	}
	w.joinAll()
	for i := range 500 {
		w.set(1, fmt.Sprint("k", i%10), fmt.Sprint(i))
		w.run(5 * sched.Millisecond)
	}
	w.converge(5 * sched.Second)
	w.carried = nil
	p := w.peer(0, 1)
	again := func() {
		t.Helper()
		before, sent, at := victim.counters.Drops[DropReplay], w.frames, victim.peers[p].link
		for _, b := range heard {
			victim.Receive(w.now, addrOf(99), bytes.Clone(b))
		}
		w.pump(w.nodes[0])
		if n := victim.counters.Drops[DropReplay] - before; n != uint64(len(heard)) || w.frames != sent {
			t.Errorf("%d of %d frames dropped, %d sent", n, len(heard), w.frames-sent)
		}
		if victim.peers[p].link != at {
			t.Error("they moved what is known of the path, or are a sign of life")
		}
	}
	if len(heard) < 100 {
		t.Fatalf("%d frames heard", len(heard))
	}
	w.run(sched.Millisecond) // nothing is due any more
	w.pump(w.nodes[0])
	again()
	slices.Reverse(heard)
	again()
	w.nodes[1].down = true
	w.until("it is dead", 10*sched.Second, func() bool { return w.statusOf(0, 1) == member.Dead })
	again()
}
