package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// BenchmarkSharedGet reads keys that all of 100 members have written, until it takes them over.
func BenchmarkSharedGet(b *testing.B) {
	const members, keys = 100, 50
	c := enginetest.NewCluster(b, members, enginetest.Options{})
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprint("key", i)
		for k := range members { // each key has another last writer
			if _, err := c.Engines[(i+k)%members].Shared().Set(names[i], []byte("sixteen bytes ..")); err != nil {
				b.Fatal(err)
			}
		}
	}
	c.WaitConverged()
	for _, e := range c.Engines[1:] { // so many would take the processors
		e.Close()
	}
	s, buf, i := c.Engines[0].Shared(), make([]byte, 0, 64), 0
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := s.AppendGet(buf, names[i]); !ok {
			b.Fatal("gone")
		}
		if i++; i == keys {
			i = 0
		}
	}
}

// BenchmarkSharedAdoption is how long the keys of a member that left take to be others', from the
// first that is taken over to the last.
func BenchmarkSharedAdoption(b *testing.B) {
	const keys = 100_000
	for b.Loop() {
		b.StopTimer()
		c := enginetest.NewCluster(b, 3, enginetest.Options{Config: func(_ int, c *engine.Config) {
			c.Limits.Keys, c.Limits.ValueBytes, c.StageBytes = 4*keys, 64<<20, 8<<20
			c.Tune.Flow = tune.FlowOff
		}})
		w := c.Engines[2].Shared()
		for i := range keys {
			for _, err := w.Set(fmt.Sprint("key", i), []byte("sixteen bytes ..")); err != nil; _, err = w.Set(fmt.Sprint("key", i), []byte("sixteen bytes ..")) {
				if !errors.Is(err, engine.ErrBackpressure) {
					b.Fatal(err)
				}
				<-time.After(time.Millisecond)
			}
		}
		c.WaitConverged()
		x, y := c.Engines[0].Shared(), c.Engines[1].Shared()
		c.Stop(2)
		for x.Adopted()+y.Adopted() == 0 {
			<-time.After(time.Millisecond)
		}
		b.StartTimer()
		for x.Wins("node-2")+y.Wins("node-2") > 0 {
			<-time.After(time.Millisecond)
		}
		b.StopTimer()
		if n := x.Adopted() + y.Adopted(); n < keys {
			b.Fatal(n, "were taken over")
		}
		for _, e := range c.Engines[:2] {
			e.Close()
		}
		b.StartTimer()
	}
}
