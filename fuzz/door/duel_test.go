package door

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	cluster   = "door"
	flightMax = 64
	pastMax   = 128
	oneSecret = "one key of 16 B."
	twoSecret = "another one here"
)

// flight is a datagram on its way, or one of the past.
type flight struct {
	from netip.AddrPort
	to   int
	data []byte
}

// duel is two honest nodes, a false member and strangers.
type duel struct {
	t      *testing.T
	sealed bool
	now    sched.Instant
	nodes  [2]core.Core
	wrote  [2]map[uint64]string
	last   [2]uint64
	flight []flight
	past   []flight
	spy    *rogue.Rogue
	lied   bool // the false member has spoken inside: what it says may be believed
	heard  map[netip.AddrPort]int
	got    map[netip.AddrPort]int
	buf    [codec.FrameBytesMax]byte
}

func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 7946)
}

// Addresses above those of the nodes: the false member's, and strangers'.
const (
	falseAt = 2
	others  = 6
)

func newDuel(t *testing.T, sealed bool) *duel {
	d := &duel{t: t, sealed: sealed, now: sched.Second, heard: map[netip.AddrPort]int{}, got: map[netip.AddrPort]int{}}
	for i := range d.nodes {
		c := core.Config{
			Name: fmt.Appendf(nil, "node-%d", i), Generation: 5, Advertise: addr(i), Cluster: []byte(cluster), Seed: uint64(i + 1),
			Limits: core.Limits{Peers: 12, Jobs: 2, Wants: 8, Gaps: 8, Events: 16, State: state.Limits{Origins: 12, Keys: 100, ValueBytes: 1 << 18}},
		}
		c.Salt[0], c.Secret[0] = byte(i+1), byte(i+1)
		if sealed {
			c.Keys = new(seal.Keyring)
			c.Keys.Init(codec.ClusterTag(c.Cluster))
			if err := c.Keys.Add(1, []byte(oneSecret)); err != nil {
				t.Fatal(err)
			}
		}
		d.nodes[i].Init(&c, d.now, 0)
		d.wrote[i] = map[uint64]string{}
	}
	var secret []byte
	if sealed {
		secret = []byte(oneSecret)
	}
	d.spy = rogue.WithSalt(cluster, "false", 7, 1, secret, [codec.SaltBytes]byte{9})
	d.spy.Addr = addr(falseAt)
	d.nodes[1].Join(d.now, addr(0))
	d.write(0, "a", "0")
	d.write(1, "a", "1")
	for range 6 {
		d.deliverAll()
		d.advance(5 * sched.Millisecond)
	}
	return d
}

func (d *duel) write(i int, k, v string) {
	d.last[i] = max(d.last[i], d.nodes[i].Parts().Store.Max(d.nodes[i].Parts().Own)) + 1
	op := core.Op{Kind: core.Set, Version: d.last[i], Key: []byte(k), Value: []byte(v)}
	if d.nodes[i].Write(d.now, &op) == core.Written {
		d.wrote[i][op.Version] = k + "=" + v
	}
	d.pump(i)
}

// pump takes what a node has to send.
func (d *duel) pump(i int) {
	c := &d.nodes[i]
	for range 4096 {
		n, to, ok := c.Transmit(d.now, d.buf[:])
		if !ok {
			var ev core.Event
			for c.NextEvent(&ev) {
			}
			return
		}
		if n == 0 || n > codec.FrameBytesDefault {
			d.t.Fatalf("a frame of %d bytes", n)
		}
		d.got[to] += n
		f := flight{addr(i), -1, bytes.Clone(d.buf[:n])}
		switch to {
		case addr(0):
			f.to = 0
		case addr(1):
			f.to = 1
		case addr(falseAt):
			d.spy.Hear(f.data)
		}
		if f.to >= 0 && len(d.flight) < flightMax {
			d.flight = append(d.flight, f)
			if len(d.past) < pastMax {
				d.past = append(d.past, flight{f.from, f.to, bytes.Clone(f.data)})
			}
		}
	}
	d.t.Fatal("transmit has no end")
}

func (d *duel) receive(f flight) {
	d.heard[f.from] += len(f.data)
	data := bytes.Clone(f.data)
	d.nodes[f.to].Receive(d.now, f.from, data)
	for i := range data {
		data[i] = 0xdb // borrowed bytes die at return
	}
	d.pump(f.to)
}

func (d *duel) next() (f flight, ok bool) {
	if len(d.flight) == 0 {
		return f, false
	}
	f = d.flight[0]
	d.flight = d.flight[1:]
	return f, true
}

func (d *duel) deliverAll() {
	for f, ok := d.next(); ok; f, ok = d.next() {
		d.receive(f)
	}
}

func (d *duel) advance(by sched.Instant) {
	d.now += by
	for i := range d.nodes {
		d.nodes[i].Tick(d.now, 0)
		d.pump(i)
	}
}

// check holds the laws.
func (d *duel) check() {
	for i := range d.nodes {
		c := &d.nodes[i]
		s := c.Parts().Store
		if s.Len() > 12 || s.Stats().Entries > 100 {
			d.t.Fatalf("node %d holds %d origins, %d entries", i, s.Len(), s.Stats().Entries)
		}
		if s.Fingerprint() != s.Recompute() {
			d.t.Fatalf("node %d: the fingerprint is off", i)
		}
		if d.lied {
			continue
		}
		for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
			d.authentic(i, o)
		}
	}
	for a := falseAt + 1; a < others && !d.lied; a++ {
		if got, heard := d.got[addr(a)], d.heard[addr(a)]; got > 3*heard {
			d.t.Fatalf("%d bytes went to %s, %d came from there", got, addr(a), heard)
		}
	}
}

// authentic checks that what node i holds of an honest author was written by it.
func (d *duel) authentic(i int, o state.Origin) {
	s := d.nodes[i].Parts().Store
	for a := range d.nodes {
		if string(s.Name(o)) != fmt.Sprintf("node-%d", a) {
			continue
		}
		if s.Max(o) > d.last[a] {
			d.t.Fatalf("node %d holds version %d of node %d, which wrote %d", i, s.Max(o), a, d.last[a])
		}
		var e codec.Entry
		var c state.Cursor
		for s.After(o, 0, &c); c.Next(&e); {
			if got := string(e.Key) + "=" + string(e.Value); d.wrote[a][e.Version] != got {
				d.t.Fatalf("node %d holds %q as version %d of node %d, which wrote %q", i, got, e.Version, a, d.wrote[a][e.Version])
			}
		}
		return
	}
	if string(s.Name(o)) != "false" {
		d.t.Fatalf("node %d knows %q", i, s.Name(o))
	}
}

// together runs the two without faults until they hold the same.
func (d *duel) together() {
	a, b := d.nodes[0].Parts().Store, d.nodes[1].Parts().Store
	d.write(0, "end", "0")
	d.write(1, "end", "1")
	for until := d.now + 60*sched.Second; d.now < until; {
		d.deliverAll()
		if a.Fingerprint() == b.Fingerprint() && a.Len() >= 2 {
			return
		}
		step := min(d.nodes[0].Deadline(), d.nodes[1].Deadline()) - d.now
		d.advance(min(max(step, sched.Millisecond), 100*sched.Millisecond))
	}
	d.t.Fatalf("not together: %+v\n%+v", d.nodes[0].Counters(), d.nodes[1].Counters())
}
