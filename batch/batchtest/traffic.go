package batchtest

import (
	"bytes"
	"net/netip"
	"runtime"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
)

func same(t *testing.T, got, want batch.Msg, from netip.AddrPort) {
	t.Helper()
	if got.Addr != from {
		t.Errorf("from %v, want %v", got.Addr, from)
	}
	if !bytes.Equal(got.Buf[:got.N], want.Buf[:want.N]) {
		t.Errorf("%d bytes arrived, not the %d that were sent", got.N, want.N)
	}
}

func testSizes(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	for i, size := range []int{0, 1, 2, 63, 64, 512, 1200, 1400, 1472, 2048} {
		out, in := Messages(1, 2048), Messages(1, 2048)
		Fill(&out[0], size, byte(i), to.LocalAddr())
		b.Send(from, out)
		b.Collect(to, in)
		same(t, in[0], out[0], from.LocalAddr())
	}
}

func testOrderKept(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{Slots: 256})
	out, in := Messages(200, 256), Messages(200, 256)
	for i := range out {
		Fill(&out[i], 1+i, byte(i), to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	for i := range in {
		same(t, in[i], out[i], from.LocalAddr())
	}
}

// testSegments sends runs of equal frames between frames to another peer: the
// shapes that segmentation may merge, and must give back one by one.
func testSegments(t *testing.T, b *Bench) {
	opt := batch.Options{Slots: 512, GSO: batch.Auto, GRO: batch.On}
	from, to, other := b.Open(Loopback, opt), b.Open(Loopback, opt), b.Open(Loopback, opt)
	out := Messages(150, 2048)
	var wantTo, wantOther []batch.Msg
	for i := range out {
		size := 1400
		if i%37 == 36 || i >= 140 {
			size = 100 + i // a tail that ends a run, and a run of ten odd ones
		}
		Fill(&out[i], size, byte(i), to.LocalAddr())
		if i%50 == 49 {
			out[i].Addr = other.LocalAddr()
			wantOther = append(wantOther, out[i])
		} else {
			wantTo = append(wantTo, out[i])
		}
	}
	b.Send(from, out)
	in := Messages(len(wantTo), 2048)
	b.Collect(to, in)
	for i := range in {
		same(t, in[i], wantTo[i], from.LocalAddr())
	}
	in = Messages(len(wantOther), 2048)
	b.Collect(other, in)
	for i := range in {
		same(t, in[i], wantOther[i], from.LocalAddr())
	}
}

func testOversize(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{SlotBytes: 1500})
	out, in := Messages(3, 4000), Messages(3, 1000)
	Fill(&out[0], 1001, 1, to.LocalAddr()) // longer than the caller's buffer
	Fill(&out[1], 3000, 2, to.LocalAddr()) // longer than any slot
	Fill(&out[2], 1000, 3, to.LocalAddr())
	b.Send(from, out)
	b.Collect(to, in[:1])
	same(t, in[0], out[2], from.LocalAddr())
	var s batch.Stats
	if to.Stats(&s); s.Oversize != 2 || s.Received != 1 {
		t.Errorf("oversize %d, received %d, want 2 and 1", s.Oversize, s.Received)
	}
}

// testRefused puts destinations that can't be reached between good ones.
func testRefused(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	out, in := Messages(40, 100), Messages(40, 100)
	var want []batch.Msg
	for i := range out {
		Fill(&out[i], 50, byte(i), to.LocalAddr())
		switch i % 8 {
		case 0:
			out[i].Addr = netip.MustParseAddrPort("[2001:db8::1]:9") // wrong family
		case 5:
			out[i].Addr = netip.AddrPort{} // no address at all
		case 7:
			out[i].Addr = netip.MustParseAddrPort("127.0.0.1:0") // nobody has port 0
		default:
			want = append(want, out[i])
		}
	}
	refused := 0
	for rest := out; len(rest) > 0; {
		n, err := from.Send(rest)
		if n == len(rest) {
			break
		}
		if kind, ok := err.(batch.ErrorKind); !ok || kind == batch.Again {
			t.Fatalf("Send = %d, %v, want a refusal", n, err)
		}
		refused++
		rest = rest[n+1:]
	}
	b.Collect(to, in[:len(want)])
	for i := range want {
		same(t, in[i], want[i], from.LocalAddr())
	}
	var s batch.Stats
	from.Stats(&s)
	if refused != 15 || s.Errors() != 15 || s.Sent != uint64(len(want)) {
		t.Errorf("%d refused, %d counted, %d sent, want 15, 15, %d", refused, s.Errors(), s.Sent, len(want))
	}
}

func testMapped(t *testing.T, b *Bench) {
	four := b.Open(Loopback, batch.Options{})
	c, err := b.Poller.Listen(netip.MustParseAddrPort("[::]:0"), batch.Options{})
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	dual := netip.AddrPortFrom(Loopback.Addr(), c.LocalAddr().Port())
	out, in := Messages(1, 100), Messages(1, 100)
	Fill(&out[0], 80, 1, dual)
	b.Send(four, out)
	b.Collect(c, in)
	same(t, in[0], out[0], four.LocalAddr()) // IPv4 as the sender writes it
	b.Send(c, in)                            // and it can be answered as it is
	b.Collect(four, out)
	same(t, out[0], in[0], dual)
}

func testIPv6(t *testing.T, b *Bench) {
	bind := netip.MustParseAddrPort("[::1]:0")
	from, err := b.Poller.Listen(bind, batch.Options{})
	if err != nil {
		t.Skip(err)
	}
	defer from.Close()
	to := b.Open(bind, batch.Options{})
	out, in := Messages(20, 1400), Messages(20, 1400)
	for i := range out {
		Fill(&out[i], 1400, byte(i), to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	for i := range in {
		same(t, in[i], out[i], from.LocalAddr())
	}
	Fill(&out[0], 9, 1, b.Open(Loopback, batch.Options{}).LocalAddr())
	if n, err := from.Send(out[:1]); n != 0 || err != batch.Unreachable {
		t.Errorf("IPv4 from ::1: %d, %v, want a refusal", n, err)
	}
}

// testChangingBuffers swaps the buffers under one slice of messages, and hands
// in another slice: a receive never writes where it was told to before.
func testChangingBuffers(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	out, in := Messages(4, 100), Messages(4, 100)
	for i := range out {
		Fill(&out[i], 100, byte(10*i+1), to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	old := make([][]byte, len(in))
	for i := range in {
		old[i] = in[i].Buf
		in[i].Buf = make([]byte, 60+i*20)
		Fill(&out[i], 55, byte(i), to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	for i := range in {
		same(t, in[i], out[i], from.LocalAddr())
		if old[i][0] != byte(10*i+1) {
			t.Errorf("message %d went to a buffer that was taken away", i)
		}
	}
	b.Send(from, out)
	b.Collect(to, in[2:])
	same(t, in[2], out[0], from.LocalAddr())
	same(t, in[3], out[1], from.LocalAddr())
}

func testStats(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	out, in := Messages(10, 100), Messages(10, 100)
	for i := range out {
		Fill(&out[i], 70, 0, to.LocalAddr())
	}
	b.Send(from, out)
	b.Collect(to, in)
	var s, r batch.Stats
	from.Stats(&s)
	to.Stats(&r)
	if s.Sent != 10 || s.SentBytes != 700 || r.Received != 10 || r.ReceivedBytes != 700 {
		t.Errorf("sent %d of %d bytes, received %d of %d", s.Sent, s.SentBytes, r.Received, r.ReceivedBytes)
	}
	if s.Errors() != 0 || r.Oversize != 0 || r.RecvErrors != 0 || r.KernelDrops != 0 {
		t.Errorf("errors on a quiet loopback: %+v %+v", s, r)
	}
}

func testNoAllocation(t *testing.T, b *Bench) {
	from, to := b.Open(Loopback, batch.Options{}), b.Open(Loopback, batch.Options{})
	out, in := Messages(8, 1400), Messages(8, 1400)
	for i := range out {
		Fill(&out[i], 1400-i%2, 0, to.LocalAddr())
	}
	var s batch.Stats
	const turns = 1000
	turn := func() {
		b.Send(from, out)
		b.Collect(to, in)
		to.Stats(&s)
		b.Poller.Wake()
		b.Poller.Wait(0, b.ready[:])
	}
	if n := testing.AllocsPerRun(turns, turn); n != 0 {
		t.Errorf("%v allocations for 8 datagrams, want 0", n)
	}
	// AllocsPerRun rounds 0.9 down to 0. What the runtime and the rest of the
	// process allocate beside is allowed for.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range turns {
		turn()
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > turns/20 {
		t.Errorf("%d allocations in %d turns", n, turns)
	}
}
