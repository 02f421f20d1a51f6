package engine

import (
	"context"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// TestWhoGaveUpIsForgotten: a call that was given up leaves nothing behind on the loop, however many
// there were.
func TestWhoGaveUpIsForgotten(t *testing.T) {
	c := Local()
	c.Name, c.LeaveTimeout = "one", -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	for range 100 {
		w := &waiter{seq: 1 << 40, done: make(chan error, 1)} // of a version that never is
		e.ask(func(now sched.Instant) {
			w.asked = now
			e.waiters = append(e.waiters, w)
			e.uses.begin(useWaits)
		})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := e.await(ctx, w); err != context.Canceled {
			t.Fatalf("given up: %v", err)
		}
	}
	left := -1
	e.ask(func(sched.Instant) { left = len(e.waiters) })
	if left != 0 {
		t.Errorf("%d who gave up are waited for", left)
	}
}

// TestEachLossHasItsLine: what is lost between two looks has one line of the log, what was lost before
// has none, and a socket that is full for a moment has lost nothing.
func TestEachLossHasItsLine(t *testing.T) {
	e := &Engine{}
	e.herald = &herald{e: e, queue: make(chan *notice, 64)}
	lines := func(lose func(is *tally)) (n int) {
		was := new(tally)
		was.socket.KernelDrops, was.core.Drops[core.DropChecksum], was.socket.SendErrors[batch.Again] = 7, 7, 7
		is := *was
		lose(&is)
		e.logLosses(was, &is)
		for ; len(e.herald.queue) > 0; n++ {
			if l := <-e.herald.queue; !strings.Contains(l.text, "datagrams") {
				t.Errorf("a loss is told as %q", l.text)
			}
		}
		return n
	}
	for _, c := range []struct {
		what string
		lose func(is *tally)
		want int
	}{
		{"nothing", func(*tally) {}, 0},
		{"dropped by the kernel", func(is *tally) { is.socket.KernelDrops++ }, 1},
		{"garbled", func(is *tally) { is.core.Drops[core.DropChecksum]++ }, 1},
		{"of another cluster", func(is *tally) { is.core.Drops[core.DropCluster]++ }, 1},
		{"full for a moment", func(is *tally) { is.socket.SendErrors[batch.Again]++ }, 0},
	} {
		if n := lines(c.lose); n != c.want {
			t.Errorf("%s: %d lines, want %d", c.what, n, c.want)
		}
	}
	for k := range batch.ErrorKind(batch.ErrorKinds) {
		if n := lines(func(is *tally) { is.socket.SendErrors[k] += 3 }); n != 1 && k != batch.Again {
			t.Errorf("refused, %v: %d lines, want 1", k, n)
		}
	}
}

// TestALossOfBroadcastsIsToldOnce: who was too slow is told so once, and then of what came since.
func TestALossOfBroadcastsIsToldOnce(t *testing.T) {
	var s subscriber
	for range 3 {
		s.queue, s.lost = append(s.queue, Broadcast{}), true
		if queue, lost := s.take(); len(queue) != 1 || !lost {
			t.Errorf("%d broadcasts, lost %v", len(queue), lost)
		}
		if queue, lost := s.take(); len(queue) != 0 || lost {
			t.Errorf("again: %d broadcasts, lost %v", len(queue), lost)
		}
	}
}
