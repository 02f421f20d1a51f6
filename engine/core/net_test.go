package core

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/notary"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// net is a small cluster in virtual time that tests see from inside, where fuzz/sim
// sees cores as their users do. What becomes of a frame, and what happens next, are
// simnet's, as they are there. Frames are really encoded, delivered and parsed.
type net struct {
	t     *testing.T
	rnd   *rand.Rand
	now   sched.Instant
	wall  sched.Wall // what all clocks say
	nodes []*node
	at    map[netip.AddrPort]*node
	model simnet.Model
	queue simnet.Queue[event]

	loss, dup  float64
	delay      [2]sched.Instant
	linked     func(from, to int) bool // nil: everybody reaches everybody
	corrupt    float64
	frames     int
	afterFrame func(n *node)
	sniff      func(b []byte)
	carried    func(from *node, to netip.AddrPort, b []byte)
	filter     func(from, to *node, b []byte) bool // false: this frame is lost
	translate  func(from *node, to netip.AddrPort) (source, target netip.AddrPort)
	written    []map[uint64]string // what each author ever wrote, if set
}

type node struct {
	core    Core
	i       int
	addr    netip.AddrPort
	version uint64
	wake    sched.Instant
	alarm   sched.Instant // when the queue will wake it; an earlier event for it is void
	down    bool
	asleep  sched.Instant // stopped until then, as by SIGSTOP: frames wait for it
	events  []Event
	notary  *notary.Notary // does the jobs of checkpoints; nil: they are left
	job     checkpoint.Job
}

// event is a frame that arrives, or a node's alarm if it has no data.
type event struct {
	from netip.AddrPort
	to   *node
	data []byte
}

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
	w.model.Init(seed, simnet.Link{})
	w.queue.Init(w.now)
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
	d := &node{i: i, addr: c.Advertise, alarm: sched.Never}
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
	for d.notary != nil && d.core.word.NextJob(w.now, &d.job) {
		d.notary.Do(d.core.store, &d.job)
		d.core.word.Complete(w.now, &d.job)
	}
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
	w.arm(d)
}

// arm lets the queue wake a node when it has something to do.
func (w *net) arm(d *node) {
	if at := max(d.wake, d.asleep); !d.down && at < d.alarm {
		d.alarm = at
		w.queue.Push(at, event{to: d})
	}
}

func (w *net) carry(d *node, to netip.AddrPort, b []byte) {
	from := d.addr
	if w.translate != nil {
		from, to = w.translate(d, to)
	}
	dst := w.at[to]
	if dst == nil || w.filter != nil && !w.filter(d, dst, b) {
		return
	}
	w.model.Wire(w.linked)
	w.model.SetLink(simnet.Link{
		Delay: simnet.Delay{Min: w.delay[0], Max: w.delay[1]},
		Loss:  simnet.Probability(w.loss), Duplicate: simnet.Probability(w.dup), Corrupt: simnet.Probability(w.corrupt),
	})
	var f simnet.Fate
	w.model.Send(w.now, d.i, dst.i, len(b), &f)
	for k := range f.Copies {
		data := append([]byte(nil), b...)
		if bit := f.Flip[k]; bit >= 0 {
			data[bit/8] ^= 1 << (bit % 8)
		}
		w.queue.Push(f.At[k], event{from, dst, data})
	}
}

// step runs the next thing that happens, not later than until.
func (w *net) step(until sched.Instant) bool {
	for _, d := range w.nodes {
		w.arm(d) // a test may have woken it
	}
	for {
		var e event
		at, ok := w.queue.Pop(until, &e)
		if !ok {
			w.now = max(w.now, until)
			return false
		}
		switch d := e.to; {
		case e.data == nil && at != d.alarm:
			continue // an earlier one was set since
		case e.data == nil:
			d.alarm = sched.Never
			if d.down || w.nodes[d.i] != d {
				continue // it has stopped, or another process stands in its place
			}
			if due := max(d.wake, d.asleep); due > at { // it was put to sleep
				w.arm(d)
				continue
			}
			w.now = max(w.now, at)
			d.core.Tick(w.now, w.wall)
			w.pump(d)
		default:
			w.now = max(w.now, at)
			w.deliver(&e)
		}
		return true
	}
}

// deliver hands a frame over, or lets it wait for a node that sleeps.
func (w *net) deliver(e *event) {
	switch d := e.to; {
	case d.down:
	case d.asleep > w.now:
		w.queue.Push(d.asleep, *e)
	default:
		d.core.Receive(w.now, e.from, e.data)
		for i := range e.data {
			e.data[i] = 0xdb // borrowed bytes die at return
		}
		if w.afterFrame != nil {
			w.afterFrame(d)
		}
		w.pump(d)
	}
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
