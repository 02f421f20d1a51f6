package engine_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestTwoClustersThatMeet: two clusters have run for a while when a member of one is told
// of the other. If nobody named them, every member is told, once; if they have a name nobody
// is, nor where a newcomer joins, one that had waited alone, or members come back after a cut.
func TestTwoClustersThatMeet(t *testing.T) {
	for _, name := range []string{"", "ours"} {
		t.Run(fmt.Sprintf("named %q", name), func(t *testing.T) { meetUnnamed(t, name) })
	}
}

func meetUnnamed(t *testing.T, name string) {
	var mu sync.Mutex
	merged, want := map[int]int{}, map[int]int{}
	if name == "" {
		want = map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 1}
	}
	o := enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		c.Bind, c.Insecure, c.Cluster = "10.0.0.1:0", true, name
		c.OnEvent = func(ev engine.Event) {
			mu.Lock()
			defer mu.Unlock()
			if ev.Kind == engine.EventMerged {
				merged[i]++
			}
		}
	}}
	virtual(t, 5, o, func(t *testing.T, c *enginetest.Cluster) {
		expect := func(when string, want map[int]int) {
			t.Helper()
			pause(time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if !maps.Equal(merged, want) {
				t.Errorf("%s: who is told how often: %v, want %v", when, merged, want)
			}
		}
		c.Join(1, 0)
		c.Join(4, 3)
		expect("they began", nil)
		c.Join(2, 0)
		expect("one joined that had waited alone", nil)
		c.Partition([]int{0}, []int{1, 2}, []int{3, 4})
		pause(time.Minute)
		c.Heal()
		expect("after a cut", nil)
		c.Join(3, 0)
		expect("they met", want)
		c.Partition([]int{0, 1}, []int{2, 3, 4})
		pause(time.Minute)
		c.Heal()
		expect("after another cut", want)
	})
}
