package attack

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/stream"
)

// noted are a member's streams whose set-up is known: what an attacker has recorded can be made of it.
type noted struct {
	*stream.Streams
	setup batch.StreamSetup
}

func (n *noted) Start(s batch.StreamSetup) error {
	n.setup = s
	return n.Streams.Start(s)
}

// helloOf is what a life of a member says when it opens a stream to this one. Who has recorded it
// has it; where there are no keys, anybody can make it.
func (n *noted) helloOf(rnd *rand.Rand) []byte {
	s := &n.setup
	id := uint8(0)
	if s.Keys != nil {
		id = s.Keys.Primary()
	}
	b := append([]byte("qns\x01"), id, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, s.Cluster)
	b = append(append(append(b, random(rnd, batch.StreamSaltSize)...), s.Salt[:]...), random(rnd, 16)...)
	if s.Keys == nil {
		return append(b, make([]byte, 16)...)
	}
	mark, _ := s.Keys.Mark(id, b)
	return append(b, mark[:]...)
}

// streamKind is what somebody without a key says on connection i. hellos are recorded ones, of
// lives of members.
type streamKind struct {
	name string
	say  func(rnd *rand.Rand, i int, hellos [][]byte) []byte
}

var streamKinds = []streamKind{
	{"half-open", func(*rand.Rand, int, [][]byte) []byte { return nil }},
	{"slow-loris", func(_ *rand.Rand, i int, hellos [][]byte) []byte {
		b := hellos[i%len(hellos)]
		return b[:len(b)-1]
	}},
	{"garbage", func(rnd *rand.Rand, _ int, _ [][]byte) []byte { return random(rnd, 4000) }},
	{"strangers", func(rnd *rand.Rand, i int, hellos [][]byte) []byte {
		b := append([]byte(nil), hellos[i%len(hellos)]...)
		b[len(b)-1-rnd.IntN(16)] ^= 1
		return b
	}},
	{"hellos-repeated", func(rnd *rand.Rand, i int, hellos [][]byte) []byte {
		return append(append([]byte(nil), hellos[i%len(hellos)]...), random(rnd, 100)...)
	}},
	{"hellos-held", func(_ *rand.Rand, i int, hellos [][]byte) []byte { return hellos[i%len(hellos)] }},
}

const (
	streamsHeld   = 512 // connections that an attacker holds; the oldest is ended for another
	recordedLives = 200
)

// streamFlood opens connections at a steady rate, to a member or to a port next door that treats
// them as a member does.
type streamFlood struct {
	atMember atomic.Bool
	opened   atomic.Uint64
	member   netip.AddrPort
	door     net.Listener
	from     []net.IP
	said     [][]byte
	ended    chan struct{}
	end      func()
	done     sync.WaitGroup
}

func newStreamFlood(b *testing.B, kind *streamKind, at *noted, from []net.IP) *streamFlood {
	f := &streamFlood{member: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port()), ended: make(chan struct{}), from: from}
	f.end = sync.OnceFunc(func() { close(f.ended) })
	rnd := rand.New(rand.NewPCG(1, 2))
	var hellos [][]byte
	for range recordedLives {
		hellos = append(hellos, at.helloOf(rnd))
	}
	for i := range floodMade {
		f.said = append(f.said, kind.say(rnd, i, hellos))
	}
	var err error
	if f.door, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	f.done.Go(f.accept)
	f.done.Go(f.pour)
	return f
}

// accept holds 64 connections at a time, as the member's door does, and reads what they say.
func (f *streamFlood) accept() {
	var held []net.Conn
	buf := make([]byte, 8192)
	for {
		c, err := f.door.Accept()
		if err != nil {
			for _, c := range held {
				c.Close()
			}
			return
		}
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		c.Read(buf)
		if held = append(held, c); len(held) > 64 {
			held[0].Close()
			held = held[1:]
		}
	}
}

func (f *streamFlood) pour() {
	var held []net.Conn
	hangUp := func(n int) {
		for _, c := range held[:n] {
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
		held = held[n:]
	}
	defer func() { hangUp(len(held)) }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n, began, was := 0, time.Now(), false; ; {
		select {
		case <-f.ended:
			return
		case <-tick.C:
		}
		to := f.door.Addr().(*net.TCPAddr).AddrPort()
		at := f.atMember.Load()
		if at {
			to = f.member
		}
		if at != was { // what was held at the other is over
			was = at
			hangUp(len(held))
		}
		due := int(time.Since(began) * time.Duration(*floodStreams) / time.Second)
		for n = max(n, due-*floodStreams/20); n < due; n++ { // never 50 ms at once
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: f.from[n%len(f.from)]}, Timeout: time.Second}
			c, err := d.Dial("tcp4", to.String())
			if err != nil {
				continue
			}
			f.opened.Add(1)
			c.Write(f.said[n%len(f.said)])
			if held = append(held, c); len(held) > streamsHeld {
				hangUp(1)
			}
		}
	}
}

// stop ends it; also twice.
func (f *streamFlood) stop() {
	f.end()
	f.door.Close()
	f.done.Wait()
}

// bomber is a member's port in the hands of somebody who answers what is asked there with bombs,
// while they attack.
type bomber struct {
	*middle
	bomb []byte
}

func (x *bomber) attack(on bool) {
	if on {
		x.take(1<<30, func(_ *middle, in net.Conn) { explode(in, x.bomb) })
	} else {
		x.take(0, nil)
	}
}
