package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestFromTellsWhoBrought: an entry, own or shared, says from whom this replica has its version:
// from its writer where that reached it, from who was left where the writer is dead, and from
// nobody at the writer itself.
func TestFromTellsWhoBrought(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		from := func(i int, key string) (own, shared string) {
			t.Helper()
			_, m, ok := c.Engines[i].Get("node-3", key)
			_, s, there := c.Engines[i].Shared().Look(nil, key)
			if !ok || !there {
				t.Fatalf("node %d lacks %s: %v, %v", i, key, ok, there)
			}
			return m.From(), s.From()
		}
		write := func(key string) {
			t.Helper()
			set(t, c.Engines[3], key, "v")
			if _, err := c.Engines[3].Shared().Set(key, []byte("v")); err != nil {
				t.Fatal(err)
			}
			pause(time.Second)
		}
		write("mailed")
		for i, want := range []string{"node-3", "node-3", "node-3", ""} {
			if own, shared := from(i, "mailed"); own != want || shared != want {
				t.Errorf("node %d has it from %q and %q, not %q", i, own, shared, want)
			}
		}
		c.Partition([]int{0, 1}, []int{2, 3})
		pause(10 * time.Second)
		write("late")
		if own, shared := from(2, "late"); own != "node-3" || shared != "node-3" {
			t.Errorf("node 2 has it from %q and %q", own, shared)
		}
		c.Kill(3)
		c.Heal()
		pause(time.Minute)
		first := 0
		for i := range 2 {
			own, shared := from(i, "late")
			if own != "node-2" && own != fmt.Sprint("node-", 1-i) {
				t.Errorf("node %d has it from %q", i, own)
			}
			if shared != "" && shared != "node-2" && shared != fmt.Sprint("node-", 1-i) { // "": it took it over
				t.Errorf("node %d has the shared one from %q", i, shared)
			}
			if own == "node-2" {
				first++
			}
		}
		if first == 0 {
			t.Error("neither has it from node 2, which alone had it")
		}
		if from := (engine.Meta{}).From(); from != "" {
			t.Errorf("the zero Meta is from %q", from)
		}
	})
}

// TestFromIsForgotten: what was pushed out by a thousand later runs is from nobody, not from
// somebody else.
func TestFromIsForgotten(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		set(t, c.Engines[1], "first", "v")
		for i := range 1100 {
			pause(time.Millisecond) // a frame for each
			set(t, c.Engines[1], "k", fmt.Sprint(i))
		}
		pause(time.Second)
		for key, want := range map[string]string{"first": "", "k": "node-1"} {
			if _, m, ok := c.Engines[0].Get("node-1", key); !ok || m.From() != want {
				t.Errorf("%s: %v, from %q, not %q", key, ok, m.From(), want)
			}
		}
	})
}
