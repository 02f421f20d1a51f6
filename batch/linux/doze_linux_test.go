package linux

import (
	"runtime"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// heard reports whether the runtime's poller is told of the events there are.
func (p *Poller) heard(t *testing.T) bool {
	t.Helper()
	var events [1]unix.EpollEvent
	n, errno := epollLook(p.dozer.fd, events[:])
	if errno != 0 {
		t.Fatal(errno)
	}
	return n > 0
}

// dozing is a Poller with two Conns and a datagram from one to the other.
func dozing(t *testing.T) (p *Poller, say func(), hear func()) {
	p = open(t, batch.Idle{}, probed())
	t.Cleanup(func() { p.Close() })
	if !p.dozes {
		t.Skip("the runtime's poller does not take an epoll here")
	}
	b := &batchtest.Bench{TB: t, Poller: p}
	from, to := b.Open(batchtest.Loopback, batch.Options{}), b.Open(batchtest.Loopback, batch.Options{})
	out, in := batchtest.Messages(1, 100), batchtest.Messages(1, 100)
	batchtest.Fill(&out[0], 10, 0, to.LocalAddr())
	hear = func() {
		t.Helper()
		b.Await(to)
		if n, err := to.Recv(in); n != 1 || err != nil {
			t.Fatalf("Recv = %d, %v", n, err)
		}
	}
	return p, func() { b.Send(from, out) }, hear
}

// TestAwakeUnheard: what arrives while the loop is awake is no event for the
// runtime's poller, neither before the first long wait nor after one that a datagram
// ended nor after one that its deadline ended.
func TestAwakeUnheard(t *testing.T) {
	p, say, hear := dozing(t)
	var ready [1]batch.Conn
	for _, before := range []string{"no wait", "a datagram's end", "a deadline's end"} {
		if before == "a deadline's end" {
			for end := p.Now() + 2*briefSpan; p.Now() < end; {
				p.Wait(end, ready[:])
			}
			say() // that one may be heard
			hear()
		}
		say()
		if p.heard(t) {
			t.Errorf("after %s the runtime hears of a datagram that finds the loop awake", before)
		}
		hear() // in a long wait, which the runtime has to hear of
	}
}

// TestRoused: what ends one doze does not end those after it, and a deadline is never early.
func TestRoused(t *testing.T) {
	p, _, _ := dozing(t)
	var ready [1]batch.Conn
	for range 20 {
		waking := make(chan struct{})
		go func() {
			for !p.dozer.asleep.Load() {
				runtime.Gosched()
			}
			p.Wake()
			close(waking)
		}()
		if n, err := p.Wait(sched.Never, ready[:]); n != 0 || err != nil {
			t.Fatalf("Wait = %d, %v", n, err)
		}
		<-waking
		p.dozer.brief = 0
		end := p.Now() + 10*dozeMin
		for turns := 0; p.Now() < end; turns++ {
			if n, err := p.Wait(end, ready[:]); n != 0 || err != nil {
				t.Fatalf("Wait = %d, %v", n, err)
			}
			if turns > 1 {
				t.Fatal("a wake ends more than one wait")
			}
		}
		p.dozer.brief = 0
	}
	if p.dozer.armed == 0 || p.Now() < p.dozer.armed {
		t.Error("no deadline was waited for in a doze")
	}
}

// TestBriefDozes: under load waits keep to the kernel, and go back to the runtime's
// poller when one is long.
func TestBriefDozes(t *testing.T) {
	p, say, hear := dozing(t)
	for tries := 0; p.dozer.brief < briefMax; tries++ {
		say()
		hear()
		if tries == 100_000 {
			t.Fatal("waits that find a datagram at once are never brief")
		}
	}
	say()
	hear()
	if p.dozer.open || p.heard(t) {
		t.Error("under load the runtime hears of datagrams")
	}
	end, dozed := p.Now()+60*sched.Second, make(chan struct{})
	go func() { // ends the first wait that is the runtime's, however late that comes
		for !p.dozer.asleep.Load() && p.Now() < end {
			runtime.Gosched()
		}
		close(dozed)
		p.Wake()
	}()
	var ready [1]batch.Conn
	for over := false; !over; {
		if n, err := p.Wait(end, ready[:]); n != 0 || err != nil {
			t.Fatalf("Wait = %d, %v", n, err)
		}
		select {
		case <-dozed:
			over = true
		default:
		}
	}
	if p.Now() >= end {
		t.Error("a long wait keeps to the kernel to its end")
	}
}
