package attack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
)

const (
	floodBytes   = 600
	floodSources = 64
	floodMade    = 4096 // datagrams, which come again and again
)

// floodKind is what somebody without a key can send in masses. heard are datagrams that came
// to the victim, shakes those of them that are greetings.
type floodKind struct {
	name  string
	clear bool // takes no key, so sealed members are asked nothing new
	make  func(rnd *rand.Rand, i int, heard, shakes [][]byte) []byte
}

var floodKinds = []floodKind{
	{"garbage", false, func(rnd *rand.Rand, _ int, _, _ [][]byte) []byte { return random(rnd, floodBytes) }},
	{"headers", false, func(rnd *rand.Rand, i int, heard, _ [][]byte) []byte {
		b := random(rnd, floodBytes)
		copy(b, heard[i%len(heard)][:20]) // of a member of this cluster
		return b
	}},
	{"cut-off", false, func(rnd *rand.Rand, i int, heard, _ [][]byte) []byte {
		b := heard[i%len(heard)]
		return b[:rnd.IntN(len(b))]
	}},
	{"damaged", false, func(rnd *rand.Rand, i int, heard, _ [][]byte) []byte {
		b := bytes.Clone(heard[i%len(heard)])
		b[len(b)-1-rnd.IntN(16)] ^= 1
		return b
	}},
	{"replayed", false, func(_ *rand.Rand, i int, heard, _ [][]byte) []byte { return heard[i%len(heard)] }},
	{"greetings-replayed", false, func(_ *rand.Rand, i int, _, shakes [][]byte) []byte { return shakes[i%len(shakes)] }},
	{"greetings-damaged", false, func(rnd *rand.Rand, i int, _, shakes [][]byte) []byte {
		b := bytes.Clone(shakes[i%len(shakes)])
		b[len(b)-1-rnd.IntN(16)] ^= 1
		return b
	}},
	{"greetings-of-invented", true, func(_ *rand.Rand, i int, _, _ [][]byte) []byte {
		return rogue.New(clusterName, fmt.Sprint("invented-", i), 1, 1, nil).Hello(floodBytes)
	}},
}

func random(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// flood sends datagrams of a kind at a steady rate, to a member or to a socket next door that
// reads too, as a member does.
type flood struct {
	atMember atomic.Bool
	sent     atomic.Uint64
	member   netip.AddrPort
	door     *net.UDPConn
	from     []*net.UDPConn
	made     [][]byte
	ended    chan struct{}
	end      func()
	done     sync.WaitGroup
}

func newFlood(b *testing.B, kind *floodKind, victim *engine.Engine, recorded []seen) *flood {
	f := &flood{member: victim.Addr(), ended: make(chan struct{})}
	f.end = sync.OnceFunc(func() { close(f.ended) })
	var heard, shakes [][]byte
	for _, d := range recorded {
		var h codec.Header
		if _, err := codec.ParseHeader(d.data, &h); err == nil && greets(d.data, &h) {
			shakes = append(shakes, d.data)
		} else {
			heard = append(heard, d.data)
		}
	}
	if len(heard) < 20 || len(shakes) < floodNodes/2 {
		b.Fatalf("%d frames, %d greetings heard", len(heard), len(shakes))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range floodMade {
		f.made = append(f.made, kind.make(rnd, i, heard, shakes))
	}
	listen := func(ip net.IP) *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip})
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	f.door = listen(net.IPv4(127, 0, 0, 1))
	for range floodSources {
		f.from = append(f.from, listen(net.IPv4(127, 0, 0, 1)))
	}
	f.done.Go(f.read)
	f.done.Go(f.pour)
	return f
}

// greets tells whether a datagram is a greeting or an answer to one.
func greets(b []byte, h *codec.Header) bool {
	if h.Flags&codec.FlagSeal != 0 {
		return h.Flags&codec.FlagHello != 0
	}
	records, err := codec.ParseFrame(b, h)
	t, _, _ := codec.NextRecord(records)
	return err == nil && (t == codec.TypeHello || t == codec.TypeHelloReply)
}

func (f *flood) read() {
	buf := make([]byte, 2048)
	for {
		if _, err := f.door.Read(buf); err != nil {
			return
		}
	}
}

func (f *flood) pour() {
	door := f.door.LocalAddr().(*net.UDPAddr).AddrPort()
	began, n := time.Now(), 0
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.ended:
			return
		case <-tick.C:
		}
		due := int(time.Since(began) * time.Duration(*floodRate) / time.Second)
		if due-n > *floodRate/50 { // never 20 ms at once
			n = due - *floodRate/50
		}
		to := door
		if f.atMember.Load() {
			to = f.member
		}
		for ; n < due; n++ {
			f.from[n%len(f.from)].WriteToUDPAddrPort(f.made[n%len(f.made)], to)
			f.sent.Add(1)
		}
	}
}

// stop ends it; also twice.
func (f *flood) stop() {
	f.end()
	f.door.Close()
	f.done.Wait()
	for _, c := range f.from {
		c.Close()
	}
}
