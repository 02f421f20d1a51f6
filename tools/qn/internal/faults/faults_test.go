package faults

import (
	"net/netip"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// wire is a socket that has what it is given, and a clock that is set.
type wire struct {
	batch.Poller
	batch.Conn
	now sched.Instant
	in  []string
	at  netip.AddrPort
}

func (w *wire) Listen(netip.AddrPort, batch.Options) (batch.Conn, error) { return w, nil }
func (w *wire) Wait(_ sched.Instant, ready []batch.Conn) (int, error)    { return min(1, len(w.in)), nil }
func (w *wire) Now() sched.Instant                                       { return w.now }
func (w *wire) LocalAddr() netip.AddrPort                                { return w.at }
func (w *wire) Close() error                                             { return nil }
func (w *wire) Stats(*batch.Stats)                                       {}
func (w *wire) Recv(ms []batch.Msg) (n int, err error) {
	for n < len(ms) && len(w.in) > 0 {
		ms[n].N, ms[n].Addr = copy(ms[n].Buf, w.in[0]), addrOf(int(w.in[0][0]-'0'))
		w.in = w.in[1:]
		n++
	}
	return n, nil
}

func addrOf(member int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(1000+member))
}

func recv(t *testing.T, p *Poller, c batch.Conn) (all string) {
	t.Helper()
	ready, ms := make([]batch.Conn, 4), make([]batch.Msg, 8)
	for i := range ms {
		ms[i].Buf = make([]byte, 16)
	}
	n, err := p.Wait(0, ready)
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return ""
	}
	if ready[0] != c {
		t.Fatal("Wait reports another socket")
	}
	n, _ = c.Recv(ms)
	for _, m := range ms[:n] {
		all += string(m.Buf[:m.N]) + " "
	}
	return all
}

func TestRules(t *testing.T) {
	network := NewNetwork(3)
	var polls [3]*Poller
	var wires [3]*wire
	var conns [3]batch.Conn
	for i := range polls {
		wires[i] = &wire{at: addrOf(i)}
		polls[i] = network.Poller(wires[i], i, 1)
		conns[i], _ = polls[i].Listen(netip.AddrPort{}, batch.Options{})
	}
	f := func(to int, want string, in ...string) {
		t.Helper()
		wires[to].in = append(wires[to].in, in...)
		if got := recv(t, polls[to], conns[to]); got != want {
			t.Errorf("member %d got %q, want %q", to, got, want)
		}
	}
	f(0, "1a 2b ", "1a", "2b")
	network.Change(func(r *Rules) { r.Group[1] = 1 })
	f(0, "2d ", "1c", "2d")
	f(1, "", "0e", "2f")
	network.Change(func(r *Rules) { r.Group[1] = 0; r.OneWay[2] = true })
	f(2, "", "0g", "1h")
	f(0, "2i ", "2i")
	network.Change(func(r *Rules) { r.OneWay[2] = false; r.Loss = 1 })
	f(0, "", "1j")
	network.Change(func(r *Rules) { r.Loss = 0; r.Delay = 10 * time.Millisecond })
	f(0, "", "1k", "2l")
	wires[0].now += 20 * sched.Millisecond
	if got := recv(t, polls[0], conns[0]); len(got) != 6 {
		t.Errorf("after the delay %q", got)
	}
	if n := network.Lost(); n != 6 {
		t.Errorf("%d counted as lost", n)
	}
}

func TestFrozenMembersWaitForTheThaw(t *testing.T) {
	network := NewNetwork(1)
	p := network.Poller(&wire{}, 0, 1)
	network.Change(func(r *Rules) { r.Frozen[0] = true })
	thawed := make(chan struct{})
	go func() {
		_, _ = p.Wait(0, make([]batch.Conn, 1))
		close(thawed)
	}()
	select {
	case <-thawed:
		t.Error("it went on")
	default:
	}
	network.Change(func(r *Rules) { r.Frozen[0] = false })
	<-thawed
}
