package batchtest

import (
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

func testNothingThere(t *testing.T, b *Bench) {
	c := b.Open(Loopback, batch.Options{})
	if n, err := c.Recv(Messages(4, 100)); n != 0 || err != nil {
		t.Errorf("Recv on silence = %d, %v", n, err)
	}
	if n, err := c.Recv(nil); n != 0 || err != nil {
		t.Errorf("Recv(nil) = %d, %v", n, err)
	}
	if n, err := c.Send(nil); n != 0 || err != nil {
		t.Errorf("Send(nil) = %d, %v", n, err)
	}
	if n, err := b.Poller.Wait(b.Poller.Now()-5, b.ready[:]); n != 0 || err != nil {
		t.Errorf("Wait on silence = %d, %v", n, err)
	}
}

func testDeadline(t *testing.T, b *Bench) {
	b.Open(Loopback, batch.Options{})
	for _, span := range []sched.Instant{0, 50 * sched.Microsecond, 2 * sched.Millisecond, 20 * sched.Millisecond} {
		start := b.Poller.Now()
		end := start + span
		early := -1
		for now := start; now < end; now = b.Poller.Now() {
			n, err := b.Poller.Wait(end, b.ready[:])
			if n != 0 || err != nil {
				t.Fatalf("Wait = %d, %v", n, err)
			}
			early++
		}
		if early > 3 {
			t.Errorf("%d early returns before a deadline %d ns ahead", early, span)
		}
		if late := b.Poller.Now() - end; late > 2*sched.Second {
			t.Errorf("deadline %d ns ahead: %d ns late", span, late)
		}
	}
}

func testWakeBeforeWait(t *testing.T, b *Bench) {
	for range 3 {
		b.Poller.Wake()
		b.Poller.Wake()
		start := b.Poller.Now()
		if n, err := b.Poller.Wait(start+Patience, b.ready[:]); n != 0 || err != nil {
			t.Fatalf("Wait = %d, %v", n, err)
		}
		if b.Poller.Now()-start >= Patience {
			t.Fatal("a Wake before Wait was lost")
		}
	}
}

// testWakeNeverLost has producers bump a number, Wake once, and wait until the
// consumer has seen the bump, while it sleeps without any other reason to end.
func testWakeNeverLost(t *testing.T, b *Bench) {
	b.Open(Loopback, batch.Options{})
	const producers, each = 3, 1000
	var bumps, seen atomic.Int64
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			for range each {
				v := bumps.Add(1)
				b.Poller.Wake()
				for seen.Load() < v {
					runtime.Gosched()
				}
			}
		})
	}
	for seen.Load() < producers*each {
		start := b.Poller.Now()
		if _, err := b.Poller.Wait(start+Patience, b.ready[:]); err != nil {
			t.Fatal(err)
		}
		if v := bumps.Load(); v != seen.Load() {
			seen.Store(v)
		} else if b.Poller.Now()-start >= Patience {
			seen.Store(producers * each) // let the producers go
			t.Fatalf("a Wake was lost at %d of %d", v, producers*each)
		}
	}
	wg.Wait()
}

func testLevel(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	out, in := Messages(5, 100), Messages(1, 100)
	for i := range out {
		Fill(&out[i], 10+i, 0, to.LocalAddr())
	}
	b.Send(from, out)
	for i := range out {
		b.Await(to)
		b.Await(to) // reported as long as something is there
		if n, err := to.Recv(in); n != 1 || err != nil || in[0].N != 10+i {
			t.Fatalf("Recv = %d, %v, %d bytes, want datagram %d", n, err, in[0].N, i)
		}
	}
}

// testManyConns has more readable Conns than room in ready: all get a turn.
func testManyConns(t *testing.T, b *Bench) {
	from := b.Open(Loopback, batch.Options{})
	const conns = 40
	out := Messages(conns, 100)
	pending := map[batch.Conn]bool{}
	for i := range out {
		c := b.Open(Loopback, batch.Options{Slots: 4})
		pending[c] = true
		Fill(&out[i], 10, byte(i), c.LocalAddr())
	}
	b.Send(from, out)
	in := Messages(1, 100)
	end := b.Poller.Now() + Patience
	for len(pending) > 0 && b.Poller.Now() < end {
		n, err := b.Poller.Wait(end, b.ready[:3])
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.ready[:n] {
			if k, _ := c.Recv(in); k == 1 && !pending[c] {
				t.Fatal("a second datagram where one was sent")
			}
			delete(pending, c)
		}
	}
	if len(pending) > 0 {
		t.Fatalf("%d of %d Conns were never reported", len(pending), conns)
	}
}

// testListenBesideWait opens a Conn and sends to it while another goroutine is
// in Wait already.
func testListenBesideWait(t *testing.T, b *Bench) {
	from := b.Open(Loopback, batch.Options{})
	done := make(chan error)
	go func() {
		var ready [4]batch.Conn
		for {
			n, err := b.Poller.Wait(b.Poller.Now()+Patience, ready[:])
			if n > 0 || err != nil {
				done <- err
				return
			}
		}
	}()
	to := b.Open(Loopback, batch.Options{})
	out := Messages(1, 100)
	Fill(&out[0], 10, 0, to.LocalAddr())
	b.Send(from, out)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func testBindErrors(t *testing.T, b *Bench) {
	f := func(bind netip.AddrPort, opt batch.Options, want string) {
		t.Helper()
		c, err := b.Poller.Listen(bind, opt)
		if err == nil {
			c.Close()
			t.Errorf("Listen(%v) worked", bind)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("Listen(%v): %q does not name %q", bind, err, want)
		}
	}
	taken := b.Open(Loopback, batch.Options{}).LocalAddr()
	f(taken, batch.Options{}, taken.String())
	f(netip.AddrPort{}, batch.Options{}, "not an address")
	f(netip.MustParseAddrPort("192.0.2.1:0"), batch.Options{}, "192.0.2.1")
	f(Loopback, batch.Options{SlotBytes: 1}, "SlotBytes")
}

func testConnClose(t *testing.T, b *Bench) {
	from := b.Open(Loopback, batch.Options{})
	c, err := b.Poller.Listen(Loopback, batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := Messages(1, 100)
	Fill(&out[0], 10, 0, c.LocalAddr())
	b.Send(from, out)
	b.Await(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Poller.Wait(b.Poller.Now(), b.ready[:]); n != 0 || err != nil {
		t.Errorf("Wait reports a closed Conn: %d, %v", n, err)
	}
	if _, err := c.Recv(Messages(1, 100)); err != batch.ErrClosed {
		t.Errorf("Recv after Close: %v", err)
	}
	if _, err := c.Send(out); err != batch.ErrClosed {
		t.Errorf("Send after Close: %v", err)
	}
	if err := c.Close(); err != batch.ErrClosed {
		t.Errorf("Close after Close: %v", err)
	}
	var s batch.Stats
	c.Stats(&s) // still allowed
	again := b.Open(c.LocalAddr(), batch.Options{})
	if again.LocalAddr() != c.LocalAddr() {
		t.Errorf("the address was not given back")
	}
}

func testPollerClose(t *testing.T, b *Bench) {
	c := b.Open(Loopback, batch.Options{})
	done := make(chan error)
	go func() {
		var ready [1]batch.Conn
		for {
			if _, err := b.Poller.Wait(sched.Never, ready[:]); err != nil {
				done <- err
				return
			}
		}
	}()
	var wakers sync.WaitGroup
	for range 2 {
		wakers.Go(func() {
			for range 1000 {
				b.Poller.Wake()
			}
		})
	}
	if err := b.Poller.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != batch.ErrClosed {
		t.Errorf("Wait during Close: %v", err)
	}
	if _, err := b.Poller.Wait(0, b.ready[:]); err != batch.ErrClosed {
		t.Errorf("Wait after Close: %v", err)
	}
	if _, err := b.Poller.Listen(Loopback, batch.Options{}); err != batch.ErrClosed {
		t.Errorf("Listen after Close: %v", err)
	}
	if err := b.Poller.Close(); err != batch.ErrClosed {
		t.Errorf("Close after Close: %v", err)
	}
	wakers.Wait()
	if err := c.Close(); err != nil {
		t.Errorf("a Conn outlives its Poller, but Close: %v", err)
	}
}

// testChurn opens, uses and closes Conns from several goroutines beside Wait
// and Wake. It is there for the race detector.
func testChurn(t *testing.T, b *Bench) {
	sink := b.Open(Loopback, batch.Options{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			out := Messages(2, 100)
			Fill(&out[0], 10, 0, sink.LocalAddr())
			var s batch.Stats
			for range 60 {
				c, err := b.Poller.Listen(Loopback, batch.Options{Slots: 4})
				if err != nil {
					t.Error(err)
					return
				}
				Fill(&out[1], 10, 0, c.LocalAddr())
				c.Send(out)
				b.Poller.Wake()
				c.Recv(out[1:])
				c.Stats(&s)
				c.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done); b.Poller.Wake() }()
	in := Messages(8, 100)
	for {
		select {
		case <-done:
			return
		default:
		}
		if _, err := b.Poller.Wait(b.Poller.Now()+Patience, b.ready[:]); err != nil {
			t.Fatal(err)
		}
		sink.Recv(in)
	}
}
