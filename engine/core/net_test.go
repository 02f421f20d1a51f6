package core

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// net is a small network in virtual time: enough to test the composition of
// the protocols. Frames are really encoded, delivered and parsed.
type net struct {
	t     *testing.T
	rnd   *rand.Rand
	now   sched.Instant
	wall  sched.Wall // what all clocks say
	nodes []*node
	at    map[netip.AddrPort]*node
	queue sched.Heap[flight]
	order int

	loss, dup  float64
	delay      [2]sched.Instant
	linked     func(from, to int) bool // nil: everybody reaches everybody
	corrupt    float64
	frames     int
	afterFrame func(n *node)
	sniff      func(b []byte)
	carried    func(from *node, to netip.AddrPort, b []byte)
	filter     func(from, to *node, b []byte) bool // false: this frame is lost
	written    []map[uint64]string                 // what each author ever wrote, if set
}

type node struct {
	core    Core
	i       int
	addr    netip.AddrPort
	version uint64
	wake    sched.Instant
	down    bool
	asleep  sched.Instant // stopped until then, as by SIGSTOP: frames wait for it
	events  []Event
}

type flight struct {
	at    sched.Instant
	order int
	from  netip.AddrPort
	to    *node
	data  []byte
}

// Before implements sched.Timed.
func (f flight) Before(g flight) bool { return f.at < g.at || f.at == g.at && f.order < g.order }

func addrOf(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946)
}

func newNet(t *testing.T, n int, seed uint64, cfg func(i int, c *Config)) *net {
	t.Helper()
	t.Logf("seed %d", seed)
	w := &net{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), at: map[netip.AddrPort]*node{}, now: sched.Second,
		delay: [2]sched.Instant{100 * sched.Microsecond, 300 * sched.Microsecond},
	}
	for i := range n {
		w.start(i, 1, cfg)
	}
	return w
}

func (w *net) config(i int, gen uint64) Config {
	c := Config{Name: fmt.Appendf(nil, "node-%d", i), Generation: gen, Advertise: addrOf(i), Cluster: []byte("test"), Seed: w.rnd.Uint64(), Experiment: new(Experiment)}
	for k := range c.Salt {
		c.Salt[k] = byte(w.rnd.Uint32())
	}
	return c
}

func (w *net) start(i int, gen uint64, cfg func(i int, c *Config)) *node {
	c := w.config(i, gen)
	if cfg != nil {
		cfg(i, &c)
	}
	d := &node{i: i, addr: c.Advertise}
	d.core.Init(&c, w.now, w.wall)
	w.at[d.addr] = d
	if i < len(w.nodes) {
		w.nodes[i] = d
	} else {
		w.nodes = append(w.nodes, d)
	}
	return d
}

// joinAll makes everybody join the first node.
func (w *net) joinAll() {
	for _, d := range w.nodes[1:] {
		d.core.Join(w.now, w.nodes[0].addr)
		w.pump(d)
	}
}

func (w *net) set(i int, key, value string) {
	d := w.nodes[i]
	d.version++
	op := Op{Kind: Set, Version: d.version, Key: []byte(key), Value: []byte(value)}
	if st := d.core.Write(w.now, &op); st != Written {
		w.t.Fatalf("write: %d", st)
	}
	if w.written != nil {
		w.written[i][op.Version] = key + "=" + value // a key that waits keeps its turn
	}
	w.pump(d)
}

// pump sends what the node has to send.
func (w *net) pump(d *node) {
	var buf [codec.FrameBytesMax]byte
	for {
		n, to, ok := d.core.Transmit(w.now, buf[:])
		if !ok {
			break
		}
		w.frames++
		if w.sniff != nil {
			w.sniff(buf[:n])
		}
		if n > d.core.cfg.Frame {
			w.t.Fatalf("frame of %d bytes", n)
		}
		if w.carried != nil {
			w.carried(d, to, buf[:n])
		}
		w.carry(d, to, buf[:n])
	}
	var ev Event
	for d.core.NextEvent(&ev) {
		d.events = append(d.events, ev)
	}
	d.wake = d.core.Deadline()
}

func (w *net) carry(d *node, to netip.AddrPort, b []byte) {
	dst := w.at[to]
	if dst == nil || w.linked != nil && !w.linked(d.i, dst.i) || w.filter != nil && !w.filter(d, dst, b) {
		return
	}
	copies := 1
	if w.rnd.Float64() < w.dup {
		copies = 2
	}
	for range copies {
		if w.rnd.Float64() < w.loss {
			continue
		}
		data := append([]byte(nil), b...)
		if w.rnd.Float64() < w.corrupt {
			data[w.rnd.IntN(len(data))] ^= 1 << w.rnd.IntN(8)
		}
		w.order++
		at := w.now + w.delay[0] + sched.Instant(w.rnd.Int64N(int64(w.delay[1]-w.delay[0])+1))
		w.queue.Push(flight{at, w.order, d.addr, dst, data})
	}
}

// step runs the next thing that happens, not later than until.
func (w *net) step(until sched.Instant) bool {
	next := until
	var who *node
	for _, d := range w.nodes {
		if at := max(d.wake, d.asleep); !d.down && at < next {
			next, who = at, d
		}
	}
	if len(w.queue) > 0 && w.queue[0].at <= next {
		f := w.queue.Pop()
		w.now = max(w.now, f.at)
		if f.to.down {
			return true
		}
		if f.to.asleep > w.now {
			f.at = f.to.asleep
			w.queue.Push(f)
			return true
		}
		f.to.core.Receive(w.now, f.from, f.data)
		for i := range f.data {
			f.data[i] = 0xdb // borrowed bytes die at return
		}
		if w.afterFrame != nil {
			w.afterFrame(f.to)
		}
		w.pump(f.to)
		return true
	}
	w.now = max(w.now, next)
	if who == nil {
		return false
	}
	who.core.Tick(w.now, w.wall)
	w.pump(who)
	return true
}

func (w *net) run(d sched.Instant) {
	until := w.now + d
	for w.step(until) {
	}
}

// equal reports whether all nodes that are up hold the same.
func (w *net) equal() bool {
	var first *node
	for _, d := range w.nodes {
		if d.down {
			continue
		}
		if first == nil {
			first = d
		}
		if d.core.flow.Behind() || d.core.store.Fingerprint() != first.core.store.Fingerprint() || d.core.store.Len() != first.core.store.Len() {
			return false
		}
	}
	return true
}

// converge runs until all are equal, and fails after limit.
func (w *net) converge(limit sched.Instant) sched.Instant {
	w.t.Helper()
	start := w.now
	for w.now < start+limit {
		if w.equal() {
			w.compare()
			return w.now - start
		}
		w.run(5 * sched.Millisecond)
	}
	for _, d := range w.nodes {
		w.t.Logf("%d: origins %d peers %d live %d print %x counters %+v", d.i, d.core.store.Len(), len(d.core.peers)-1, d.core.roster.Reach(), d.core.store.Fingerprint(), d.core.counters)
	}
	w.t.Fatalf("not equal after %d ms", limit/sched.Millisecond)
	return 0
}

// compare checks every replica against its author, key by key.
func (w *net) compare() {
	w.t.Helper()
	for _, a := range w.nodes {
		for _, d := range w.nodes {
			if a.down || d.down {
				continue
			}
			o := d.core.store.Find(a.core.me.ID)
			if o == 0 {
				w.t.Fatalf("node %d does not know node %d", d.i, a.i)
			}
			want, got := w.dump(a, a.core.store.Owner()), w.dump(d, o)
			if want != got {
				w.t.Fatalf("node %d differs about node %d:\n%s\nnot\n%s", d.i, a.i, got, want)
			}
		}
	}
}

func (w *net) dump(d *node, o state.Origin) string {
	var e codec.Entry
	var c state.Cursor
	s := ""
	d.core.store.After(o, 0, &c)
	for c.Next(&e) {
		s += fmt.Sprintf("%d %q=%q %d\n", e.Version, e.Key, e.Value, e.Flags)
	}
	return s
}

// vectors is the comparison of a core that compares by version vector.
func (c *Core) vectors() *compare.Compare { return c.differ.(*compare.Compare) }
