package lossy

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// scripted is a Conn that always has a full batch of numbered datagrams.
type scripted struct {
	batch.Conn
	next uint32
}

func (s *scripted) Recv(ms []batch.Msg) (int, error) {
	for i := range ms {
		s.next++
		binary.LittleEndian.PutUint32(ms[i].Buf, s.next)
		ms[i].N = 4
	}
	return len(ms), nil
}

type onePoller struct {
	batch.Poller
	conn batch.Conn
}

func (p *onePoller) Listen(netip.AddrPort, batch.Options) (batch.Conn, error) { return p.conn, nil }

func (p *onePoller) Wait(_ sched.Instant, ready []batch.Conn) (int, error) {
	ready[0] = p.conn
	return 1, nil
}

func messages(n int) []batch.Msg {
	ms := make([]batch.Msg, n)
	for i := range ms {
		ms[i].Buf = make([]byte, 8)
	}
	return ms
}

func TestLosesItsShareInOrder(t *testing.T) {
	p := New(&onePoller{conn: &scripted{}}, 0.2, 7)
	conn, err := p.Listen(netip.AddrPort{}, batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ready := make([]batch.Conn, 4)
	if n, err := p.Wait(0, ready); n != 1 || err != nil || ready[0] != conn {
		t.Fatalf("Wait reports %v, want the socket that Listen gave out", ready[:n])
	}
	ms := messages(32)
	kept, last := 0, uint32(0)
	for range 1000 {
		n, _ := ready[0].Recv(ms)
		for _, m := range ms[:n] {
			number := binary.LittleEndian.Uint32(m.Buf)
			if number <= last {
				t.Fatalf("datagram %d after %d", number, last)
			}
			last = number
		}
		kept += n
	}
	if lost := 32000 - kept; lost < 6000 || lost > 6800 || p.Dropped() != uint64(lost) {
		t.Errorf("lost %d of 32000 (counted %d), want about 6400", lost, p.Dropped())
	}
	buffers := map[*byte]bool{}
	for _, m := range ms {
		buffers[&m.Buf[0]] = true
	}
	if len(buffers) != 32 {
		t.Errorf("%d different buffers left of 32", len(buffers))
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := New(&onePoller{conn: &scripted{}}, 0.5, 1)
	conn, _ := p.Listen(netip.AddrPort{}, batch.Options{})
	ms, ready := messages(32), make([]batch.Conn, 4)
	f := func() {
		_, _ = p.Wait(0, ready)
		_, _ = conn.Recv(ms)
	}
	if got := testing.AllocsPerRun(1000, f); got != 0 {
		t.Errorf("%v allocations a batch", got)
	}
}
