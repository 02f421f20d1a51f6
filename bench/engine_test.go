package bench

import (
	"context"
	"fmt"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
)

// cluster is n engines on one reactor that all hold a key of each other.
type cluster struct {
	reactor *engine.Reactor
	nodes   []*engine.Engine
	landed  atomic.Int64  // advances of an origin on another node
	wait    atomic.Int64  // landed, at which done is told
	done    chan struct{} // capacity 1
}

func newCluster(b *testing.B, n int, idle batch.Idle) *cluster {
	b.Helper()
	c := &cluster{reactor: engine.NewReactor(engine.ReactorOptions{Idle: idle}), done: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range n {
		var self uint64
		cfg := engine.Local()
		cfg.Name, cfg.Cluster, cfg.Reactor = fmt.Sprint("node-", i), "bench", c.reactor
		cfg.LeaveTimeout = -1
		cfg.Trace = &engine.Trace{Advanced: func(a engine.Advance) {
			if a.Origin != self && c.landed.Add(1) == c.wait.Load() {
				c.done <- struct{}{}
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
		c.set(b, e)
		for _, err := range e.Events(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			if e.NumMembers() == n {
				break
			}
		}
	}
	for _, e := range c.nodes {
		if err := e.WaitConverged(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(c.close)
	return c
}

func (c *cluster) close() {
	for _, e := range c.nodes {
		e.Close()
	}
	c.reactor.Close()
}

var value = make([]byte, 64)

func (c *cluster) set(b *testing.B, e *engine.Engine) {
	if _, err := e.Set("key", value); err != nil {
		b.Fatal(err)
	}
}

// write writes on one node and waits until it has landed on all others.
func (c *cluster) write(b *testing.B, i int) time.Duration {
	c.wait.Store(c.landed.Load() + int64(len(c.nodes)-1))
	start := time.Now()
	c.set(b, c.nodes[i])
	<-c.done // or the test's own timeout
	return time.Since(start)
}

// BenchmarkWriteToAll is one write after the other, each until all have it.
func BenchmarkWriteToAll(b *testing.B) {
	for _, n := range []int{2, 16, 64} {
		b.Run(fmt.Sprint("nodes=", n), func(b *testing.B) {
			c := newCluster(b, n, batch.Idle{})
			times := make([]time.Duration, 0, 1<<20)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				times = append(times, c.write(b, i%n))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1000, "p50-µs")
			b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1000, "p99-µs")
		})
	}
}

// BenchmarkSetAwake writes as fast as the stage takes it, with a loop that never
// sleeps; a write that is refused is tried again and not counted twice.
func BenchmarkSetAwake(b *testing.B) {
	c := newCluster(b, 2, batch.Idle{Strategy: batch.Spin})
	keys := make([]string, 256)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	refused := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for {
			if _, err := c.nodes[0].Set(keys[i&255], value); err == nil {
				break
			}
			refused++
		}
	}
	b.ReportMetric(float64(refused)/float64(b.N), "refused/op")
}

// BenchmarkSetParked writes to a loop that sleeps each time.
func BenchmarkSetParked(b *testing.B) {
	c := newCluster(b, 2, batch.Idle{})
	var spent time.Duration
	n := 0
	for b.Loop() {
		time.Sleep(200 * time.Microsecond) // it has gone to sleep by then
		start := time.Now()
		c.set(b, c.nodes[0])
		spent += time.Since(start)
		n++
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/set")
}

// BenchmarkAppendGet reads another node's key while its owner writes it.
func BenchmarkAppendGet(b *testing.B) {
	c := newCluster(b, 2, batch.Idle{})
	stop := make(chan struct{})
	go func() {
		pace := time.NewTicker(10 * time.Microsecond)
		defer pace.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pace.C:
				c.nodes[1].Set("key", value)
			}
		}
	}()
	defer close(stop)
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		var ok bool
		if buf, _, ok = c.nodes[0].AppendGet(buf[:0], "node-1", "key"); !ok {
			b.Fatal("the key is gone")
		}
	}
}

// BenchmarkSoak counts heap objects over a long run of writes that all nodes
// take: run it with -benchtime 10s. Zero objects a message is the claim; the
// detector, exchanges and acknowledgements run meanwhile.
func BenchmarkSoak(b *testing.B) {
	const n = 8
	c := newCluster(b, n, batch.Idle{})
	for i := range 2000 {
		c.write(b, i%n)
	}
	objects := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	objects()
	before, i := objects(), 0
	for ; b.Loop(); i++ {
		c.write(b, i%n)
	}
	messages := float64(i * (n - 1))
	b.ReportMetric(float64(objects()-before)/messages, "objects/message")
}
