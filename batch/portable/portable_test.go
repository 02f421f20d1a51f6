package portable_test

import (
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/batch/portable"
)

func TestBehaviour(t *testing.T) {
	batchtest.Run(t, func(testing.TB) batch.Poller { return portable.New(batch.PollerOptions{}) })
}

// TestFullRing has more datagrams than slots: the surplus waits in the kernel
// and comes later, in order.
func TestFullRing(t *testing.T) {
	b := &batchtest.Bench{TB: t, Poller: portable.New(batch.PollerOptions{})}
	from := b.Open(batchtest.Loopback, batch.Options{})
	to := b.Open(batchtest.Loopback, batch.Options{Slots: 2})
	out, in := batchtest.Messages(60, 100), batchtest.Messages(60, 100)
	for i := range out {
		batchtest.Fill(&out[i], 20+i, 0, to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	for i := range in {
		if in[i].N != 20+i {
			t.Fatalf("datagram %d has %d bytes, want %d", i, in[i].N, 20+i)
		}
	}
}

func BenchmarkSelf(b *testing.B) {
	batchtest.BenchmarkSelf(b, func(testing.TB) batch.Poller { return portable.New(batch.PollerOptions{}) })
}

func BenchmarkPingPong(b *testing.B) {
	batchtest.BenchmarkPingPong(b, func(testing.TB, batch.Idle) batch.Poller { return portable.New(batch.PollerOptions{}) }, batch.Park)
}

// TestWhatIsTooLongGivesItsPlaceBack: a reader that waits for a place goes on where all that was taken
// from it was too long for who took it.
func TestWhatIsTooLongGivesItsPlaceBack(t *testing.T) {
	const long = 20
	b := &batchtest.Bench{TB: t, Poller: portable.New(batch.PollerOptions{})}
	from := b.Open(batchtest.Loopback, batch.Options{})
	to := b.Open(batchtest.Loopback, batch.Options{Slots: 2})
	out := batchtest.Messages(long+1, 100)
	for i := range out {
		batchtest.Fill(&out[i], 80, 0, to.LocalAddr())
	}
	batchtest.Fill(&out[long], 10, 0, to.LocalAddr())
	b.Send(from, out)
	in := batchtest.Messages(1, 40)
	b.Collect(to, in)
	var s batch.Stats
	if to.Stats(&s); in[0].N != 10 || s.Oversize != long || s.Received != 1 {
		t.Errorf("%d bytes arrived; %d were too long, want %d; %d received", in[0].N, s.Oversize, long, s.Received)
	}
}
