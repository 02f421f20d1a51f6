package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestBehindTellsHowFar: how far a replica is behind a member is right after a join, in quiet,
// during a cut, after it, and for the dead, of which it says what was known last; an entry that was
// read says the same.
func TestBehindTellsHowFar(t *testing.T) {
	const quiet = 5 * time.Second // no two of four members are longer without an exchange
	o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.Detector.DeadAge = 10 * time.Minute }}
	virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
		behind := func(i int, member string) engine.Lag {
			t.Helper()
			l, err := c.Engines[i].Behind(member)
			if err != nil {
				t.Fatalf("node %d: %s: %v", i, member, err)
			}
			if _, m, ok := c.Engines[i].Get(member, "k"); ok {
				if of, err := m.Behind(); err != nil || of != l {
					t.Errorf("node %d: an entry of %s is %+v behind, the member %+v: %v", i, member, of, l, err)
				}
			}
			return l
		}
		level := func(when string, of ...int) {
			t.Helper()
			for _, i := range of {
				for _, k := range of {
					if l := behind(i, fmt.Sprint("node-", k)); l.Versions != 0 || l.Time > quiet || (i == k) != (l.Time == 0) {
						t.Errorf("%s: node %d is %+v behind node %d", when, i, l, k)
					}
				}
			}
		}
		level("after the join", 0, 1, 2, 3)
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		c.WaitConverged()
		level("after a write", 0, 1, 2, 3)
		pause(10 * time.Second)
		level("in quiet", 0, 1, 2, 3)

		cut := time.Now()
		c.Partition([]int{0, 1, 2}, []int{3})
		for i := range 100 {
			set(t, c.Engines[3], fmt.Sprint("during the cut ", i), "v")
		}
		pause(30 * time.Second)
		for i := range 3 {
			l := behind(i, "node-3")
			if gone := time.Since(cut); l.Versions != 0 || l.Time < gone-time.Millisecond || l.Time > gone+quiet { // nobody here has heard of them
				t.Errorf("%v after a cut node %d is %+v behind", gone, i, l)
			}
		}
		level("on this side of the cut", 0, 1, 2)
		c.Heal()
		c.WaitConverged()
		pause(time.Second)
		level("after the cut", 0, 1, 2, 3)

		c.Partition([]int{0, 1}, []int{2, 3}) // 2 hears of what 0 and 1 do not
		pause(30 * time.Second)
		v := set(t, c.Engines[3], "k", "last")
		pause(time.Second)
		died := time.Now()
		c.Kill(3)
		c.Heal()
		pause(time.Minute)
		for i := range 3 {
			l := behind(i, "node-3")
			since := died
			if i < 2 {
				since = died.Add(-31 * time.Second) // the cut: they have all of it from another
			}
			if ago := time.Since(since); l.Versions != 0 || l.Time < ago-time.Millisecond || l.Time > ago+quiet {
				t.Errorf("node %d is %+v behind the dead one, which it heard last %v ago", i, l, ago)
			}
			if _, m, _ := c.Engines[i].Get("node-3", "k"); m.Version != v {
				t.Errorf("node %d has %v", i, m.Version)
			}
		}
		if _, err := c.Engines[0].Behind("nobody"); !errors.Is(err, engine.ErrNoMember) {
			t.Errorf("behind nobody: %v", err)
		}
		if l, err := (engine.Meta{}).Behind(); l != (engine.Lag{}) || err != nil {
			t.Errorf("the zero Meta: %+v, %v", l, err)
		}
	})
}

// TestBehindCountsWhatIsMissing: a replica that has no room for what a member writes says how many
// versions it lacks.
func TestBehindCountsWhatIsMissing(t *testing.T) {
	virtual(t, 3, enginetest.Options{Config: oneWithLittleMemory}, func(t *testing.T, c *enginetest.Cluster) {
		setAll(t, 2000, func(key string) error { return second(c.Engines[0].Set(key, make([]byte, 600))) })
		pause(5 * time.Second)
		newest := uint64(0)
		for _, p := range c.Engines[0].Progress() {
			if p.Member == "node-0" {
				newest = p.Known.Seq
			}
		}
		for i, e := range c.Engines {
			l, err := e.Behind("node-0")
			here := uint64(0)
			for _, p := range e.Progress() {
				if p.Member == "node-0" {
					here = p.Known.Seq
				}
			}
			if err != nil || l.Versions != newest-here || (i == 1) != (l.Versions > 0) {
				t.Errorf("node %d has %d of %d versions, and says %+v, %v", i, here, newest, l, err)
			}
		}
	})
}
