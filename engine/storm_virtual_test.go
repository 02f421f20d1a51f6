package engine_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

var stormJoiners = flag.Int("storm.joiners", 12, "members that join at once")

const (
	stormKeys   = 4000
	stormValues = 8
	stormLarge  = 60_000
	tenMegabits = 10_000_000 / 8 // bytes a second
)

// fillStore gives a member keys, and some large values.
func fillStore(t *testing.T, e *engine.Engine) {
	for k := range stormKeys {
		set(t, e, fmt.Sprint("k", k), fmt.Sprintf("%060d", k))
		if k%500 == 0 {
			pause(50 * time.Millisecond)
		}
	}
	for k := range stormValues {
		if _, err := e.Set(fmt.Sprint("large", k), value(stormLarge, byte(k))); err != nil {
			t.Fatal(err)
		}
	}
}

// holdsStore tells how much of that a member has.
func holdsStore(e *engine.Engine, of string) (keys, values int) {
	for range e.Range(of) {
		keys++
	}
	for k := range stormValues {
		if reads(e, of, fmt.Sprint("large", k), value(stormLarge, byte(k))) {
			values++
		}
	}
	return keys, values
}

// Many that join at once, behind a thin link that loses, are served in turns: no more streams and
// no more answers at a time than the one that serves them allows itself, those that have to wait
// are told when to ask again, and all end level. What others write is seen meanwhile.
func TestAStormOfJoiners(t *testing.T) {
	n := *stormJoiners
	virtualStreams(t, 2, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		full := c.Engines[0]
		fillStore(t, full)
		c.WaitConverged()
		net.Do(func(m *simnet.Model) {
			m.SetLink(simnet.Link{Delay: simnet.Delay{Min: sched.Millisecond, Max: 3 * sched.Millisecond}, Loss: simnet.Probability(0.3)})
		})
		net.SetStreamFaults(simnet.StreamFaults{Uplink: tenMegabits})
		began := time.Now()
		for range n {
			c.AddApart()
		}
		for i := range n {
			c.Join(2+i, 0)
		}
		most, seen, beats := 0, 0, 0
		for i := 0; ; i++ {
			beats++
			set(t, c.Engines[1], "beat", fmt.Sprint(i))
			pause(100 * time.Millisecond)
			most = max(most, full.Large().Streams.Up)
			level := 0
			for _, e := range c.Engines[2:] {
				if keys, values := holdsStore(e, "node-0"); keys == stormKeys+stormValues && values == stormValues {
					level++
				}
			}
			if reads(full, "node-1", "beat", fmt.Append(nil, i)) {
				seen++
			}
			if level == n {
				break
			}
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("%d of %d are level after %v; %+v", level, n, time.Since(began), full.Large())
			}
		}
		s := full.Large()
		bytes := n * (stormKeys*60 + stormValues*stormLarge)
		t.Logf("%d joiners level in %v: %d bytes of state, %d contents and %d bytes over streams from one member, %d streams at most, %d busy answers, %d of %d beats seen within 100 ms",
			n, time.Since(began), bytes, s.Served, s.Streams.SentBytes, most, full.BusyAnswers(), seen, beats)
		if most > 72 {
			t.Errorf("%d streams at one member", most)
		}
		if seen == 0 {
			t.Error("nothing that others wrote was seen meanwhile")
		}
		if jobs := full.CatchJobsMost(); jobs > engine.CatchServed {
			t.Errorf("%d answers were made at a time", jobs)
		}
	})
}

// Who has as many joiners to serve as it may refuses the others, and says when it has time again.
// Those go on at other members meanwhile, and all end level. Frames and streams take the same time
// on all paths, so what many begin at one instant meets at one.
func TestRefusedJoinersGoOnElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("two dozen joiners take minutes with the race detector")
	}
	const servers, joiners = 3, 24
	virtualStreams(t, servers, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		fillStore(t, c.Engines[0])
		c.WaitConverged()
		lose := func(p float64) {
			net.Do(func(m *simnet.Model) {
				m.SetLink(simnet.Link{Delay: simnet.Delay{Min: sched.Millisecond, Max: sched.Millisecond}, Loss: simnet.Probability(p)})
			})
		}
		lose(0)
		net.SetStreamFaults(simnet.StreamFaults{Policed: true})
		var joins sync.WaitGroup
		for i := range joiners {
			e, server := c.Engines[c.AddApart()], c.Engines[i%servers].Addr().String()
			joins.Go(func() {
				if _, err := e.Join(t.Context(), server); err != nil {
					t.Error(err)
				}
			})
		}
		pause(5 * time.Millisecond) // they know a member, and have some of the keys
		lose(0.9)
		joins.Wait()
		began := time.Now()
		for level := 0; level < joiners; pause(50 * time.Millisecond) {
			level = 0
			for _, e := range c.Engines[servers:] {
				if keys, values := holdsStore(e, "node-0"); keys == stormKeys+stormValues && values == stormValues {
					level++
				}
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d of %d are level after a minute", level, joiners)
			}
		}
		took, refused, serve := time.Since(began), uint64(0), 0
		for _, e := range c.Engines {
			refused += e.BusyAnswers()
			if jobs := e.CatchJobsMost(); jobs > engine.CatchServed {
				t.Errorf("%d answers were made at a time", jobs)
			} else if jobs > 0 {
				serve++
			}
		}
		t.Logf("%d joiners are level in %v; %d asks were refused, %d members made answers", joiners, took, refused, serve)
		if refused == 0 || serve < 2 {
			t.Errorf("%d asks were refused, %d members made answers", refused, serve)
		}
	})
}

// The members that serve a joiner die one after the other in the middle of it: others go on from
// where they were.
func TestServersThatDieInTheMiddle(t *testing.T) {
	streamed := uint64(0)
	for seed := 0; seed < 3 || streamed == 0 && seed < 20; seed++ {
		virtualStreams(t, 5, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
			fillStore(t, c.Engines[0])
			c.WaitConverged()
			pause(time.Duration(seed) * 7 * time.Millisecond)
			net.Do(func(m *simnet.Model) {
				m.SetLink(simnet.Link{Delay: simnet.Delay{Min: sched.Millisecond, Max: 3 * sched.Millisecond}, Loss: simnet.Probability(0.4)})
			})
			net.SetStreamFaults(simnet.StreamFaults{Uplink: tenMegabits})
			joiner := c.Add()
			e := c.Engines[joiner]
			for _, dies := range []int{3, 2, 1} {
				pause(400 * time.Millisecond)
				c.Kill(dies)
			}
			end := time.Now().Add(2 * time.Minute)
			for keys, values := 0, 0; ; pause(100 * time.Millisecond) {
				if keys, values = holdsStore(e, "node-0"); keys == stormKeys+stormValues && values == stormValues {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("seed %d: %d keys and %d large values; %+v", seed, keys, values, e.Large())
				}
			}
			streamed += e.Large().Streams.ReceivedBytes
		})
	}
	if streamed == 0 {
		t.Error("nothing came over streams")
	}
}
