package stream

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec/seal"
)

const testTag = 77

// end is one member's streams and its reactor, which is the test's goroutine.
type end struct {
	tb    testing.TB
	s     *Streams
	wake  chan struct{}
	limit *time.Timer
	salt  [batch.StreamSaltSize]byte
}

func keysOf(tb testing.TB, primary uint8, ids ...uint8) batch.StreamKeys {
	tb.Helper()
	var r seal.Keyring
	r.Init(testTag)
	for _, id := range ids {
		if err := r.Add(id, bytes.Repeat([]byte{id}, 16)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Use(primary); err != nil {
		tb.Fatal(err)
	}
	k, err := r.Streams()
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func open(tb testing.TB, o Options, keys batch.StreamKeys) *end {
	tb.Helper()
	e := &end{tb: tb, wake: make(chan struct{}, 1), limit: time.NewTimer(time.Hour)}
	for i := range e.salt {
		e.salt[i] = byte(rand.Uint32())
	}
	o.PortsTried = 4096
	e.s = New(o)
	err := e.s.Start(batch.StreamSetup{
		Near: netip.MustParseAddrPort("127.0.0.1:21000"), Cluster: testTag, Salt: e.salt, Keys: keys,
		Wake: func() {
			select {
			case e.wake <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { e.s.Close() })
	return e
}

func (e *end) peer() batch.StreamPeer {
	return batch.StreamPeer{Addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), e.s.Port()), Salt: e.salt}
}

// next waits for an event.
func (e *end) next() (ev batch.StreamEvent) {
	e.tb.Helper()
	for !e.s.Next(&ev) {
		e.limit.Reset(20 * time.Second)
		select {
		case <-e.wake:
		case <-e.limit.C:
			e.tb.Fatal("no event came")
		}
	}
	return ev
}

func (e *end) want(kind batch.StreamKind) batch.StreamEvent {
	e.tb.Helper()
	ev := e.next()
	if ev.Kind != kind {
		e.tb.Fatalf("event %+v, want kind %d", ev, kind)
	}
	return ev
}

// pair opens a stream from a to b, and gives what each calls it.
func pair(tb testing.TB, a, b *end) (ida, idb batch.StreamID) {
	tb.Helper()
	id, err := a.s.Open(b.peer())
	if err != nil {
		tb.Fatal(err)
	}
	up := a.want(batch.StreamUp)
	came := b.want(batch.StreamUp)
	if up.Stream != id || !up.Opened || came.Opened || came.Peer.Salt != a.salt {
		tb.Fatalf("opened %+v, accepted %+v", up, came)
	}
	return id, came.Stream
}

func (e *end) send(id batch.StreamID, m *batch.StreamMessage) {
	e.tb.Helper()
	if err := e.s.Send(id, m); err != nil {
		e.tb.Fatal(err)
	}
}

func body(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := 0; i < n; i += 16 { // half of it is zero
		for k, v := i, r.Uint64(); k < min(i+8, n); k, v = k+1, v>>8 {
			b[k] = byte(v)
		}
	}
	return b
}

func each(t *testing.T, f func(t *testing.T, keys batch.StreamKeys)) {
	t.Run("sealed", func(t *testing.T) { f(t, keysOf(t, 1, 1)) })
	t.Run("clear", func(t *testing.T) { f(t, nil) })
}

func TestAskAndAnswer(t *testing.T) {
	each(t, func(t *testing.T, keys batch.StreamKeys) {
		for _, how := range []Compression{Off, S2, Zstd} {
			a, b := open(t, Options{Compression: how}, keys), open(t, Options{Compression: how}, keys)
			ida, idb := pair(t, a, b)
			for i, n := range []int{0, 1, 1000, chunkBytes, chunkBytes + 1, 3 << 20, batch.StreamBodyMax} {
				want := body(n, uint64(i))
				sum := sha256.Sum256(want)
				a.send(ida, &batch.StreamMessage{Tag: uint32(i), Head: []byte("what now?"), Want: n, Sum: &sum})
				ev := b.want(batch.StreamAsked)
				if ev.Stream != idb || ev.Tag != uint32(i) || string(ev.Head) != "what now?" || ev.Want != n {
					t.Fatalf("asked %+v", ev)
				}
				b.s.Release(&ev)
				b.send(idb, &batch.StreamMessage{Answer: true, Tag: uint32(i), Head: []byte{7}, Body: want})
				b.want(batch.StreamSent)
				ev = a.want(batch.StreamAnswered)
				if ev.Tag != uint32(i) || string(ev.Head) != "\a" || !bytes.Equal(ev.Body, want) {
					t.Fatalf("%d bytes: answered %d with %d bytes", n, ev.Tag, len(ev.Body))
				}
				a.s.Release(&ev)
			}
			a.s.Finish(ida)
			if ev := a.want(batch.StreamDown); ev.Cause != batch.StreamEnded {
				t.Errorf("finished: %v", ev.Cause)
			}
			if ev := b.want(batch.StreamDown); ev.Cause != batch.StreamEnded {
				t.Errorf("finished by the other side: %v", ev.Cause)
			}
		}
	})
}

// What has ended is held by nobody: no instance, and nothing that its set-up reaches, stays for as
// long as the process lives.
func TestEndedInstancesAreForgotten(t *testing.T) {
	start := func(near netip.AddrPort) (*Streams, weak.Pointer[Streams]) {
		s := New(Options{PortsTried: 1 << 10})
		if err := s.Start(batch.StreamSetup{Near: near, Wake: func() {}}); err != nil {
			t.Fatal(err)
		}
		return s, weak.Make(s)
	}
	var ended []weak.Pointer[Streams]
	near := netip.MustParseAddrPort("127.0.0.1:21000")
	for range 3 { // the same address, again and again
		s, w := start(near)
		near = netip.AddrPortFrom(near.Addr(), s.Port())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		ended = append(ended, w)
	}
	other, _ := start(near)
	defer other.Close()
	for i, w := range ended {
		for limit := time.Now().Add(10 * time.Second); w.Value() != nil; runtime.GC() {
			if time.Now().After(limit) {
				t.Fatalf("instance %d is still held", i)
			}
		}
	}
	pair(t, open(t, Options{}, nil), open(t, Options{}, nil)) // those that run are not touched
}
