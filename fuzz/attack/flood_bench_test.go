package attack

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	floodNodes = 16
	writeEvery = time.Millisecond
	sideWrites = 250 // with the flood at one target, before it turns to the other
)

var floodRate = flag.Int("flood.rate", 20_000, "datagrams a second")

// BenchmarkFlood measures how long a write takes to be visible on all of 16
// members while one of them is flooded, and while the same flood goes to a
// socket next door that is no member's: they alternate, and p99-ratio is the one
// by the other. It should stay below 2, and below 10 where -flood.rate is more
// than the machine can send.
//
//	go test ./fuzz/attack -run '^$' -bench Flood -benchtime 8000x
func BenchmarkFlood(b *testing.B) {
	for _, sealed := range []bool{true, false} {
		for _, k := range floodKinds {
			if k.clear && sealed {
				continue
			}
			b.Run(fmt.Sprintf("sealed=%v/%s", sealed, k.name), func(b *testing.B) { flooded(b, sealed, &k) })
		}
	}
}

// sightings are when each member has seen each write of the first one.
type sightings struct {
	writer atomic.Uint64
	first  uint64
	at     [floodNodes][]int64 // by version - first
	next   [floodNodes]uint64
}

func (s *sightings) see(i int, a engine.Advance, now int64) {
	if a.Origin != s.writer.Load() {
		return
	}
	for v := max(s.next[i], s.first); v <= a.To && v-s.first < uint64(len(s.at[i])); v++ {
		s.at[i][v-s.first] = now
	}
	s.next[i] = max(s.next[i], a.To+1)
}

func flooded(b *testing.B, sealed bool, kind *floodKind) {
	tap, lock := newTap()
	r := engine.NewReactor(engine.ReactorOptions{Transport: tap, LockThread: lock})
	defer tap.Close()
	defer r.Close()
	s := new(sightings)
	start := time.Now()
	var secrets []engine.Secret
	if sealed {
		secrets = []engine.Secret{key(1)}
	}
	var nodes []*engine.Engine
	join := func(i int) {
		c := engine.LAN()
		c.Name, c.Cluster, c.Bind, c.Reactor, c.LeaveTimeout = fmt.Sprint("node-", i), clusterName, "127.0.0.1:0", r, -1
		c.Secrets = secrets
		c.Trace = &engine.Trace{Advanced: func(a engine.Advance) { s.see(i, a, int64(time.Since(start))) }}
		e, err := engine.Start(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { e.Close() })
		nodes = append(nodes, e)
		if i == 0 {
			tap.recordAt(e.Addr(), 4000)
		} else if _, err := e.Join(context.Background(), nodes[0].Addr().String()); err != nil {
			b.Fatal(err)
		}
	}
	for i := range floodNodes {
		join(i)
	}
	eventuallyB(b, func() bool {
		for _, e := range nodes {
			if e.Stats().Alive < floodNodes {
				return false
			}
		}
		return true
	})
	f := newFlood(b, kind, nodes[0], tap.recorded(nodes[0].Addr()))
	defer f.stop()
	s.measure(b, nodes, start, f)
}

// measure writes at a steady rate, while the flood turns from one target to the other.
func (s *sightings) measure(b *testing.B, nodes []*engine.Engine, start time.Time, f *flood) {
	writer := nodes[1]
	v, err := writer.Set("k", nil)
	if err != nil {
		b.Fatal(err)
	}
	s.first = v.Seq + 1
	for i := range s.at {
		s.at[i] = make([]int64, b.N)
	}
	s.writer.Store(writer.ID())
	writes := make([]int64, b.N)
	value := make([]byte, 64)
	sent, began := f.sent.Load(), time.Now()
	for n := range b.N {
		f.atMember.Store(memberSide(n))
		writes[n] = int64(time.Since(start))
		if _, err := writer.Set(fmt.Sprint("k", n%100), value); err != nil {
			b.Fatal(err)
		}
		<-time.NewTimer(writeEvery).C
	}
	b.ReportMetric(float64(f.sent.Load()-sent)/time.Since(began).Seconds(), "sent/s")
	f.stop()
	s.report(b, writes, nodes)
}

// memberSide tells whether the flood is at the member while write n is made.
func memberSide(n int) bool { return n/sideWrites%2 == 1 }

func (s *sightings) report(b *testing.B, writes []int64, nodes []*engine.Engine) {
	eventuallyB(b, func() bool {
		first := nodes[0].Stats().Fingerprint
		for _, e := range nodes {
			if e.Stats().Fingerprint != first {
				return false
			}
		}
		return true
	})
	s.writer.Store(0)
	nodes[0].Stats() // a turn of the loop: what it wrote is ours to read now
	var sides [2][]int64
	for n := range writes {
		last := int64(0)
		for i := range s.at {
			last = max(last, s.at[i][n])
		}
		side := 0
		if memberSide(n) {
			side = 1
		}
		if last > 0 && n%sideWrites >= 10 { // what follows a turn is of neither side
			sides[side] = append(sides[side], last-writes[n])
		}
	}
	if len(sides[1]) == 0 {
		return // a trial run of the framework
	}
	at := func(side int, q float64) float64 { return float64(sides[side][int(q*float64(len(sides[side])-1))]) }
	for i := range sides {
		slices.Sort(sides[i])
	}
	for i, name := range []string{"next-door", "member"} {
		b.ReportMetric(at(i, 0.5)/1e3, "p50-µs-"+name)
		b.ReportMetric(at(i, 0.99)/1e3, "p99-µs-"+name)
	}
	b.ReportMetric(at(1, 0.99)/at(0, 0.99), "p99-ratio")
}

func eventuallyB(b *testing.B, cond func() bool) {
	b.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			b.Fatal("never")
		}
		<-time.NewTimer(5 * time.Millisecond).C
	}
}
