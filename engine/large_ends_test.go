package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// What ends while it is fetched, by its own time, with its lease, by a revocation or a delete, is never
// shown after its end, and leaves nothing behind; what is written next comes.
func TestWhatEndsWhileItIsFetched(t *testing.T) {
	const size = 200_000
	for _, how := range []string{"ttl", "deleted", "lease of a short one", "ttl of a short one"} {
		t.Run(how, func(t *testing.T) {
			virtualStreams(t, 3, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
				a, others := c.Engines[0], c.Engines[1:]
				pause(time.Second)
				net.SetStreamFaults(simnet.StreamFaults{Rate: size / 2}) // two seconds
				const life = time.Second
				var l *engine.Lease
				var err error
				switch how {
				case "ttl":
					_, err = a.SetTTL("k", value(size, 1), life)
				case "deleted":
					_, err = a.Set("k", value(size, 1))
				case "lease of a short one":
					if l, err = a.Grant(life); err == nil {
						if _, err = l.Set("k", []byte("short")); err == nil {
							pause(life / 4)
							_, err = a.Set("k", value(size, 1))
						}
					}
				case "ttl of a short one":
					if _, err = a.SetTTL("k", []byte("short"), life); err == nil {
						pause(life / 4)
						_, err = a.Set("k", value(size, 1))
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				short := how == "lease of a short one" || how == "ttl of a short one"
				start := time.Now()
				stopped := false
				for time.Since(start) < 10*time.Second {
					pause(10 * time.Millisecond)
					if !stopped && time.Since(start) > life {
						stopped = true
						switch how {
						case "deleted":
							_, err = a.Delete("k")
						}
						if err != nil {
							t.Log(err)
						}
					}
					for _, e := range others {
						got, meta, ok := e.Get("node-0", "k")
						if ok && string(got) != "short" && len(got) != size {
							t.Fatalf("%d bytes", len(got))
						}
						if ok && !short && time.Since(start) > life+500*time.Millisecond {
							t.Fatalf("%s shows %d bytes %v after the start, %+v", e.Name(), len(got), time.Since(start), meta)
						}
						if short && !ok {
							t.Logf("%s shows nothing %v after the start, %+v", e.Name(), time.Since(start), meta)
						}
					}
				}
				if short {
					for _, e := range c.Engines {
						if !reads(e, "node-0", "k", value(size, 1)) {
							t.Errorf("%s: it does not come: %+v", e.Name(), e.Large())
						}
					}
					if _, err := a.Delete("k"); err != nil {
						t.Fatal(err)
					}
				}
				pause(time.Minute)
				for _, e := range c.Engines {
					if s, left := e.Large(), e.LargeLeft(); left != "" || s.Here+s.Refs+s.Missing+s.Bytes != 0 {
						t.Errorf("%s keeps %s; %+v", e.Name(), left, s)
					}
				}
				if _, err := a.Set("k", value(size, 2)); err != nil {
					t.Fatal(err)
				}
				pause(10 * time.Second)
				for _, e := range c.Engines {
					if !reads(e, "node-0", "k", value(size, 2)) {
						t.Errorf("%s: the next does not come: %+v", e.Name(), e.Large())
					}
				}
			})
		})
	}
}

// Members that take values of different lengths: each has what it takes, says of the rest that there is
// something newer, and gives what it has to others.
func TestMembersThatTakeDifferentLengths(t *testing.T) {
	sizes := []int{766, 1000, 30_000, 60_000, 100_000, 500_000}
	limits := []int{1 << 20, 100_000, 30_000, -1, 800}
	virtualStreams(t, len(limits), func(i int, c *engine.Config) {
		c.Limits.LargeBytes = limits[i]
	}, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a := c.Engines[0]
		for round := range 3 {
			for i, n := range sizes {
				if _, err := a.Set(fmt.Sprint("k", (i+round)%len(sizes)), value(n, byte(round))); err != nil {
					t.Fatal(err)
				}
			}
			pause(5 * time.Second)
			for m, e := range c.Engines {
				for i, n := range sizes {
					key := fmt.Sprint("k", (i+round)%len(sizes))
					got, meta, ok := e.Get("node-0", key)
					takes := n <= limits[m] || n <= 768
					if is := ok && len(got) == n && reads(e, "node-0", key, value(n, byte(round))); is != takes || takes != meta.Newer.IsZero() {
						t.Errorf("round %d, limit %d, length %d: %d bytes %v %+v", round, limits[m], n, len(got), ok, meta)
					}
				}
				if left := e.LargeLeft(); left != "" {
					t.Errorf("limit %d: %s", limits[m], left)
				}
			}
		}
		c.Kill(0) // who takes all
		pause(2 * time.Second)
	})
}
