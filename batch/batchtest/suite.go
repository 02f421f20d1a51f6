package batchtest

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Patience is how long a test waits for what must happen.
const Patience sched.Instant = 10 * sched.Second

// Loopback is 127.0.0.1 with a port for the system to choose.
var Loopback = netip.MustParseAddrPort("127.0.0.1:0")

// Run runs the suite. open returns a fresh Poller, which the suite closes.
func Run(t *testing.T, open func(testing.TB) batch.Poller) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *Bench)
	}{
		{"Sizes", testSizes},
		{"OrderKept", testOrderKept},
		{"NothingThere", testNothingThere},
		{"Deadline", testDeadline},
		{"WakeBeforeWait", testWakeBeforeWait},
		{"WakeNeverLost", testWakeNeverLost},
		{"Level", testLevel},
		{"ManyConns", testManyConns},
		{"ListenBesideWait", testListenBesideWait},
		{"Oversize", testOversize},
		{"Refused", testRefused},
		{"MappedAddresses", testMapped},
		{"IPv6", testIPv6},
		{"BindErrors", testBindErrors},
		{"ConnClose", testConnClose},
		{"PollerClose", testPollerClose},
		{"ChangingBuffers", testChangingBuffers},
		{"Segments", testSegments},
		{"Stats", testStats},
		{"NoAllocation", testNoAllocation},
		{"Churn", testChurn},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t)
			t.Cleanup(func() { p.Close() })
			c.test(t, &Bench{TB: t, Poller: p})
		})
	}
}

// Bench is a Poller and what tests and benchmarks do with it.
type Bench struct {
	testing.TB
	Poller batch.Poller
	ready  [16]batch.Conn
}

// Open binds a Conn that lives as long as the test.
func (b *Bench) Open(bind netip.AddrPort, opt batch.Options) batch.Conn {
	b.Helper()
	c, err := b.Poller.Listen(bind, opt)
	if err != nil {
		b.Fatalf("Listen(%v): %v", bind, err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// Messages returns n empty messages with buffers of size bytes.
func Messages(n, size int) []batch.Msg {
	ms := make([]batch.Msg, n)
	for i := range ms {
		ms[i].Buf = make([]byte, size)
	}
	return ms
}

// Fill makes m a datagram of n bytes to address to, its contents told by seed.
func Fill(m *batch.Msg, n int, seed byte, to netip.AddrPort) {
	m.N, m.Addr = n, to
	for i := range m.Buf[:n] {
		m.Buf[i] = seed + byte(i)
	}
}

// Send sends all of ms, waiting where the socket is full.
func (b *Bench) Send(c batch.Conn, ms []batch.Msg) {
	b.Helper()
	for len(ms) > 0 {
		n, err := c.Send(ms)
		if ms = ms[n:]; len(ms) == 0 {
			return
		}
		if err != batch.ErrAgain {
			b.Fatalf("Send to %v: %d, %v", ms[0].Addr, n, err)
		}
		b.Poller.Wait(b.Poller.Now()+sched.Millisecond, b.ready[:])
	}
}

// Await parks until c is reported or patience ends.
func (b *Bench) Await(c batch.Conn) {
	b.Helper()
	end := b.Poller.Now() + Patience
	for b.Poller.Now() < end {
		n, err := b.Poller.Wait(end, b.ready[:])
		if err != nil {
			b.Fatalf("Wait: %v", err)
		}
		for _, r := range b.ready[:n] {
			if r == c {
				return
			}
		}
	}
	b.Fatalf("nothing arrived at %v", c.LocalAddr())
}

// Collect receives exactly len(into) datagrams on c.
func (b *Bench) Collect(c batch.Conn, into []batch.Msg) {
	b.Helper()
	for len(into) > 0 {
		n, err := c.Recv(into)
		if err != nil {
			b.Fatalf("Recv: %v", err)
		}
		if into = into[n:]; n == 0 {
			b.Await(c)
		}
	}
}
