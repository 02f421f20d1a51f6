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
	turns []time.Duration
}

func (p *timedPoller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	if p.on.Load() && !p.woke.IsZero() {
		p.turns = append(p.turns, time.Since(p.woke))
	}
	n, err := p.Poller.Wait(deadline, ready)
	p.woke = time.Now()
	return n, err
}

func percentile(list []time.Duration, part float64) time.Duration {
	slices.Sort(list)
	return list[int(part*float64(len(list)-1))]
}

// BenchmarkWatchers has one member write 10,000 times a second and two others hold it, one with
// 10,000 watchers of keys, prefixes and members, the other with none, for five seconds: their loops
// carry the same at the same time. It reports the 99th percentile of turns, as a part of that
// without watchers, and of the time from a write to the watcher that wants it.
func BenchmarkWatchers(b *testing.B) {
	const watchers, writes, lasts = 10_000, 10_000, 5 * time.Second
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
		value := make([]byte, 16)
		tick := time.NewTicker(time.Millisecond)
		began, n := time.Now(), 0
		for time.Since(began) < lasts+time.Second {
			now := <-tick.C
			on.Store(now.Sub(began) > time.Second)
			for ; n < int(now.Sub(began).Seconds()*writes); n++ {
				binary.LittleEndian.PutUint64(value, uint64(time.Now().UnixNano()))
				w.Set(fmt.Sprintf("key/%04d", n*7919%watchers), value)
			}
		}
		tick.Stop()
		on.Store(false)
		cancel()
		ended.Wait()
		for _, e := range []*engine.Engine{w, none, all} {
			e.Close()
		}
		p, q := percentile(with.turns, 0.99), percentile(without.turns, 0.99)
		b.ReportMetric(float64(p)/float64(q), "p99-turn-with/without")
		b.ReportMetric(float64(q.Microseconds()), "p99-turn-without-us")
		b.ReportMetric(float64(percentile(delays, 0.99).Microseconds())/1000, "p99-delivery-ms")
		b.ReportMetric(float64(percentile(delays, 0.5).Microseconds())/1000, "p50-delivery-ms")
		b.ReportMetric(float64(len(delays)), "updates")
	}
}
