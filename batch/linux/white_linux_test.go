package linux

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

func bench(t testing.TB) *batchtest.Bench {
	p := open(t, batch.Idle{}, probed())
	t.Cleanup(func() { p.Close() })
	return &batchtest.Bench{TB: t, Poller: p}
}

// needSegments skips where this kernel has no UDP_SEGMENT.
func needSegments(t testing.TB) {
	if ok, why := segmentation(); !ok {
		t.Skip(why)
	}
}

// frames are n full frames to one Conn.
func frames(n int, to batch.Conn) []batch.Msg {
	ms := batchtest.Messages(n, 2048)
	for i := range ms {
		batchtest.Fill(&ms[i], 1400, byte(i), to.LocalAddr())
	}
	return ms
}

// TestSegmented sends runs and wants them to leave in few calls and, with
// UDP_GRO, to arrive in few.
func TestSegmented(t *testing.T) {
	needSegments(t)
	b := bench(t)
	from := b.Open(batchtest.Loopback, batch.Options{GSO: batch.On})
	to := b.Open(batchtest.Loopback, batch.Options{GRO: batch.On})
	out, in := frames(100, to), batchtest.Messages(100, 2048)
	b.Send(from, out)
	for at := 0; at < len(in); at += 7 { // less room than a run has
		b.Collect(to, in[at:min(at+7, len(in))])
	}
	for i := range in {
		if string(in[i].Buf[:in[i].N]) != string(out[i].Buf[:out[i].N]) {
			t.Fatalf("frame %d changed", i)
		}
	}
	var s, r batch.Stats
	from.Stats(&s)
	to.Stats(&r)
	if s.Sent != 100 || s.SegmentedRuns == 0 || s.SendCalls > 4 {
		t.Errorf("sent %d in %d runs and %d calls", s.Sent, s.SegmentedRuns, s.SendCalls)
	}
	if r.Received != 100 || r.CoalescedRuns == 0 || r.RecvCalls > 20 {
		t.Errorf("received %d in %d runs and %d calls", r.Received, r.CoalescedRuns, r.RecvCalls)
	}
}

// TestSegmentsRefused makes the kernel refuse segmentation (it wants UDP
// checksums for it): every frame arrives all the same, and after enough
// refusals in a row it is not tried again.
func TestSegmentsRefused(t *testing.T) {
	needSegments(t)
	b := bench(t)
	from := b.Open(batchtest.Loopback, batch.Options{GSO: batch.On})
	to := b.Open(batchtest.Loopback, batch.Options{})
	if err := unix.SetsockoptInt(from.(*Conn).fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1); err != nil {
		t.Skip(err)
	}
	out, in := frames(10, to), batchtest.Messages(10, 2048)
	for range refusalsMax + 2 {
		b.Send(from, out)
		b.Collect(to, in)
	}
	var s batch.Stats
	from.Stats(&s)
	if s.SegmentRetries != refusalsMax || s.SegmentedRuns != 0 || s.Errors() != 0 || s.Sent != 10*(refusalsMax+2) {
		t.Errorf("%d retries, %d runs, %d errors, %d sent", s.SegmentRetries, s.SegmentedRuns, s.Errors(), s.Sent)
	}
	if n := batch.Notices(from); len(n) != 1 || !strings.Contains(n[0], "UDP_SEGMENT is off") {
		t.Errorf("notices %q", n)
	}
}

// TestSegmentEIO is the device without checksum offload, which cannot be had
// on loopback: one EIO is enough.
func TestSegmentEIO(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	c.tx.segments = true
	c.tx.lay(frames(5, c), 0)
	if plain := c.unsegment(0, unix.EIO); plain != 5 || c.tx.segments {
		t.Errorf("after EIO %d frames go plain, segmentation %v", plain, c.tx.segments)
	}
	if heads, _ := c.tx.lay(frames(5, c), 0); heads != 5 {
		t.Errorf("after EIO 5 frames take %d headers", heads)
	}
}

// TestPlainThenRun lays plain frames first and a run behind them.
func TestPlainThenRun(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	c.tx.segments = true
	if heads, bad := c.tx.lay(frames(20, c), 3); heads != 4 || bad != 0 || c.tx.first[3] != 3 || c.tx.first[4] != 20 {
		t.Errorf("20 frames, 3 of them plain: %d headers, first %v", heads, c.tx.first[:heads+1])
	}
}

func TestTooLong(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{})
	for _, n := range []int{-1, 101, 70000} {
		m := batchtest.Messages(1, 100)
		m[0].N, m[0].Addr = n, c.LocalAddr()
		if k, err := c.Send(m); k != 0 || err != batch.TooLong {
			t.Errorf("Send of %d bytes from a buffer of 100: %d, %v", n, k, err)
		}
	}
}

// TestDrain asks for writability as a full socket does, and wants it reported
// once, with nothing to read.
func TestDrain(t *testing.T) {
	b := bench(t)
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	if err := c.refused(batch.Again); err != batch.ErrAgain {
		t.Fatal(err)
	}
	b.Await(c)
	var ready [2]batch.Conn
	if n, _ := b.Poller.Wait(b.Poller.Now(), ready[:]); n != 0 {
		t.Errorf("%d Conns are still reported", n)
	}
}

// TestKernelDrops overflows the smallest receive buffer there is.
func TestKernelDrops(t *testing.T) {
	b := bench(t)
	from := b.Open(batchtest.Loopback, batch.Options{GSO: batch.Off})
	to := b.Open(batchtest.Loopback, batch.Options{ReceiveBufferBytes: 4096})
	b.Send(from, frames(64, to))
	in := batchtest.Messages(64, 2048)
	b.Await(to)
	n, err := to.Recv(in)
	if err != nil {
		t.Fatal(err)
	}
	var s batch.Stats
	if to.Stats(&s); int(s.KernelDrops) != 64-n || n == 64 || s.ReceiveBufferBytes == 0 {
		t.Errorf("64 sent, %d received, %d dropped, room %d", n, s.KernelDrops, s.ReceiveBufferBytes)
	}
	b.Send(from, frames(64, to))
	b.Await(to)
	first := s
	for s.KernelReads == first.KernelReads {
		if s.KernelDrops != first.KernelDrops || s.ReceiveQueueBytes != first.ReceiveQueueBytes {
			t.Fatal("other figures of the kernel, and they were not read")
		}
		to.Stats(&s)
	}
	if s.KernelReads != first.KernelReads+1 || s.KernelDrops == first.KernelDrops || s.ReceiveQueueBytes == 0 {
		t.Errorf("read %d and %d times: dropped %d and %d, %d bytes wait", first.KernelReads, s.KernelReads, first.KernelDrops, s.KernelDrops, s.ReceiveQueueBytes)
	}
}

// TestClamped listens on a thread without CAP_NET_ADMIN and asks for more than
// the host grants.
func TestClamped(t *testing.T) {
	b := bench(t)
	const wish = 1 << 30
	done := make(chan []string)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread dies with its capabilities
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&hdr, &none[0]); err != nil {
			t.Error(err)
		}
		c, err := b.Poller.Listen(batchtest.Loopback, batch.Options{ReceiveBufferBytes: wish})
		if err != nil {
			t.Error(err)
			done <- nil
			return
		}
		c.Close()
		done <- batch.Notices(c)
	}()
	n := <-done
	if len(n) != 1 || !strings.Contains(n[0], "net.core.rmem_max=1073741824") {
		t.Errorf("notices %q", n)
	}
	if line := clampedNotice(4<<20, 2*212992); !strings.Contains(line, "4096 KiB wanted, the host grants 208 KiB") ||
		!strings.Contains(line, "184 full datagrams") {
		t.Error(line)
	}
}

func TestNotices(t *testing.T) {
	if n := (features{true, true, true}).notices(); n != nil {
		t.Errorf("nothing is missing: %q", n)
	}
	if n := poor.notices(); len(n) != 3 {
		t.Errorf("three calls are missing: %q", n)
	}
	for _, line := range poor.notices() {
		if !strings.Contains(line, "falling back to") || strings.Contains(line, "\n") {
			t.Errorf("notice %q", line)
		}
	}
}

// One Wait reports as many readable Conns as there is room for: who serves them in one turn sends
// no more than all of them take in.
func TestOneWaitReportsAll(t *testing.T) {
	const conns = 300
	b := bench(t)
	from := b.Open(batchtest.Loopback, batch.Options{})
	for i := range conns {
		to := b.Open(batchtest.Loopback, batch.Options{Slots: 4})
		out := batchtest.Messages(1, 16)
		batchtest.Fill(&out[0], 10, byte(i), to.LocalAddr())
		b.Send(from, out)
	}
	ready, n := make([]batch.Conn, conns+1), 0
	for end := b.Poller.Now() + batchtest.Patience; n < conns; { // it is a level: the last may take a moment
		var err error
		if n, err = b.Poller.Wait(end, ready); err != nil || b.Poller.Now() >= end {
			t.Fatalf("%d of %d Conns in one Wait, %v", n, conns, err)
		}
	}
}

// TestSignals interrupts a sleep over and over: the deadline holds.
func TestSignals(t *testing.T) {
	b := bench(t)
	var stop atomic.Bool
	var wg sync.WaitGroup
	tid := make(chan int, 1)
	wg.Go(func() {
		id := <-tid
		for !stop.Load() {
			unix.Tgkill(unix.Getpid(), id, unix.SIGURG)
			runtime.Gosched()
		}
	})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid <- unix.Gettid()
	var ready [1]batch.Conn
	end := b.Poller.Now() + 20*sched.Millisecond
	if n, err := b.Poller.Wait(end, ready[:]); n != 0 || err != nil || b.Poller.Now() < end {
		t.Errorf("Wait = %d, %v, %d ns early", n, err, end-b.Poller.Now())
	}
	stop.Store(true)
	wg.Wait()
}

func TestSegmentsCorrupt(t *testing.T) {
	f := func(release string, want bool) {
		t.Helper()
		if segmentsCorrupt(release) != want {
			t.Errorf("Linux %s: corrupt = %v", release, !want)
		}
	}
	f("6.18.44-generic", false)
	f("7.0.0-rc1", true)
	f("7.0", true)
	f("7.0.12-3-pve", true)
	f("7.1-rc3", true)
	f("7.1.4", true)
	f("7.1.5", false)
	f("7.2.0", false)
	f("17.0.1", false)
	f("", false)
	f("strange", false)
}

func TestKinds(t *testing.T) {
	for errno, want := range map[unix.Errno]batch.ErrorKind{
		unix.EAGAIN: batch.Again, unix.EPERM: batch.Denied, unix.EACCES: batch.Denied,
		unix.ENOBUFS: batch.NoBuffers, unix.ENETUNREACH: batch.Unreachable,
		unix.EHOSTUNREACH: batch.Unreachable, unix.EMSGSIZE: batch.TooLong, unix.EINVAL: batch.OtherError,
	} {
		if got := batch.KindOf(errno); got != want {
			t.Errorf("%v is %v, want %v", errno, got, want)
		}
	}
}

// TestLease has users come and go while the end comes: it is given back once,
// after the last use, and nobody enters afterwards.
func TestLease(t *testing.T) {
	for range 200 {
		var l lease
		var users, given atomic.Int32
		giveBack := func() {
			if users.Load() != 0 {
				t.Error("given back in use")
			}
			given.Add(1)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for l.enter(giveBack) {
					users.Add(1)
					users.Add(-1)
					l.leave(giveBack)
				}
			})
		}
		wg.Go(func() { l.end(giveBack) })
		wg.Wait()
		if given.Load() != 1 || l.enter(giveBack) || l.end(giveBack) || given.Load() != 1 {
			t.Fatalf("given back %d times", given.Load())
		}
	}
}

func TestZones(t *testing.T) {
	var z zones
	if id := z.id("lo"); id == 0 || z.name(id) != "lo" {
		t.Skipf("interface lo has number %d and name %q", id, z.name(id))
	}
	for _, name := range []string{"4001", "4002", "4003", "4004", "4005", "4001"} {
		if id := z.id(name); z.name(id) != name {
			t.Errorf("zone %s became %s", name, z.name(id))
		}
	}
}

func BenchmarkGSO(b *testing.B) {
	needSegments(b)
	for _, c := range []struct {
		name string
		opt  batch.Options
		run  int
	}{
		{"off/16", batch.Options{GSO: batch.Off}, 16},
		{"send/2", batch.Options{GSO: batch.On}, 2},
		{"send/4", batch.Options{GSO: batch.On}, 4},
		{"send/16", batch.Options{GSO: batch.On}, 16},
		{"send/46", batch.Options{GSO: batch.On}, 46},
		{"sendAndReceive/16", batch.Options{GSO: batch.On, GRO: batch.On}, 16},
		{"sendAndReceive/46", batch.Options{GSO: batch.On, GRO: batch.On}, 46},
	} {
		b.Run(c.name, func(b *testing.B) {
			batchtest.Stream(b, open(b, batch.Idle{}, probed()), c.opt, 1400, c.run)
		})
	}
}

// BenchmarkWake is a wake that nobody sleeps for, and the Wait that takes it.
func BenchmarkWake(b *testing.B) {
	p := open(b, batch.Idle{}, probed())
	defer p.Close()
	var ready [8]batch.Conn
	b.Run("due", func(b *testing.B) {
		p.Wake()
		for b.Loop() {
			p.Wake()
		}
	})
	b.Run("taken", func(b *testing.B) {
		for b.Loop() {
			p.Wake()
			p.Wait(sched.Never, ready[:])
		}
	})
	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			p.Wait(0, ready[:])
		}
	})
}
