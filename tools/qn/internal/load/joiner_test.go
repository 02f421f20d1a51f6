package load

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/lossy"
)

// BenchmarkJoiner is how long a joiner takes to hold what a full member does, by
// datagrams alone and with streams, while a share of the datagrams is lost.
func BenchmarkJoiner(b *testing.B) {
	for _, keys := range []int{50_000, 200_000} {
		for _, loss := range []float64{0, 0.05, 0.3} {
			for _, streams := range []bool{false, true} {
				b.Run(fmt.Sprintf("keys=%d/loss=%v/streams=%v", keys, loss, streams), func(b *testing.B) {
					var took time.Duration
					for range b.N {
						took += joiner(b, keys, loss, streams)
					}
					b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/join")
				})
			}
		}
	}
}

func joiner(b *testing.B, keys int, loss float64, streams bool) time.Duration {
	var nodes [2]*engine.Engine
	for i := range nodes {
		p, lock := engine.Sockets(batch.Idle{})
		r := engine.NewReactor(engine.ReactorOptions{Transport: lossy.New(p, loss, uint64(i)), LockThread: lock})
		c := engine.LAN()
		c.Name, c.Bind, c.Reactor, c.LeaveTimeout = fmt.Sprint("node-", i), "127.0.0.1:0", r, -1
		c.Limits.Keys, c.Limits.ValueBytes = keys+1000, 256<<20
		if streams {
			c.Streams = stream.New(stream.Options{PortsTried: 1024})
		}
		e, err := engine.Start(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { e.Close(); r.Close(); p.Close() }()
		nodes[i] = e
	}
	last := ""
	for i := range keys {
		last = fmt.Sprintf("key-%08d", i*7919%keys)
		for {
			_, err := nodes[0].Set(last, fmt.Appendf(nil, "%064d", i))
			if err == nil {
				break
			}
			if !errors.Is(err, engine.ErrBackpressure) {
				b.Fatal(err)
			}
			nodes[0].Stats() // waits for the loop's turn, which makes room
		}
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	for nodes[1].ID() != 0 {
		if _, err := nodes[1].Join(ctx, nodes[0].Addr().String()); err == nil || ctx.Err() != nil {
			break
		}
	}
	for _, err := range nodes[1].Watch(ctx, last) { // who has it has all that was written before
		if err != nil {
			b.Fatal("not equal after a minute")
		}
		break
	}
	took, held := time.Since(began), 0
	for range nodes[1].Range("node-0") {
		held++
	}
	if held != keys {
		b.Fatalf("%d keys of %d", held, keys)
	}
	return took
}
