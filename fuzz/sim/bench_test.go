package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// settled is a cluster of 100 nodes that know each other.
func settled(b *testing.B, cfg func(i, life int, c *core.Config)) *World {
	w := New(Options{Nodes: 100, Seed: 1, Link: lan, Config: cfg})
	for i := 1; i < 100; i++ {
		w.Join(i, 0)
	}
	if _, ok := w.Converge(10*sched.Millisecond, 10*sched.Second); !ok {
		b.Fatal(w.Difference())
	}
	w.Run(sched.Second)
	return w
}

// BenchmarkSmallMessages: every node writes one key each millisecond and mails
// it to 99 others, in frames of about a hundred bytes, which are all encoded,
// delivered, parsed, applied and acknowledged.
func BenchmarkSmallMessages(b *testing.B) {
	w := settled(b, nil)
	value := strings.Repeat("v", 20)
	before := w.Stats
	i := 0
	for b.Loop() {
		w.Set(i%100, "key", value)
		w.Run(10 * sched.Microsecond)
		i++
	}
	report(b, w, before)
}

// BenchmarkFullFrames: entries travel in frames that are full of them.
func BenchmarkFullFrames(b *testing.B) {
	w := settled(b, nil)
	before := w.Stats
	news := w.entries()
	i := 0
	for b.Loop() {
		for k := range 50 {
			w.quiet(i%100, fmt.Sprint("k", k), "v")
		}
		w.do(w.Nodes[i%100], func(s *shard) { w.pump(s, w.Nodes[i%100]) })
		w.Run(3 * sched.Millisecond)
		i++
	}
	report(b, w, before)
	b.ReportMetric(float64(w.entries()-news)/b.Elapsed().Seconds(), "entries/s")
}

func report(b *testing.B, w *World, before Stats) {
	b.ReportMetric(float64(w.Stats.Delivered-before.Delivered)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(w.Stats.Bytes-before.Bytes)/float64(w.Stats.Frames-before.Frames), "bytes/message")
}

func (w *World) entries() (n uint64) {
	for _, d := range w.Nodes {
		n += d.Core.Counters().EntriesNew
	}
	return n
}

// quiet writes without sending at once.
func (w *World) quiet(i int, key, value string) {
	n := w.Nodes[i]
	op := core.Op{Kind: core.Set, Version: n.log.max() + 1, Key: []byte(key), Value: []byte(value)}
	n.Core.Write(max(n.now, w.now), &op)
	n.log.write(&codec.Entry{Version: op.Version, Key: op.Key, Value: op.Value})
}

var _ = simnet.Arrived
