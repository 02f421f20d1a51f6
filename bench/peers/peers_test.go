package peers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/quidnunc/quidnunc/bench/peers/peer"
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
		return newMemberlist(b, n, &peer.ListConfig{Base: peer.FastestList()}, landed)
	}},
	{"memberlist-best-effort", func(b *testing.B, n int, landed func(uint64)) cluster {
		return newMemberlist(b, n, &peer.ListConfig{Base: peer.PlainList(), Best: true}, landed)
	}},
	{"redis", newRedis},
	{"memberlist-lan", func(b *testing.B, n int, landed func(uint64)) cluster {
		return newMemberlist(b, n, &peer.ListConfig{Base: memberlist.DefaultLANConfig()}, landed)
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

type listCluster struct{ *peer.List }

// newMemberlist waits for all members but one that each knows: it often takes long over the last.
func newMemberlist(b *testing.B, n int, cfg *peer.ListConfig, landed func(uint64)) cluster {
	cfg.Lacks = 1
	l, err := peer.StartList(n, cfg, func(_ int, value []byte) { landed(binary.LittleEndian.Uint64(value)) })
	if err != nil {
		b.Fatal(err)
	}
	return listCluster{l}
}

func (c listCluster) send(i int, seq uint64) {
	var value [peer.ValueBytes]byte
	binary.LittleEndian.PutUint64(value[:], seq)
	c.Say(i, value[:])
}

func (c listCluster) close() { c.Close() }

// --- Redis ---

// redisCluster is N clients of one redis-server. They keep nothing, and the server's processor time is
// not in what the benchmark reports: it is another process.
type redisCluster struct{ *peer.Redis }

func newRedis(b *testing.B, n int, landed func(uint64)) cluster {
	r, err := peer.StartRedis(n, func(client int, value []byte) {
		if binary.LittleEndian.Uint64(value[8:]) != uint64(client) { // its own does not count
			landed(binary.LittleEndian.Uint64(value))
		}
	})
	if errors.Is(err, peer.ErrAbsent) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	return redisCluster{r}
}

func (c redisCluster) send(i int, seq uint64) {
	var value [peer.ValueBytes]byte
	binary.LittleEndian.PutUint64(value[:], seq)
	binary.LittleEndian.PutUint64(value[8:], uint64(i))
	c.Publish(i, value[:])
	c.Flush()
}

func (c redisCluster) close() { c.Close() }

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
