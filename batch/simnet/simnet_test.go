package simnet

import (
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/sched"
)

func TestBehaviour(t *testing.T) {
	batchtest.Run(t, func(testing.TB) batch.Poller { return NewNetwork(1, Link{}).Poller() })
}

func TestLogNormalTable(t *testing.T) {
	const unit = 1 << 16
	f := func(u uint32, q float64) {
		t.Helper()
		want := math.Exp(math.Sqrt2*math.Erfinv(2*q-1) - 2.3263478740408408)
		if got := float64(logNormal(u)) / unit; math.Abs(got-want) > 0.03*want+0.0001 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	for _, q := range []float64{0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 0.99, 0.995, 0.999} {
		f(uint32(q*(1<<32)), q)
	}
	last := sched.Instant(0)
	for u := uint64(0); u < 1<<32; u += 9973 * 101 {
		if d := logNormal(uint32(u)); d < last {
			t.Fatalf("falls at %d", u)
		} else {
			last = d
		}
	}
}

// rate sends n datagrams over one path and counts.
func rate(m *Model, n int, count func(f *Fate) bool) float64 {
	var f Fate
	k := 0
	for i := range n {
		m.Send(sched.Instant(i), 0, 1, 100, &f)
		if count(&f) {
			k++
		}
	}
	return float64(k) / float64(n)
}

func TestChances(t *testing.T) {
	const n = 100000
	f := func(name string, l Link, count func(f *Fate) bool, want float64) {
		t.Helper()
		var m Model
		m.Init(7, l)
		if got := rate(&m, n, count); math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	lost := func(f *Fate) bool { return f.Copies == 0 }
	f("loss", Link{Loss: Probability(0.2)}, lost, 0.2)
	f("burst", Link{Burst: Burst{Probability(0.1), Probability(0.3), Probability(0.8)}}, lost, 0.25*0.8)
	f("duplicates", Link{Duplicate: Probability(0.3)}, func(f *Fate) bool { return f.Copies == 2 }, 0.3)
	f("corruption", Link{Corrupt: Probability(0.4)}, func(f *Fate) bool { return f.Flip[0] >= 0 && f.Flip[0] < 800 }, 0.4)
	f("median", Link{Delay: Delay{Max: 1 << 30, Shape: LogNormal}},
		func(f *Fate) bool { return f.At[0] < 1<<30*977/10000 }, 0.5)
	f("hiccups", Link{Delay: Delay{Min: 1 << 20, Max: 1 << 20, Hiccup: Probability(0.1), HiccupMax: 1 << 40}},
		func(f *Fate) bool { return f.At[0] > 1<<22 }, 0.1)
	f("nothing", Link{}, func(f *Fate) bool { return f.Copies == 1 && f.Flip[0] == -1 }, 1)
}

func TestRules(t *testing.T) {
	var m Model
	m.Init(1, Link{})
	var f Fate
	send := func(now sched.Instant, from, to, n int, want Cause) {
		t.Helper()
		if m.Send(now, from, to, n, &f); f.Cause != want || (f.Copies > 0) != (want == Arrived) {
			t.Errorf("at %d from %d to %d: %v, want %v", now, from, to, f.Cause, want)
		}
	}
	cut := m.Add(Rule{From: SetOf(0), To: SetOf(1, 70), Both: true, Cut: true})
	send(0, 0, 70, 9, Severed)
	send(0, 70, 0, 9, Severed)
	send(0, 1, 70, 9, Arrived)
	m.Remove(cut)
	send(0, 0, 70, 9, Arrived)

	m.Add(Rule{To: SetOf(2), Cut: true, Until: 10})
	send(9, 0, 2, 9, Severed)
	send(9, 2, 0, 9, Arrived) // one way
	send(10, 0, 2, 9, Arrived)

	m.Add(Rule{From: SetOf(3), Link: Link{MTU: 1280}})
	send(11, 3, 0, 1281, TooLong)
	send(11, 3, 0, 1280, Arrived)
	m.Clear()

	m.Add(Rule{To: SetOf(4), Clog: true, Until: 100})
	send(50, 0, 4, 9, Arrived)
	if f.At[0] != 100 {
		t.Errorf("through a clog at %d", f.At[0])
	}
	m.Wire(func(from, to int) bool { return from+1 == to })
	send(200, 0, 1, 9, Arrived)
	send(200, 1, 0, 9, Unwired)
	m.Wire(nil)
	m.Filter(5, 30)
	send(200, 0, 5, 9, Filtered)
	send(200, 5, 0, 9, Arrived)
	send(230, 0, 5, 9, Arrived)
	send(231, 0, 5, 9, Filtered)
}

func TestSameSeedSameFates(t *testing.T) {
	run := func(seed uint64) (sum uint64) {
		var m Model
		m.Init(seed, Link{Delay: Delay{Max: sched.Second, Shape: LogNormal}, Loss: Always / 4, Duplicate: Always / 8, Corrupt: Always / 3})
		var f Fate
		for i := range 1000 {
			m.Send(sched.Instant(i), i%7, i%5, 100, &f)
			sum = sum*31 + uint64(f.At[0]) + uint64(f.Copies) + uint64(f.Flip[0])
		}
		return sum
	}
	if first, again := run(3), run(3); first != again || first == run(4) {
		t.Error("the seed is not what decides")
	}
}

// TestVirtualTime: under synctest a delayed datagram takes exactly its time,
// and a sleeper until Never is woken by it.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNetwork(1, Link{Delay: Delay{Min: 30 * sched.Millisecond, Max: 30 * sched.Millisecond}})
		pa, pb := net.Poller(), net.Poller()
		a, _ := pa.Listen(netip.MustParseAddrPort("0.0.0.0:7946"), batch.Options{})
		b, _ := pb.Listen(netip.MustParseAddrPort("0.0.0.0:7946"), batch.Options{})
		done := make(chan sched.Instant)
		go func() {
			ready, ms := make([]batch.Conn, 4), batchtest.Messages(4, 2048)
			for {
				if _, err := pb.Wait(sched.Never, ready); err != nil {
					t.Error(err)
				}
				if n, _ := b.Recv(ms); n > 0 {
					break
				}
			}
			done <- pb.Now()
		}()
		time.Sleep(time.Hour) // virtual
		ms := batchtest.Messages(1, 100)
		batchtest.Fill(&ms[0], 50, 1, b.LocalAddr())
		sent := pa.Now()
		if n, err := a.Send(ms); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if took := <-done - sent; took != 30*sched.Millisecond {
			t.Errorf("took %d ns", took)
		}
	})
}

func TestReceiveBufferOverflows(t *testing.T) {
	net := NewNetwork(1, Link{})
	p := net.Poller()
	a, _ := p.Listen(batchtest.Loopback, batch.Options{})
	b, _ := p.Listen(batchtest.Loopback, batch.Options{ReceiveBufferBytes: 4096})
	ms := batchtest.Messages(100, 100)
	for i := range ms {
		batchtest.Fill(&ms[i], 100, byte(i), b.LocalAddr())
	}
	a.Send(ms)
	n, _ := b.Recv(ms)
	var s batch.Stats
	b.Stats(&s)
	if n != 4096/ChargedBytes(100) || s.KernelDrops != uint64(100-n) {
		t.Errorf("%d received, %d dropped", n, s.KernelDrops)
	}
}

func BenchmarkFate(b *testing.B) {
	var m Model
	m.Init(1, Link{Delay: Delay{Min: 1000, Max: 300000}, Loss: Always / 20})
	var f Fate
	b.ReportAllocs()
	for b.Loop() {
		m.Send(0, 1, 2, 100, &f)
	}
}

// A host whose process ended says so, if it is asked to, and if the ways there
// and back let it.
func TestClosedPortsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNetwork(1, Link{Delay: Delay{Min: 3 * sched.Millisecond, Max: 3 * sched.Millisecond}})
		pa, pb := net.Poller(), net.Poller()
		a, err := pa.Listen(netip.MustParseAddrPort("0.0.0.0:0"), batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := pb.Listen(netip.MustParseAddrPort("0.0.0.0:0"), batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		gone := b.LocalAddr()
		b.Close()
		ms, rs, ready := batchtest.Messages(1, 100), make([]batch.Report, 4), make([]batch.Conn, 4)
		f := func(to netip.AddrPort, want int) {
			t.Helper()
			batchtest.Fill(&ms[0], 50, 1, to)
			sent := pa.Now()
			if n, err := a.Send(ms); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			n, err := pa.Wait(sent+sched.Second, ready)
			if err != nil || n != want {
				t.Fatalf("%d ready, %v", n, err)
			}
			if want == 0 {
				return
			}
			if took := pa.Now() - sent; took != 6*sched.Millisecond {
				t.Errorf("took %d ns", took)
			}
			if n, err := a.Recv(ms); n != 0 || err != nil {
				t.Error(n, err)
			}
			if n := batch.Reports(a, rs); n != 1 || rs[0] != (batch.Report{Kind: batch.Refused, Addr: gone}) {
				t.Errorf("%d reports, %+v", n, rs[0])
			}
		}
		f(gone, 0)
		net.ClosedPorts(true)
		f(gone, 1)
		f(netip.MustParseAddrPort("10.9.9.9:99"), 0) // no such host
	})
}
