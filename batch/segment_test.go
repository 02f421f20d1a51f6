package batch

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

var (
	alice = netip.MustParseAddrPort("192.0.2.1:7946")
	bob   = netip.MustParseAddrPort("[2001:db8::2]:7946")
)

func run(to netip.AddrPort, sizes ...int) (ms []Msg) {
	for _, n := range sizes {
		ms = append(ms, Msg{Buf: make([]byte, 2048), N: n, Addr: to})
	}
	return ms
}

func TestRunLength(t *testing.T) {
	f := func(ms []Msg, segments, bytes, want int) {
		t.Helper()
		if got := RunLength(ms, segments, bytes); got != want {
			t.Errorf("RunLength = %d, want %d", got, want)
		}
	}
	f(nil, 64, 65507, 0)
	f(run(alice, 1400), 64, 65507, 1)
	f(run(alice, 1400, 1400, 1400), 64, 65507, 3)
	f(run(alice, 1400, 1400, 90, 90), 64, 65507, 3)         // the shorter one ends the run
	f(run(alice, 90, 1400), 64, 65507, 1)                   // a longer one can't follow
	f(run(alice, 1400, 1400, 1400), 2, 65507, 2)            // segments bound
	f(run(alice, 1400, 1400, 1400), 64, 2800, 2)            // bytes bound
	f(run(alice, 1400, 1400, 1400), 64, 2799, 1)            // the second no longer fits
	f(append(run(alice, 9, 9), run(bob, 9)...), 64, 999, 2) // another peer
	f(run(alice, 0, 0), 64, 65507, 1)                       // empty datagrams go alone
	f(run(alice, 9, 0), 64, 65507, 1)
	f(run(alice, 9, 9), 0, 65507, 1) // never less than one: it must leave somehow
}

func TestSplit(t *testing.T) {
	f := func(total, segment, slots, slotBytes, wantN, wantUsed, wantOver int) {
		t.Helper()
		b := bytes.Repeat([]byte("x"), total)
		ms := make([]Msg, slots)
		for i := range ms {
			ms[i].Buf = make([]byte, slotBytes)
		}
		n, used, over := Split(ms, b, segment, alice)
		if n != wantN || used != wantUsed || over != wantOver {
			t.Errorf("Split(%d by %d into %d x %d) = %d, %d, %d, want %d, %d, %d",
				total, segment, slots, slotBytes, n, used, over, wantN, wantUsed, wantOver)
		}
	}
	f(0, 0, 4, 100, 1, 0, 0)
	f(0, 0, 0, 100, 0, 0, 0)
	f(100, 0, 4, 100, 1, 100, 0)
	f(250, 100, 4, 100, 3, 250, 0)
	f(250, 100, 2, 100, 2, 200, 0) // the rest waits
	f(250, 100, 4, 99, 1, 250, 2)  // two too long, the tail fits
	f(90, 100, 4, 100, 1, 90, 0)   // one short datagram
}

// TestRunsSplitBack sends random queues through the two pure halves and wants
// the same datagrams in the same order back.
func TestRunsSplitBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	peers := []netip.AddrPort{alice, bob}
	for range 300 {
		ms := make([]Msg, 1+r.IntN(100))
		for i := range ms {
			ms[i] = Msg{Buf: make([]byte, 1500), N: 1 + r.IntN(2)*r.IntN(1400), Addr: peers[r.IntN(8)/7]}
			r.Uint64()
			for j := range ms[i].Buf[:ms[i].N] {
				ms[i].Buf[j] = byte(r.Uint32())
			}
		}
		checkRunsSplitBack(t, ms)
	}
}

func checkRunsSplitBack(t *testing.T, ms []Msg) {
	t.Helper()
	got := run(netip.AddrPort{}, make([]int, 3)...)
	for at := 0; at < len(ms); {
		k := RunLength(ms[at:], 64, DatagramBytesMax)
		var wire []byte
		for _, m := range ms[at : at+k] {
			wire = append(wire, m.Buf[:m.N]...)
		}
		for len(wire) > 0 {
			n, used, over := Split(got, wire, ms[at].N, ms[at].Addr)
			if n == 0 || over != 0 {
				t.Fatalf("Split = %d, %d, %d", n, used, over)
			}
			for i, m := range got[:n] {
				want := ms[at+i]
				if m.Addr != want.Addr || !bytes.Equal(m.Buf[:m.N], want.Buf[:want.N]) {
					t.Fatalf("message %d changed", at+i)
				}
			}
			at, wire = at+n, wire[used:]
		}
	}
}

func TestSegmentAllocs(t *testing.T) {
	ms := run(alice, 1400, 1400, 1400)
	b := make([]byte, 4200)
	if n := testing.AllocsPerRun(1000, func() {
		RunLength(ms, 64, DatagramBytesMax)
		Split(ms, b, 1400, alice)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkRunLength32(b *testing.B) {
	ms := run(alice, make([]int, 32)...)
	for i := range ms {
		ms[i].N = 1400
	}
	b.ReportAllocs()
	for b.Loop() {
		if RunLength(ms, 64, DatagramBytesMax) != 32 {
			b.Fatal("short run")
		}
	}
}
