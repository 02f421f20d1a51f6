package batchtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// BenchmarkSelf has one goroutine send a batch of 32 to itself and drain it.
// An op is one datagram sent and received.
func BenchmarkSelf(b *testing.B, open func(testing.TB) batch.Poller) {
	for _, size := range []int{64, 512, 1400} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			Stream(b, open(b), batch.Options{GSO: batch.Off}, size, batch.BatchDefault)
		})
	}
}

// Stream measures batches of equal datagrams from one Conn to another, both
// served by this goroutine.
func Stream(tb *testing.B, p batch.Poller, opt batch.Options, size, batchLen int) {
	b := &Bench{TB: tb, Poller: p}
	defer p.Close()
	from, to := b.Open(Loopback, opt), b.Open(Loopback, opt)
	out, in := Messages(batchLen, 2048), Messages(batchLen, 2048)
	for i := range out {
		Fill(&out[i], size, byte(i), to.LocalAddr())
	}
	tb.ReportAllocs()
	cpu, sending := CPUTime(), int64(0)
	tb.ResetTimer()
	for left := tb.N; left > 0; left -= batchLen {
		k := min(left, batchLen)
		start := CPUTime()
		b.Send(from, out[:k])
		sending += CPUTime() - start
		b.Collect(to, in[:k])
	}
	tb.StopTimer()
	if sending > 0 { // on loopback it holds the delivery to the receiving socket too
		tb.ReportMetric(float64(sending)/float64(tb.N), "send-cpu-ns/op")
	}
	if used := CPUTime() - cpu; used > 0 {
		tb.ReportMetric(float64(used)/float64(tb.N), "cpu-ns/op")
	}
}

// BenchmarkPingPong bounces one datagram of 200 bytes between two Pollers,
// each with a goroutine of its own. An op is one way, half a round trip.
func BenchmarkPingPong(b *testing.B, open func(testing.TB, batch.Idle) batch.Poller, strategies ...batch.Strategy) {
	for _, s := range strategies {
		b.Run(s.String(), func(b *testing.B) {
			idle := batch.Idle{Strategy: s, SpinFor: 50 * sched.Microsecond}
			pingPong(b, open(b, idle), open(b, idle))
		})
	}
}

func pingPong(tb *testing.B, near, far batch.Poller) {
	a, z := &Bench{TB: tb, Poller: near}, &Bench{TB: tb, Poller: far}
	ca, cz := a.Open(Loopback, batch.Options{}), z.Open(Loopback, batch.Options{})
	done := make(chan struct{})
	go echo(far, cz, done)
	out, in := Messages(1, 2048), Messages(1, 2048)
	Fill(&out[0], 200, 1, cz.LocalAddr())
	times := make([]sched.Instant, 0, tb.N)
	tb.ReportAllocs()
	tb.ResetTimer()
	for left := tb.N; left > 0; left -= 2 {
		start := near.Now()
		a.Send(ca, out)
		a.Await(ca)
		a.Collect(ca, in)
		times = append(times, (near.Now()-start)/2)
	}
	tb.StopTimer()
	slices.Sort(times)
	tb.ReportMetric(float64(times[len(times)/2])/1e3, "p50-us")
	tb.ReportMetric(float64(times[len(times)*99/100])/1e3, "p99-us")
	far.Close()
	<-done
	near.Close()
}

// echo answers every datagram until its Poller closes.
func echo(p batch.Poller, c batch.Conn, done chan<- struct{}) {
	defer close(done)
	lock()
	defer unlock()
	ms := Messages(8, 2048)
	var ready [1]batch.Conn
	for {
		if _, err := p.Wait(sched.Never, ready[:]); err != nil {
			return
		}
		n, err := c.Recv(ms)
		if err != nil {
			return
		}
		c.Send(ms[:n])
	}
}
