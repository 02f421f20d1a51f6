package peers

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/quidnunc/quidnunc/engine"
)

// cluster is N nodes of one kind. send makes node i say something; landed is
// called for each other node when it hears it.
type cluster interface {
	send(i int, seq uint64)
	close()
}

type kind struct {
	name string
	make func(b *testing.B, n int, landed func(seq uint64)) cluster
}

var kinds = []kind{
	{"quidnunc", newQuidnunc},
	{"memberlist-fastest", func(b *testing.B, n int, landed func(uint64)) cluster {
		c := memberlist.DefaultLANConfig()
		c.GossipInterval, c.GossipNodes, c.EnableCompression = time.Millisecond, 4, false
		return newMemberlist(b, n, c, landed)
	}},
	{"memberlist-best-effort", newBestEffort},
	{"redis", newRedis},
	{"memberlist-lan", func(b *testing.B, n int, landed func(uint64)) cluster {
		return newMemberlist(b, n, memberlist.DefaultLANConfig(), landed)
	}},
}

// BenchmarkBroadcast times one message until all other nodes have it.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{16, 64} {
		for _, k := range kinds {
			b.Run(fmt.Sprintf("%s/nodes=%d", k.name, n), func(b *testing.B) { broadcast(b, k, n) })
		}
	}
}

func broadcast(b *testing.B, k kind, n int) {
	var missing atomic.Int64
	var current atomic.Uint64
	done := make(chan struct{}, 1)
	c := k.make(b, n, func(seq uint64) {
		if seq == current.Load() && missing.Add(-1) == 0 {
			done <- struct{}{}
		}
	})
	defer c.close()
	times, incomplete := make([]time.Duration, 0, b.N), 0
	cpu := processTime()
	b.ResetTimer()
	for i := range b.N {
		seq := uint64(i) + 1
		missing.Store(int64(n - 1))
		current.Store(seq)
		start := time.Now()
		c.send(i%n, seq)
		select {
		case <-done:
			times = append(times, time.Since(start))
		case <-time.After(5 * time.Second):
			incomplete++ // memberlist repairs nothing that its broadcasts missed
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(incomplete), "incomplete")
	if len(times) == 0 {
		return
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64((processTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/msg")
}

// --- the engine ---

type quidnunc struct {
	reactor *engine.Reactor
	nodes   []*engine.Engine
	seq     atomic.Uint64
	value   [64]byte
}

func newQuidnunc(b *testing.B, n int, landed func(uint64)) cluster {
	r := engine.NewReactor(engine.ReactorOptions{})
	c := &quidnunc{reactor: r}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range n {
		var self uint64
		cfg := engine.Config{Name: "node-" + strconv.Itoa(i), Cluster: "bench", Bind: "127.0.0.1:0", Reactor: r}
		// One message is in flight at a time, so that when another node's
		// origin advances, it is that message.
		cfg.Trace = &engine.Trace{Advanced: func(a engine.Advance) {
			if seq := c.seq.Load(); seq > 0 && a.Origin != self {
				landed(seq)
			}
		}}
		e, err := engine.Start(ctx, cfg)
		if err != nil {
			b.Fatal(err)
		}
		self = e.ID()
		c.nodes = append(c.nodes, e)
		if i > 0 {
			if _, err := e.Join(ctx, c.nodes[0].Addr().String()); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, e := range c.nodes {
		for _, err := range e.Events(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			if e.NumMembers() == n {
				break
			}
		}
		c.write(b, e)
	}
	for _, e := range c.nodes {
		if err := e.WaitConverged(ctx); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func (c *quidnunc) write(b *testing.B, e *engine.Engine) {
	if _, err := e.Set("message", c.value[:]); err != nil {
		b.Fatal(err)
	}
}

func (c *quidnunc) send(i int, seq uint64) {
	c.seq.Store(seq)
	binary.LittleEndian.PutUint64(c.value[:], seq)
	if _, err := c.nodes[i].Set("message", c.value[:]); err != nil {
		panic(err)
	}
}

func (c *quidnunc) close() {
	c.seq.Store(0)
	for _, e := range c.nodes {
		e.Close()
	}
	c.reactor.Close()
}

// --- memberlist ---

type listNode struct {
	list   *memberlist.Memberlist
	queue  *memberlist.TransmitLimitedQueue
	landed func(uint64)
	once   bool // messages are not passed on
	mu     sync.Mutex
	seen   map[uint64]bool
}

type message []byte

func (m message) Invalidates(memberlist.Broadcast) bool { return false }
func (m message) Message() []byte                       { return m }
func (m message) Finished()                             {}

func (d *listNode) NodeMeta(int) []byte { return nil }
func (d *listNode) NotifyMsg(b []byte) {
	seq := binary.LittleEndian.Uint64(b)
	d.mu.Lock()
	known := d.seen[seq]
	d.seen[seq] = true
	d.mu.Unlock()
	if !known {
		if !d.once {
			d.queue.QueueBroadcast(message(slices.Clone(b)))
		}
		d.landed(seq)
	}
}

func (d *listNode) GetBroadcasts(overhead, limit int) [][]byte {
	return d.queue.GetBroadcasts(overhead, limit)
}
func (d *listNode) LocalState(bool) []byte        { return nil }
func (d *listNode) MergeRemoteState([]byte, bool) {}

type listCluster []*listNode

func newMemberlist(b *testing.B, n int, base *memberlist.Config, landed func(uint64)) cluster {
	var c listCluster
	for i := range n {
		d := &listNode{landed: landed, seen: map[uint64]bool{}}
		cfg := *base
		cfg.Name, cfg.BindAddr, cfg.BindPort, cfg.AdvertisePort = "node-"+strconv.Itoa(i), "127.0.0.1", 0, 0
		cfg.Delegate, cfg.LogOutput = d, io.Discard
		d.queue = &memberlist.TransmitLimitedQueue{NumNodes: func() int { return n }, RetransmitMult: cfg.RetransmitMult}
		l, err := memberlist.Create(&cfg)
		if err != nil {
			b.Fatal(err)
		}
		d.list = l
		c = append(c, d)
		if i > 0 {
			first := c[0].list.LocalNode()
			if _, err := l.Join([]string{net.JoinHostPort(first.Addr.String(), strconv.Itoa(int(first.Port)))}); err != nil {
				b.Fatal(err)
			}
		}
	}
	limit, look := time.After(time.Minute), time.NewTicker(10*time.Millisecond) // it tells nobody when it is complete
	defer look.Stop()
	for {
		formed := 0
		for _, d := range c {
			if d.list.NumMembers() >= n-1 { // it often takes long over the last one
				formed++
			}
		}
		if formed == n {
			return c
		}
		select {
		case <-look.C:
		case <-limit:
			b.Fatalf("memberlist: %d of %d nodes see the cluster after a minute", formed, n)
		}
	}
}

func (c listCluster) send(i int, seq uint64) {
	b := make([]byte, 64)
	binary.LittleEndian.PutUint64(b, seq)
	d := c[i]
	d.mu.Lock()
	d.seen[seq] = true
	d.mu.Unlock()
	d.queue.QueueBroadcast(message(b))
}

// bestEffort says a message once to each other member, in a datagram of its own: what is
// nearest to the engine's mail. What is lost stays lost.
type bestEffort struct{ listCluster }

func newBestEffort(b *testing.B, n int, landed func(uint64)) cluster {
	c := memberlist.DefaultLANConfig()
	c.EnableCompression = false
	x := bestEffort{newMemberlist(b, n, c, landed).(listCluster)}
	for _, d := range x.listCluster {
		d.once = true
	}
	return x
}

func (c bestEffort) send(i int, seq uint64) {
	b := make([]byte, 64)
	binary.LittleEndian.PutUint64(b, seq)
	from := c.listCluster[i]
	for _, m := range from.list.Members() {
		if m.Name != from.list.LocalNode().Name {
			from.list.SendBestEffort(m, b) // the queue of its receiver is what may drop it
		}
	}
}

func (c listCluster) close() {
	for _, d := range c {
		d.list.Shutdown()
	}
}

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
