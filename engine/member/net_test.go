package member

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

const ms = sched.Millisecond

// cluster runs tables over simnet's network and queue: every record goes through its encoding.
// Handles are the same on all nodes only because they are added in one order.
type cluster struct {
	t      testing.TB
	cfg    Config
	now    sched.Instant
	turns  int
	model  simnet.Model
	queue  simnet.Queue[event]
	nodes  []*node
	loss   float64
	delay  sched.Instant
	takes  sched.Instant // all frames pass one switch, one after the other, each in so long; 0: they don't
	free   sched.Instant // when the switch has passed what it has; a tenth of a second of it waits at most
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
	alarm  sched.Instant // when the queue will wake it; an earlier event for it is void
	status map[uint32]Status
	was    map[uint32][]Status
}

// event is a frame that arrives, or a node's alarm if it has no frame.
type event struct {
	from, to uint32
	print    uint64
	frame    []byte
}

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
	c := &cluster{t: t, cfg: cfg, now: sched.Second, delay: ms / 5, frames: map[codec.Type]int{}}
	c.model.Init(seed, simnet.Link{})
	c.queue.Init(c.now)
	for h := uint32(1); h <= uint32(n); h++ {
		x := &node{h: h, alarm: sched.Never, status: map[uint32]Status{}, was: map[uint32][]Status{}}
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
		c.arm(n)
	}
	var e event
	for {
		at, ok := c.queue.Pop(end-1, &e)
		if !ok {
			c.now = max(c.now, end)
			return
		}
		n := c.node(e.to)
		if e.frame != nil {
			c.now = max(c.now, at)
			c.deliver(n, e)
		} else if at == n.alarm {
			c.now, n.alarm = max(c.now, at), sched.Never
			c.turn(n)
			c.arm(n)
		}
	}
}

// arm lets the queue wake a node when it has something to do.
func (c *cluster) arm(n *node) {
	if at := max(n.due, n.asleep); !n.down && at < n.alarm {
		n.alarm = at
		c.queue.Push(at, event{to: n.h})
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

// turn is one turn of a node's loop. A node that wakes up looks at its timers before its mail: the
// worse order.
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
	if n.due = n.Deadline(); n.judgeAt != n.firstJudgement() {
		c.t.Fatalf("a watch is due at %d, and the table is looked at again at %d", n.firstJudgement(), n.judgeAt)
	}
	c.arm(n)
	if c.turns++; c.turns%16 != 0 {
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
	if c.cut != nil && c.cut(n.h, to) {
		return
	}
	waits := max(0, c.free-c.now)
	if c.takes > 0 {
		if waits > 100*ms {
			return
		}
		c.free = c.now + waits + c.takes
	}
	c.model.SetLink(simnet.Link{Delay: simnet.Delay{Min: c.delay, Max: 2 * c.delay}, Loss: simnet.Probability(c.loss)})
	var f simnet.Fate
	if c.model.Send(c.now, int(n.h), int(to), len(frame), &f); f.Copies > 0 {
		c.queue.Push(f.At[0]+waits, event{from: n.h, to: to, print: n.LivePrint(), frame: frame})
	}
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
