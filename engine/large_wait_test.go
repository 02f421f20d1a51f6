package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// WaitVersion and Confirmed count a member once it has the contents that it fetches, and all
// before; what a member does not fetch is not waited for.
func TestWaitVersionWaitsForContents(t *testing.T) {
	const size = 400_000
	virtualStreams(t, 6, func(i int, c *engine.Config) {
		switch i {
		case 3:
			c.Fetch.OnRead = true
		case 4:
			c.Limits.LargeBytes = size / 2
		case 5:
			c.Streams = nil
		}
	}, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a := c.Engines[0]
		net.SetStreamFaults(simnet.StreamFaults{Rate: size}) // a second each
		for k := range 3 {
			if _, err := a.Set(fmt.Sprint("k", k), value(size-k, byte(k))); err != nil {
				t.Fatal(err)
			}
		}
		last := set(t, a, "behind", "them")
		pause(300 * time.Millisecond)
		if have, answering, err := a.Confirmed(last); err != nil || answering != 5 || have != 3 {
			t.Errorf("%d of %d have it, %v; want the three that fetch nothing of it", have, answering, err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := a.WaitVersion(short, last); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while contents are on their way: %v", err)
		}
		began := time.Now()
		if err := a.WaitVersion(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Engines[:3] {
			for k := range 3 {
				if !reads(e, "node-0", fmt.Sprint("k", k), value(size-k, byte(k))) {
					t.Errorf("%s is waited for no more, and lacks k%d; %+v", e.Name(), k, e.Large())
				}
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if s := c.Engines[3].Large(); s.Fetched != 0 {
			t.Errorf("who fetches on read has fetched %d", s.Fetched)
		}
	})
}

// What a member does not get any more because it was overwritten or deleted is not waited for,
// and neither a small write before a content, nor a leave, waits for it.
func TestWaitVersionForgetsWhatIsGone(t *testing.T) {
	virtualStreams(t, 3, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		a := c.Engines[0]
		wait := func(v engine.Version) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return a.WaitVersion(ctx, v)
		}
		before := set(t, a, "before", "it")
		if err := a.SetReference("nothing", 1000, sha256.Sum256([]byte("nobody has it"))); err != nil {
			t.Fatal(err)
		}
		after := set(t, a, "after", "it")
		if err := wait(before); err != nil {
			t.Errorf("a write before one without a content: %v", err)
		}
		if err := wait(after); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a write after one whose content nobody has: %v", err)
		}
		for i := range 5000 { // what they still lack of one key is one thing, however often it is written
			if err := a.SetReference("often", 1000+i, sha256.Sum256([]byte("nor this"))); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				pause(time.Millisecond)
			}
		}
		pause(time.Second)
		for _, e := range c.Engines[1:] {
			if n := e.Lacks(); n > 200 {
				t.Errorf("%s notes %d contents that are missing of two keys", e.Name(), n)
			}
		}
		set(t, a, "nothing", "small")
		v, err := a.Delete("often")
		if err != nil {
			t.Fatal(err)
		}
		if err := wait(v); err != nil {
			t.Errorf("after what was missing is gone: %v", err)
		}
		if err := a.SetReference("nothing", 1000, sha256.Sum256([]byte("nobody has it"))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Leave(ctx); err != nil {
			t.Errorf("a leave: %v", err)
		}
	})
}

// A member that restarts, and one that joins while contents are on their way, are waited for.
func TestWaitVersionOverFaultsOfStreams(t *testing.T) {
	virtualStreams(t, 4, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a := c.Engines[0]
		net.SetStreamFaults(simnet.StreamFaults{Reset: simnet.Probability(0.2), HalfOpen: simnet.Probability(0.2), Rate: 4 << 20})
		for round := range 8 {
			want := value(100_000+round, byte(round))
			v, err := a.Set("k", want)
			if err != nil {
				t.Fatal(err)
			}
			if round%3 == 1 {
				c.Kill(3)
				c.Restart(3)
			}
			if err := a.WaitVersion(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			for m := range a.Members() {
				for _, e := range c.Engines {
					if got, _, _ := e.Get("node-0", "k"); e.Name() == m.Name && m.State == engine.StateAlive && !bytes.Equal(got, want) {
						t.Errorf("round %d: %s lacks it", round, m.Name)
					}
				}
			}
		}
	})
}
