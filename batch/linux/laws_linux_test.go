package linux

import (
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// TestBacklogIsAddedOnce: who holds datagrams that were split is ready besides those that the kernel
// names, each once, and as many as there is room for.
func TestBacklogIsAddedOnce(t *testing.T) {
	b := bench(t)
	p := b.Poller.(*Poller)
	var conns [4]*Conn
	for i := range conns {
		conns[i] = b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	}
	for _, c := range conns[1:] {
		c.pending.Store(true)
	}
	ready := make([]batch.Conn, 6)
	for _, c := range []struct {
		room, named, want int
	}{{6, 0, 3}, {6, 1, 4}, {6, 2, 4}, {2, 0, 2}, {2, 2, 2}, {3, 1, 3}, {0, 0, 0}} {
		clear(ready)
		for i := range c.named {
			ready[i] = conns[i]
		}
		n := p.addBacklog(ready[:c.room], c.named)
		seen := map[batch.Conn]int{}
		for _, r := range ready[:n] {
			seen[r]++
		}
		if n != c.want || len(seen) != n || c.named == 0 && seen[conns[0]] > 0 {
			t.Errorf("room for %d, %d named: %d are ready, %d of them different", c.room, c.named, n, len(seen))
		}
	}
	for _, c := range conns {
		c.pending.Store(false)
	}
}

// said lays an extended error as the kernel does.
func (r *reporter) lay(i int, errno unix.Errno, origin uint8, info uint32, addr netip.AddrPort) {
	data, end := r.notes[i].put(0, unix.IPPROTO_IP, unix.IP_RECVERR, int(unsafe.Sizeof(unix.SockExtendedErr{})))
	*(*unix.SockExtendedErr)(data) = unix.SockExtendedErr{Errno: uint32(errno), Origin: origin, Info: info}
	r.hdrs[i].Hdr.SetControllen(end)
	r.family.put(&r.names[i], addr, &r.zones)
}

// TestTheLastReportsAreKept: of more errors than there is room for the last are kept and told in
// their order, each once, however many are asked for at a time; only what hosts and routers say is.
func TestTheLastReportsAreKept(t *testing.T) {
	addr := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 7)
	}
	r := &reporter{family: four}
	c := &Conn{said: r}
	next, told := 0, 0
	buf := make([]batch.Report, 2*batch.ReportsMax)
	for _, step := range []struct{ come, ask int }{{3, 1}, {batch.ReportsMax, 5}, {1, 2}, {3 * batch.ReportsMax, batch.ReportsMax}, {7, len(buf)}, {0, 1}, {batch.ReportsMax, len(buf)}, {batch.ReportsMax + 1, len(buf)}} {
		for range step.come {
			errno, info := unix.ECONNREFUSED, uint32(0)
			if next%3 == 0 {
				errno, info = unix.EMSGSIZE, 1200
			}
			r.lay(next%saidMax, errno, unix.SO_EE_ORIGIN_ICMP, info, addr(next))
			r.take(next % saidMax)
			r.lay(0, errno, unix.SO_EE_ORIGIN_LOCAL, info, addr(next)) // the kernel itself
			r.take(0)
			r.lay(0, unix.EPERM, unix.SO_EE_ORIGIN_ICMP, 0, addr(next)) // what nobody can use
			r.take(0)
			next++
		}
		told = max(told, next-batch.ReportsMax)
		n := c.Reports(buf[:step.ask])
		if want := min(step.ask, next-told); n != want {
			t.Fatalf("%d came, %d asked for: %d are told, want %d", step.come, step.ask, n, want)
		}
		for _, got := range buf[:n] {
			want := batch.Report{Kind: batch.Refused, Addr: addr(told)}
			if told%3 == 0 {
				want.Kind, want.Bytes = batch.TooLong, 1200
			}
			if got != want {
				t.Fatalf("report %d is %+v, want %+v", told, got, want)
			}
			told++
		}
	}
}

// TestWhatRefusesSegments: these errors are of segmenting, and a send that is not segmented is tried
// for them; others are of the send.
func TestWhatRefusesSegments(t *testing.T) {
	of := map[unix.Errno]bool{unix.EIO: true, unix.EINVAL: true, unix.EMSGSIZE: true, unix.EOPNOTSUPP: true}
	for errno := unix.Errno(1); errno < 134; errno++ {
		if segmentRefusal(errno) != of[errno] {
			t.Errorf("%v: refused for segments is %v", errno, segmentRefusal(errno))
		}
	}
}

// TestTwoAreARun: two frames are a run, one is not, and the end of a run is where the next begins.
func TestTwoAreARun(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	c.tx.segments = true
	for n, want := range []bool{1: false, 2: true, 3: true} {
		if n == 0 {
			continue
		}
		heads, _ := c.tx.lay(frames(n, c), 0)
		control := c.tx.hdrs[0].Hdr.Controllen > 0
		if heads != 1 || c.segmented(0) != want || control != want {
			t.Errorf("%d frames: %d headers, a run: %v, told to the kernel as one: %v", n, heads, c.segmented(0), control)
		}
	}
}

// TestNobodyToSpinFor: with one processor a Poller parks, whatever it is asked, and says so; with
// more it does what it is asked, and spins for a time if none is said.
func TestNobodyToSpinFor(t *testing.T) {
	p := open(t, batch.Idle{}, probed())
	defer p.Close()
	before := len(p.Notices())
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		processors int
		ask, want  batch.Idle
		notice     bool
	}{
		{1, batch.Idle{Strategy: batch.Spin, SpinFor: 5}, batch.Idle{Strategy: batch.Park, SpinFor: 5}, true},
		{1, batch.Idle{Strategy: batch.SpinThenPark, SpinFor: 5}, batch.Idle{Strategy: batch.Park, SpinFor: 5}, true},
		{1, batch.Idle{SpinFor: 5}, batch.Idle{SpinFor: 5}, false},
		{2, batch.Idle{Strategy: batch.Spin, SpinFor: 5}, batch.Idle{Strategy: batch.Spin, SpinFor: 5}, false},
		{2, batch.Idle{Strategy: batch.Spin, SpinFor: 0}, batch.Idle{Strategy: batch.Spin, SpinFor: batch.SpinForDefault}, false},
		{2, batch.Idle{Strategy: batch.Spin, SpinFor: -1}, batch.Idle{Strategy: batch.Spin, SpinFor: batch.SpinForDefault}, false},
	} {
		runtime.GOMAXPROCS(c.processors)
		if c.processors > 1 && lonely() != "" {
			continue // under a quota, which has a test of its own
		}
		p.SetIdle(c.ask)
		if told := len(p.Notices()) > before; p.idle != c.want || told != c.notice {
			t.Errorf("%d processors, %+v: it is %+v, told: %v", c.processors, c.ask, p.idle, told)
		}
	}
}

// TestSpinsAfterShortGaps: who spins and then parks spins again after a gap that it could nearly
// have spun through, and not after a longer one. Deadlines make no gap shorter.
func TestSpinsAfterShortGaps(t *testing.T) {
	const spin, us = 20 * sched.Microsecond, sched.Microsecond
	p := &Poller{idle: batch.Idle{Strategy: batch.SpinThenPark, SpinFor: spin}}
	for i, c := range []struct {
		waited sched.Instant
		event  bool
		want   bool
	}{
		{5 * us, false, false}, // nothing is known yet
		{5 * us, true, true},
		{spin + gapMax, true, true},
		{spin + gapMax + 1, true, false},
		{40 * us, true, true},
		{40 * us, false, true},
		{40 * us, false, false}, // 80 since the last event
		{1 * us, true, false},
		{1 * us, true, true},
		{sched.Second, false, false},
		{1 * us, false, false},
		{1 * us, true, false},
		{0, true, true},
	} {
		if p.waited(c.waited, c.event); p.brisk != c.want {
			t.Errorf("step %d: after %v, event: %v, it spins: %v", i, c.waited, c.event, p.brisk)
		}
	}
}

// TestTheTimerIsSetWhenItHasTo: a deadline that the timer has costs no call, an earlier or a later
// one sets it, none at all stops one that is ahead and leaves one that is over.
func TestTheTimerIsSetWhenItHasTo(t *testing.T) {
	p, _, _ := dozing(t)
	d := &p.dozer
	left := func() sched.Instant {
		var s unix.ItimerSpec
		if err := unix.TimerfdGettime(d.timer, &s); err != nil {
			t.Fatal(err)
		}
		return sched.Instant(s.Value.Nano())
	}
	const long = 1000 * sched.Second
	now := p.clock.Span()
	d.arm(now, now+long)
	if l := left(); l <= long/2 || l > long || d.armed != now+long {
		t.Errorf("set to %v, %v is left", long, l)
	}
	d.arm(now, now+3*long)
	if l := left(); l <= 2*long {
		t.Errorf("set to a later one, %v is left", l)
	}
	d.spec.Value.Sec = 1
	if d.arm(now, now+3*long); d.spec.Value.Sec != 1 {
		t.Error("set to what it is set to")
	}
	if d.arm(now, sched.Never); left() != 0 || d.armed != sched.Never {
		t.Errorf("stopped, %v is left", left())
	}
	d.armed = now - 1
	if d.arm(now, sched.Never); d.armed != now-1 {
		t.Error("one that is over is stopped")
	}
	d.armed = now
	if d.arm(now, sched.Never); d.armed != now {
		t.Error("one that is over just now is stopped")
	}
	if d.arm(now, now+long); left() == 0 {
		t.Error("not set again")
	}
}

// TestBriefSleepsInARow: they count up to a few, and one that is long begins anew.
func TestBriefSleepsInARow(t *testing.T) {
	var d dozer
	for i, c := range []struct {
		span sched.Instant
		want int
	}{{0, 1}, {briefSpan - 1, 2}, {briefSpan, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, briefMax}, {briefSpan + 1, 0}, {1, 1}} {
		if d.ended(c.span); d.brief != c.want {
			t.Errorf("sleep %d: %d in a row, want %d", i, d.brief, c.want)
		}
	}
}

// TestWhatIsLooked: sleeping to an instant that is over, or just now, is a look.
func TestWhatIsLooked(t *testing.T) {
	p, _, _ := dozing(t)
	var ready [1]batch.Conn
	for _, before := range []sched.Instant{sched.Second, 1, 0} {
		start := p.clock.Span()
		if n := p.sleep(start-before, ready[:]); n != 0 || p.dozer.armed != 0 {
			t.Errorf("%d ready, the timer was set to %v", n, p.dozer.armed)
		}
	}
}

// TestControlMessagesAreReadWithinTheirBytes: of what lies in them, each is found and nothing else,
// and a length that leads out of the room, or nowhere, ends the search.
func TestControlMessagesAreReadWithinTheirBytes(t *testing.T) {
	var c control
	first, end := c.put(0, unix.IPPROTO_IP, 1, 4)
	second, all := c.put(end, unix.IPPROTO_UDP, 2, 2)
	if c.find(uint64(all), unix.IPPROTO_IP, 1) != first || c.find(uint64(all), unix.IPPROTO_UDP, 2) != second {
		t.Error("what was laid is not found")
	}
	for _, kind := range []int32{1, 3} {
		if c.find(uint64(all), unix.IPPROTO_UDP, kind) != nil {
			t.Errorf("kind %d of that level is found", kind)
		}
	}
	if c.find(uint64(end), unix.IPPROTO_UDP, 2) != nil || c.find(0, unix.IPPROTO_IP, 1) != nil {
		t.Error("found behind what the kernel wrote")
	}
	head := (*unix.Cmsghdr)(unsafe.Pointer(&c))
	for _, length := range []int{0, unix.SizeofCmsghdr - 1, controlBytes + 1} {
		if head.SetLen(length); c.find(controlBytes, unix.IPPROTO_IP, 1) != nil {
			t.Errorf("a message of %d bytes is read", length)
		}
	}
	for _, length := range []int{unix.SizeofCmsghdr, controlBytes} { // without data, and all of it
		if head.SetLen(length); c.find(controlBytes, unix.IPPROTO_IP, 1) != first {
			t.Errorf("a message of %d bytes is not read", length)
		}
	}
}

// TestARunInTheMidstIsSentPlain: as many frames go one by one as the run has that was refused,
// wherever it stands.
func TestARunInTheMidstIsSentPlain(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	c.tx.segments = true
	if heads, _ := c.tx.lay(frames(20, c), 3); heads != 4 {
		t.Fatalf("%d headers", heads)
	}
	if plain := c.unsegment(3, unix.EIO); plain != 17 {
		t.Errorf("%d of 17 frames go plain", plain)
	}
	if plain := c.unsegment(1, unix.EIO); plain != 1 {
		t.Errorf("%d of 1 frame go plain", plain)
	}
}

// TestTheLongestDatagramLeaves: what a datagram can hold is not too long.
func TestTheLongestDatagramLeaves(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	m := batchtest.Messages(1, batch.DatagramBytesMax+1)
	for n, want := range map[int]int{batch.DatagramBytesMax: 1, batch.DatagramBytesMax + 1: 0} {
		m[0].N, m[0].Addr = n, c.LocalAddr()
		if heads, bad := c.tx.lay(m, 0); heads != want || (bad == batch.TooLong) != (want == 0) {
			t.Errorf("%d bytes: %d headers, %v", n, heads, bad)
		}
	}
}

// TestABriefDozeCounts: one that a datagram ends at once is brief, by the clock.
func TestABriefDozeCounts(t *testing.T) {
	p, say, _ := dozing(t)
	var ready [2]batch.Conn
	for tries := range 1000 { // a busy machine may hold one up
		p.dozer.brief = 0
		say()
		if n, err := p.Wait(sched.Never, ready[:]); n != 1 || err != nil {
			t.Fatalf("Wait = %d, %v", n, err)
		}
		if p.dozer.brief == 1 {
			return
		}
		if tries == 999 {
			t.Error("no doze is brief")
		}
	}
}

// TestWhatCouldNotBeBoundHasNoSocket: nor has it a number that may be somebody else's.
func TestWhatCouldNotBeBoundHasNoSocket(t *testing.T) {
	b := bench(t)
	taken := b.Open(batchtest.Loopback, batch.Options{})
	p := b.Poller.(*Poller)
	c := &Conn{poller: p, fd: -1, family: four}
	if err := c.bind(taken.LocalAddr(), batch.Options{}); err == nil || c.fd != -1 {
		t.Errorf("bound where another one is: %v, descriptor %d", err, c.fd)
	}
}

// TestZonesComeBack: an address of a link has its zone, others have none, and IPv4 is IPv4 in any
// family.
func TestZonesComeBack(t *testing.T) {
	var z zones
	for text, f := range map[string]family{
		"192.0.2.1:7": four, "[2001:db8::1]:7": six, "[fe80::1%lo]:7": six, "[::ffff:192.0.2.1]:7": dual, "[2001:db8::2]:9": dual, "[fe80::2%lo]:9": dual,
	} {
		a := netip.MustParseAddrPort(text)
		var n name
		if !f.put(&n, a, &z) {
			t.Errorf("%v is not taken", a)
		}
		if got, want := f.get(&n, &z), netip.AddrPortFrom(a.Addr().Unmap(), a.Port()); got != want {
			t.Errorf("%v comes back as %v", want, got)
		}
	}
}

// TestBuffersStayTheCallers: datagrams that are too long for their buffers are left out, and what was
// received has the others' bytes; each of the caller's buffers is in the list still, once.
func TestBuffersStayTheCallers(t *testing.T) {
	b := bench(t)
	from, to := b.Open(batchtest.Loopback, batch.Options{GSO: batch.Off}), b.Open(batchtest.Loopback, batch.Options{})
	out, in := batchtest.Messages(24, 300), batchtest.Messages(24, 100)
	was := map[*byte]bool{}
	for i := range in {
		was[unsafe.SliceData(in[i].Buf)] = true
	}
	want := 0
	for round := range 4 {
		for i := range out {
			size := 40 + i
			if (i+round)%3 == 0 {
				size = 200
			} else {
				want++
			}
			batchtest.Fill(&out[i], size, byte(i), to.LocalAddr())
		}
		b.Send(from, out)
		for got := 0; got < 16; {
			b.Await(to)
			n, err := to.Recv(in)
			if err != nil {
				t.Fatal(err)
			}
			for i := range in[:n] {
				if m := &in[i]; m.N > 100 || m.N < 40 || string(m.Buf[:m.N]) != string(out[m.N-40].Buf[:m.N]) {
					t.Errorf("round %d: %d bytes are not those that were sent", round, m.N)
				}
			}
			got += n
			is := map[*byte]bool{}
			for i := range in {
				is[unsafe.SliceData(in[i].Buf)] = was[unsafe.SliceData(in[i].Buf)]
			}
			if len(is) != len(was) {
				t.Fatalf("round %d: %d buffers of %d", round, len(is), len(was))
			}
		}
	}
	var s batch.Stats
	if to.Stats(&s); s.Received != uint64(want) || s.Oversize != uint64(4*len(out)-want) {
		t.Errorf("received %d, too long %d of %d", s.Received, s.Oversize, 4*len(out))
	}
}

// TestEventsAreOfOneSocket: what the kernel says of a socket that was closed says nothing of the one
// that has its place now.
func TestEventsAreOfOneSocket(t *testing.T) {
	b := bench(t)
	p := b.Poller.(*Poller)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	ready := make([]batch.Conn, 2)
	for serial, want := range map[int32]int{c.serial: 1, c.serial - 1: 0, c.serial + 1: 0, 0: 0} {
		p.room(ready)
		p.events[0] = unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLERR, Fd: int32(c.index), Pad: serial}
		c.erring.Store(false)
		if n := p.report(1, ready); n != want || c.erring.Swap(false) != (want == 1) {
			t.Errorf("an event of socket %d makes %d ready; this one is %d", serial, n, c.serial)
		}
	}
}

// TestRefusalsInARow: refused runs turn segments off when so many come in a row, and no run that left
// is between them; frames that left one by one say nothing.
func TestRefusalsInARow(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	c.tx.segments = true
	out := frames(6, c)
	for range 4 * refusalsMax {
		for range refusalsMax - 1 {
			c.tx.lay(out, 0)
			c.unsegment(0, unix.EINVAL)
			c.account(out[:1], 1) // alone
		}
		if !c.tx.segments {
			t.Fatal("segments are off after fewer refusals in a row")
		}
		heads, _ := c.tx.lay(out, 0)
		c.account(out, heads) // a run leaves
	}
	for range refusalsMax {
		c.tx.lay(out, 0)
		c.unsegment(0, unix.EINVAL)
	}
	if c.tx.segments {
		t.Error("segments are on after all refusals")
	}
}
