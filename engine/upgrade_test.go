package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// fleet is a cluster in which some members are of a version that knows no large values.
type fleet struct {
	*enginetest.Cluster
	t     *testing.T
	older [5]bool
	wrote [5]int
}

const knownBefore = codec.KindContent - 1

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{t: t}
	for i := range f.older {
		f.older[i] = true
	}
	net := simnet.NewNetwork(seed, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}, Loss: simnet.Probability(0.02)})
	poller := net.Poller()
	f.Cluster = enginetest.NewCluster(t, len(f.older), enginetest.Options{Transport: poller, Config: func(i int, c *engine.Config) {
		c.Streams = poller.Streams()
		if f.older[i] {
			c.Older(knownBefore)
		}
	}})
	return f
}

// write lets all members but one write for a while, and holds that the others read it.
func (f *fleet) write(but int, rounds int) {
	f.t.Helper()
	for range rounds {
		for i, e := range f.Engines {
			if i != but {
				f.wrote[i]++
				set(f.t, e, "count", fmt.Sprint(f.wrote[i]))
			}
		}
		pause(10 * time.Millisecond)
	}
	pause(time.Second)
	for i, e := range f.Engines {
		for k, other := range f.Engines {
			if i == but || k == but {
				continue
			}
			if v, _, _ := e.Get(other.Name(), "count"); string(v) != fmt.Sprint(f.wrote[k]) {
				f.t.Errorf("%s shows %q of %s, which wrote %d", e.Name(), v, other.Name(), f.wrote[k])
			}
		}
	}
}

// refused holds that a large value is refused at a member, and that the older ones are
// named for it.
func (f *fleet) refused(i int, v []byte) {
	f.t.Helper()
	var why *engine.UpgradeError
	if _, err := f.Engines[i].Set("large", v); !errors.Is(err, engine.ErrUpgrade) || !errors.As(err, &why) {
		f.t.Fatalf("%s: %v", f.Engines[i].Name(), err)
	}
	var want []string
	for k, old := range f.older {
		if old {
			want = append(want, f.Engines[k].Name())
		}
	}
	if slices.Sort(why.Members); !slices.Equal(why.Members, want) || !strings.Contains(why.Error(), want[0]) {
		f.t.Errorf("%s names %v, want %v: %v", f.Engines[i].Name(), why.Members, want, why)
	}
}

// TestRollingUpgrade: five members of a version that knows no large values are replaced one
// after the other, while all write. Nothing that was written is lost, and a large value is
// refused, with the names of who is older, until the last one is new. After that an older
// one that comes back keeps what it can't read, passes it on, and shows nothing of it.
func TestRollingUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, v := newFleet(t, 1), make([]byte, 10_000)
		f.write(-1, 10)
		for i := range f.Engines {
			f.refused(i, v)
			if i%2 == 0 {
				f.Stop(i)
			} else {
				f.Kill(i)
			}
			f.write(i, 10)
			f.older[i] = false
			f.Restart(i)
			f.write(-1, 10)
			if i < len(f.Engines)-1 {
				f.refused(i, v)
			}
		}
		f.WaitConverged()
		for _, e := range f.Engines {
			if _, err := e.Set("large", v); err != nil {
				t.Fatalf("all are new, and %s: %v", e.Name(), err)
			}
		}
		f.WaitConverged()
		f.older[2] = true
		f.Stop(2)
		f.Restart(2)
		f.write(-1, 10)
		f.WaitConverged()
		pause(5 * time.Second)
		if _, err := f.Engines[0].Set("large", v[1:]); err != nil {
			t.Errorf("it was written before: %v", err)
		}
		f.WaitConverged()
		if got, _, ok := f.Engines[2].Get("node-0", "large"); ok {
			t.Errorf("the older member shows %d bytes", len(got))
		}
		for range f.Engines[2].Range("node-0") {
		}
		pause(5 * time.Second)
		if got, _, _ := f.Engines[4].Get("node-0", "large"); len(got) != len(v)-1 {
			t.Errorf("the newer one shows %d bytes", len(got))
		}
		var why *engine.UpgradeError
		if _, err := f.Engines[2].Set("large", v); !errors.As(err, &why) || !slices.Contains(why.Members, "node-2") {
			t.Errorf("the older one writes: %v", err)
		}
	})
}
