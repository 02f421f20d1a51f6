package attack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	floodNodes = 16
	floodRate  = 20_000 // datagrams a second
	floodBytes = 600
	writeEvery = time.Millisecond
)

// BenchmarkFlood measures how long a write takes to be visible on all of 16
// members while one of them is flooded with garbage, beside the same flood to a
// socket that is no member's, and none. It is meant to run with -benchtime=5000x
// and -count=3; p99 with a flooded member should stay below twice that with the
// same flood next door.
func BenchmarkFlood(b *testing.B) {
	for _, sealed := range []bool{true, false} {
		for _, flood := range []string{"none", "next-door", "a-member"} {
			b.Run(fmt.Sprintf("sealed=%v/%s", sealed, flood), func(b *testing.B) { flooded(b, sealed, flood) })
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

func flooded(b *testing.B, sealed bool, flood string) {
	r := engine.NewReactor(engine.ReactorOptions{})
	defer r.Close()
	s := new(sightings)
	start := time.Now()
	var nodes []*engine.Engine
	for i := range floodNodes {
		c := engine.LAN()
		c.Name, c.Cluster, c.Bind, c.Reactor, c.LeaveTimeout = fmt.Sprint("node-", i), clusterName, "127.0.0.1:0", r, -1
		if sealed {
			c.Secrets = []engine.Secret{key(1)}
		}
		c.Trace = &engine.Trace{Advanced: func(a engine.Advance) { s.see(i, a, int64(time.Since(start))) }}
		e, err := engine.Start(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close()
		if nodes = append(nodes, e); i > 0 {
			if _, err := e.Join(context.Background(), nodes[0].Addr().String()); err != nil {
				b.Fatal(err)
			}
		}
	}
	eventuallyB(b, func() bool {
		for _, e := range nodes {
			if e.Stats().Alive < floodNodes {
				return false
			}
		}
		return true
	})
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
	stop := startFlood(b, flood, nodes[0])
	writes := make([]int64, b.N)
	value := make([]byte, 64)
	for n := range b.N {
		writes[n] = int64(time.Since(start))
		if _, err := writer.Set(fmt.Sprint("k", n%100), value); err != nil {
			b.Fatal(err)
		}
		<-time.NewTimer(writeEvery).C
	}
	stop()
	s.report(b, writes, nodes)
}

// startFlood sends garbage at a steady rate until it is stopped.
func startFlood(b *testing.B, flood string, victim *engine.Engine) (stop func()) {
	if flood == "none" {
		return func() {}
	}
	nobody, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	to := nobody.LocalAddr().(*net.UDPAddr).AddrPort()
	if flood == "a-member" {
		to = victim.Addr()
	}
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	var done sync.WaitGroup
	end := make(chan struct{})
	done.Go(func() { // the one next door reads too, as a member does
		buf := make([]byte, 2048)
		for {
			if _, err := nobody.Read(buf); err != nil {
				return
			}
		}
	})
	done.Go(func() {
		rnd := rand.New(rand.NewPCG(1, 2))
		b := make([]byte, floodBytes)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			for range floodRate / 1000 {
				b[0], b[1], b[rnd.IntN(len(b))] = 'Q', 1, byte(rnd.Uint32())
				from.WriteToUDPAddrPort(b, to)
			}
		}
	})
	return func() {
		close(end)
		nobody.Close()
		done.Wait()
		from.Close()
	}
}

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
	var all []int64
	for n := range writes {
		last := int64(0)
		for i := range s.at {
			last = max(last, s.at[i][n])
		}
		if last > 0 {
			all = append(all, last-writes[n])
		}
	}
	slices.Sort(all)
	at := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(0.999), "p99.9-µs")
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
