package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// BenchmarkMail is one flush of the given writes to 31 peers that all apply
// them: the work of a whole cluster for those writes, without sockets.
func BenchmarkMail(b *testing.B) {
	for _, writes := range []int{1, 8, 32, 128} {
		b.Run(fmt.Sprint("writes=", writes), func(b *testing.B) {
			w := newNet(&testing.T{}, 32, 3, nil)
			w.joinAll()
			for i := range w.nodes {
				w.set(i, "k", "v")
			}
			w.run(5 * sched.Second)
			author := w.nodes[0]
			keys := make([][]byte, 256)
			for i := range keys {
				keys[i] = fmt.Append(nil, "service/web/", i)
			}
			value := make([]byte, 32)
			var buf [codec.FrameBytesMax]byte
			var ev Event
			now, v, entries := w.now, author.version, 0
			b.ReportAllocs()
			for b.Loop() {
				now += 20 * sched.Millisecond
				for range writes {
					v++
					author.core.Write(now, &Op{Kind: Set, Version: v, Key: keys[v%256], Value: value})
				}
				author.core.Tick(now, 0)
				for n, to, ok := author.core.Transmit(now, buf[:]); ok; n, to, ok = author.core.Transmit(now, buf[:]) {
					d := w.at[to]
					d.core.Receive(now, author.addr, buf[:n])
					for d.core.NextEvent(&ev) {
					}
					entries += writes
				}
				for _, d := range w.nodes[1:] {
					d.core.Tick(now, 0)
					for n, to, ok := d.core.Transmit(now, buf[:]); ok; n, to, ok = d.core.Transmit(now, buf[:]) {
						w.at[to].core.Receive(now, d.addr, buf[:n])
					}
				}
				for author.core.NextEvent(&ev) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*writes*31), "ns/delivery")
		})
	}
}
