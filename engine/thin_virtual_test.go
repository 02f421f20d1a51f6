package engine_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// TestThinLinksStarveNobody: of twelve members one, or each, is behind 1 Mbit/s, and four write. Where
// that fits, news are everywhere at once and nobody is suspected. Where one thin link can't carry it
// all, the others have news as ever, and that member each key within seconds; where none can, all do.
// Nobody dies, and soon after the last write all are equal.
func TestThinLinksStarveNobody(t *testing.T) {
	for _, x := range []thinLinks{
		{name: "one", thin: 1, rate: 125, there: 500 * time.Millisecond},
		{name: "one, written twice what fits", thin: 1, rate: 500, there: 10 * time.Second, over: true},
		{name: "all", thin: 12, rate: 20, there: 500 * time.Millisecond},
		{name: "all, written more than fits", thin: 12, rate: 125, there: 30 * time.Second, over: true},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.over && testing.Short() {
				t.Skip("too long for -short")
			}
			synctest.Test(t, x.run)
		})
	}
}

type thinLinks struct {
	name       string
	thin, rate int           // members with a thin link, and writes a second of each of the four
	there      time.Duration // how old news are at most behind those
	over       bool
}

func (x *thinLinks) run(t *testing.T) {
	net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 500 * sched.Microsecond, Max: sched.Millisecond}})
	c := enginetest.NewCluster(t, 12, enginetest.Options{Transport: net.Poller(), Config: func(_ int, c *engine.Config) {
		name, bind := c.Name, c.Bind
		*c = engine.LAN()
		c.Name, c.Bind = name, bind
	}})
	for i := range x.thin {
		node := net.Node(c.Engines[i].Addr())
		net.Do(func(m *simnet.Model) { m.Thin(node, 125_000, 12_500) })
	}
	count := func() (suspicions, lost uint64) {
		for _, e := range c.Engines {
			suspicions += e.Stats().Detector.Suspicions
		}
		fates, _ := net.Fates()
		return suspicions, fates[simnet.Overflowed]
	}
	x.write(t, c, 5*time.Second, nil)
	before, had := count()
	oldest := make([]time.Duration, 12)
	x.write(t, c, 10*time.Second, oldest)
	after, lost := count()
	t.Logf("oldest news %v; %d suspicions, %d datagrams overflow", oldest, after-before, lost-had)
	for i, age := range oldest {
		if i < x.thin && age > x.there || i >= x.thin && age > 300*time.Millisecond {
			t.Errorf("%s shows what is %v old", c.Engines[i].Name(), age)
		}
	}
	if !x.over && after+lost > before+had {
		t.Errorf("%d suspicions, %d datagrams overflow", after-before, lost-had)
	}
	for _, e := range c.Engines {
		if s := e.Stats(); s.Alive != 12 || s.Members != 12 {
			t.Errorf("%s: %d members, %d alive", e.Name(), s.Members, s.Alive)
		}
	}
	began := time.Now()
	c.WaitConverged()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("equal after %v", took)
	}
}

// write has the last four write 25 keys each in turn for a while, and notes how old what members
// show was at most when it was read: since when there was something newer.
func (x *thinLinks) write(t *testing.T, c *enginetest.Cluster, span time.Duration, oldest []time.Duration) {
	t.Helper()
	const keys = 25
	var wrote [4][keys]time.Time
	every, n := time.Second/time.Duration(x.rate), 0
	for end := time.Now().Add(span); time.Now().Before(end); n++ {
		for w := range wrote {
			v := binary.BigEndian.AppendUint64(make([]byte, 92, 100), uint64(time.Now().UnixNano()))
			set(t, c.Engines[8+w], fmt.Sprint("k", n%keys), string(v))
			wrote[w][n%keys] = time.Now()
		}
		pause(every)
		if oldest == nil || n < keys || n%10 > 0 {
			continue
		}
		for i, e := range c.Engines {
			for w := range wrote {
				for k := range keys {
					v, _, ok := e.Get(c.Engines[8+w].Name(), fmt.Sprint("k", k))
					if !ok {
						t.Fatalf("%s lacks a key", e.Name())
					}
					if at := time.Unix(0, int64(binary.BigEndian.Uint64(v[92:]))); at.Before(wrote[w][k]) {
						oldest[i] = max(oldest[i], time.Since(at)-keys*every)
					}
				}
			}
		}
	}
}
