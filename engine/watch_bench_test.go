package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/portable"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// timedPoller notes how long turns of a loop take: from the end of a Wait to the next one.
type timedPoller struct {
	batch.Poller
	on    *atomic.Bool
	woke  time.Time
	mu    sync.Mutex
	turns []time.Duration
}

// p99 gives the 99th percentile of the turns so far, and forgets them.
func (p *timedPoller) p99() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := percentile(p.turns, 0.99)
	p.turns = nil
	return float64(at)
}

func (p *timedPoller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	if p.on.Load() && !p.woke.IsZero() {
		p.mu.Lock()
		p.turns = append(p.turns, time.Since(p.woke))
		p.mu.Unlock()
	}
	n, err := p.Poller.Wait(deadline, ready)
	p.woke = time.Now()
	return n, err
}

func percentile(list []time.Duration, part float64) time.Duration {
	slices.Sort(list)
	return list[int(part*float64(len(list)-1))]
}

const watchedKeys = 10_000

// steady writes 10,000 times a second; on is set from its second second to the end.
type steady struct {
	to *engine.Engine
	on *atomic.Bool
	n  int
}

func (s *steady) write(lasts time.Duration) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	defer s.on.Store(false)
	value := make([]byte, 16)
	for began, n := time.Now(), 0; time.Since(began) < lasts+time.Second; {
		now := <-tick.C
		s.on.Store(now.Sub(began) > time.Second)
		for ; n < int(now.Sub(began).Seconds()*10_000); n++ {
			binary.LittleEndian.PutUint64(value, uint64(time.Now().UnixNano()))
			s.to.Set(fmt.Sprintf("key/%04d", s.n*7919%watchedKeys), value)
			s.n++
		}
	}
}

// BenchmarkWatchers has one member write 10,000 times a second and two others hold it, for five
// seconds with 10,000 watchers of keys, prefixes and members on one of them and for five seconds
// without: both loops carry the same at the same time. It reports the 99th percentile of turns of
// the one that was watched as a part of the other's, the former time as a part of the latter, and
// percentiles of the time from a write to the watcher that wants it.
func BenchmarkWatchers(b *testing.B) {
	const watchers = watchedKeys
	for b.Loop() {
		var on atomic.Bool
		start := func(name string) (*engine.Engine, *timedPoller) {
			p := &timedPoller{Poller: portable.New(batch.PollerOptions{}), on: &on}
			c := engine.Local()
			c.Name, c.Transport, c.Limits.Watchers = name, p, watchers+1
			e, err := engine.Start(b.Context(), c)
			if err != nil {
				b.Fatal(err)
			}
			return e, p
		}
		w, _ := start("writer")
		none, without := start("none")
		all, with := start("all")
		for _, e := range []*engine.Engine{none, all} {
			if _, err := e.Join(b.Context(), w.Addr().String()); err != nil {
				b.Fatal(err)
			}
		}
		writer := steady{to: w, on: &on}
		ctx, cancel := context.WithCancel(b.Context())
		var mu sync.Mutex
		var delays []time.Duration
		var ended sync.WaitGroup
		for i := range watchers {
			o := engine.WatchOptions{Key: fmt.Sprintf("key/%04d", i)}
			switch i % 3 {
			case 1:
				o = engine.WatchOptions{Prefix: fmt.Sprintf("key/%04d", i)}
			case 2:
				o = engine.WatchOptions{Member: fmt.Sprint("other-", i%100)}
			}
			ended.Go(func() {
				all.WatchFunc(ctx, o, func(u engine.Update) {
					if on.Load() && len(u.Value) == 16 {
						mu.Lock()
						delays = append(delays, time.Since(time.Unix(0, int64(binary.LittleEndian.Uint64(u.Value)))))
						mu.Unlock()
					}
				})
			})
		}
		for all.Stats().Watchers < watchers {
			<-time.After(10 * time.Millisecond)
		}
		writer.write(5 * time.Second)
		watched := with.p99() / without.p99()
		cancel()
		ended.Wait()
		writer.write(5 * time.Second)
		unwatched := with.p99() / without.p99()
		for _, e := range []*engine.Engine{w, none, all} {
			e.Close()
		}
		b.ReportMetric(watched/unwatched, "p99-turn-watched/unwatched")
		b.ReportMetric(float64(percentile(delays, 0.99).Microseconds())/1000, "p99-delivery-ms")
		b.ReportMetric(float64(percentile(delays, 0.5).Microseconds())/1000, "p50-delivery-ms")
		b.ReportMetric(float64(len(delays)), "updates")
	}
}
