package flow

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// bench is one frame each way through all of flow control.
type bench struct {
	s   Source
	p   Pair
	b   Budget
	r   Receiver
	g   Gate
	seq uint32
	now sched.Instant
	h   codec.Rates
}

func newBench() *bench {
	x := new(bench)
	x.s.Init(PaperPlan(1000, sched.Second))
	x.s.tau = 1000
	x.b.Init(0, frameBytes, 0)
	x.r.Init(0, 1<<30)
	x.g.Init(0, RateMax, 1<<20)
	return x
}

func (x *bench) frame() {
	x.now += 20 * sched.Microsecond
	x.seq++
	x.g.Pass(x.now, 100)
	if x.b.Allow(x.now, Normal) {
		x.b.Release()
	} else {
		x.b.Hold(x.now)
	}
	asked := x.b.Ask(x.now)
	x.s.Tell(&x.p, &x.h, false)
	x.b.Spend(x.now, frameBytes, x.seq, asked)
	x.r.Arrived(x.now, false)
	x.r.Took(frameBytes)
	x.s.Meet(x.now, &x.p, &x.h, true, 31, sched.Second)
	a := Ack{High: x.seq, Map: ^uint64(0), Sent: x.seq, Credit: x.r.Credit(), Marked: x.r.Hot()}
	x.b.Acked(x.now, &a)
}

func TestNothingAllocates(t *testing.T) {
	x := newBench()
	if n := testing.AllocsPerRun(10_000, x.frame); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// BenchmarkFrame is all of flow control for one frame: at the sender, at the
// receiver, and with the acknowledgement at the sender again.
func BenchmarkFrame(b *testing.B) {
	x := newBench()
	b.ReportAllocs()
	for b.Loop() {
		x.frame()
	}
}

// TestPeersAreSmall: what flow control remembers of a peer.
func TestPeersAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(Budget{}) + unsafe.Sizeof(Pair{}); n > 144 {
		t.Errorf("%d bytes a peer", n)
	}
}
