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
