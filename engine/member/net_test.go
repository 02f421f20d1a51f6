package member

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

const ms = sched.Millisecond

// cluster runs tables over a small simulated network: every record goes through its encoding. Handles are the same on
// all nodes only because they are added in one order.
type cluster struct {
	t      testing.TB
	cfg    Config
	now    sched.Instant
	seq    int
	queue  sched.Heap[event]
	rand   *rand.Rand
	nodes  []*node
	loss   float64
	delay  sched.Instant
	cut    func(from, to uint32) bool
	closed bool // hosts of crashed nodes say that the port is closed
	frames map[codec.Type]int
	log    func(n *node, c *Change)
}

type node struct {
	Table
	ring   Ring
	h      uint32
	down   bool          // crashed
	asleep sched.Instant // stopped until then
	inbox  []event
	due    sched.Instant // Deadline after the last turn
	status map[uint32]Status
	was    map[uint32][]Status
}

type event struct {
	at       sched.Instant
	seq      int
	from, to uint32
	print    uint64
	frame    []byte
}

// Before implements sched.Timed.
func (e event) Before(o event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

func testSeed(t testing.TB) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("QN_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("QN_SEED=%d", seed)
	return seed
}

func testID(h uint32) codec.OriginID {
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], h)
	return codec.OriginID(codec.SipHash([2]uint64{1, 2}, b[:]))
}

func newCluster(t testing.TB, n int, cfg Config) *cluster {
	seed := testSeed(t)
	c := &cluster{t: t, cfg: cfg, now: sched.Second, rand: rand.New(rand.NewPCG(seed, 1)), delay: ms / 5, frames: map[codec.Type]int{}}
	for h := uint32(1); h <= uint32(n); h++ {
		x := &node{h: h, status: map[uint32]Status{}, was: map[uint32][]Status{}}
		x.ring.Init(n+4, [2]uint64{3, 4})
		x.Init(&cfg, DefaultLimits(n+4), &x.ring, h, testID(h), seed, c.now)
		for o := uint32(1); o <= uint32(n); o++ {
			if o != h && !x.Add(c.now, o, testID(o)) {
				t.Fatal("add")
			}
		}
		c.nodes = append(c.nodes, x)
	}
	return c
}

func (c *cluster) node(h uint32) *node { return c.nodes[h-1] }

// run lets time go on by d.
func (c *cluster) run(d sched.Instant) {
	end := c.now + d
	for _, n := range c.nodes {
		c.turn(n)
	}
	for {
		next := end
		if len(c.queue) > 0 {
			next = min(next, c.queue[0].at)
		}
		for _, n := range c.nodes {
			if !n.down {
				next = min(next, max(n.due, n.asleep, c.now))
			}
		}
		c.now = max(next, c.now)
		if c.now >= end {
			c.now = end
			return
		}
		for len(c.queue) > 0 && c.queue[0].at <= c.now {
			e := c.queue.Pop()
			c.deliver(c.node(e.to), e)
		}
		for _, n := range c.nodes {
			if !n.down && c.now >= n.asleep && n.due <= c.now {
				c.turn(n)
			}
		}
	}
}

func (c *cluster) deliver(n *node, e event) {
	if n.down {
		if from := c.node(e.from); c.closed && !from.down {
			from.Refused(c.now, n.h)
			c.turn(from)
		}
		return
	}
	if c.now < n.asleep {
		n.inbox = append(n.inbox, e)
		return
	}
	c.receive(n, e)
	c.turn(n)
}

func (c *cluster) receive(n *node, e event) {
	n.Heard(c.now, e.from)
	n.SeenPrint(c.now, e.from, e.print)
	for b := e.frame; len(b) > 0; {
		var typ codec.Type
		var body []byte
		typ, body, b = codec.NextRecord(b)
		var ack codec.ProbeAck
		ok, err := n.OnRecord(c.now, e.from, typ, body, &ack)
		if err != nil {
			c.t.Fatal(err)
		}
		if ok {
			c.send(n, e.from, n.AppendAnswer(nil, 1300, &ack))
		}
	}
}

// turn is one turn of a node's loop. A node that wakes up looks at its timers before its mail: the worse order.
func (c *cluster) turn(n *node) {
	if n.down || c.now < n.asleep {
		return
	}
	n.Tick(c.now)
	for _, e := range n.inbox {
		c.receive(n, e)
	}
	n.inbox = nil
	var s Send
	for n.Next(c.now, &s) {
		if b := n.AppendSend(nil, 1300, &s); len(b) > 0 && s.Kind != SendGrave {
			c.send(n, s.To, b)
		}
	}
	var ch Change
	for n.NextChange(&ch) {
		n.status[ch.Member] = ch.To
		n.was[ch.Member] = append(n.was[ch.Member], ch.To)
		if c.log != nil {
			c.log(n, &ch)
		}
	}
	n.due = n.Deadline()
	if c.seq%16 != 0 {
		return
	}
	if got := n.recomputePrint(); got != n.LivePrint() {
		c.t.Fatalf("print %x, recomputed %x", n.LivePrint(), got)
	}
}

func (c *cluster) send(n *node, to uint32, frame []byte) {
	if len(frame) > 1300 {
		c.t.Fatalf("frame of %d bytes", len(frame))
	}
	c.frames[codec.Type(frame[0])]++
	if c.cut != nil && c.cut(n.h, to) || c.rand.Float64() < c.loss {
		return
	}
	c.seq++
	at := c.now + c.delay + sched.Instant(c.rand.Int64N(int64(c.delay)))
	c.queue.Push(event{at: at, seq: c.seq, from: n.h, to: to, print: n.LivePrint(), frame: frame})
}

// all fails unless every node that is up believes this of h.
func (c *cluster) all(h uint32, want Status) {
	c.t.Helper()
	for _, n := range c.nodes {
		if !n.down && n.h != h && n.Status(h) != want {
			c.t.Errorf("at %d ms node %d believes %d %v, want %v", c.now/ms, n.h, h, n.Status(h), want)
		}
	}
}

// condemned counts the pairs (node that is up, member that it ever believed to be s).
func (c *cluster) ever(s Status) (count int) {
	for _, n := range c.nodes {
		for h, was := range n.was {
			for _, x := range was {
				if x == s && !n.down && !c.node(h).down {
					count++
				}
			}
		}
	}
	return count
}

// quick is LAN with the grace of those who would rather be wrong than late.
func quick() Config {
	c := LAN()
	c.Grace = 300 * ms
	return c
}
