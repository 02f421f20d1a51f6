package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// Progress and Confirmed agree with WaitVersion, and see who is cut off.
func TestProgressShowsWhoIsBehind(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		a := c.Engines[0]
		v, err := a.Set("k", []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := a.WaitVersion(ctx, v); err != nil {
			t.Fatal(err)
		}
		if have, answering, err := a.Confirmed(v); err != nil || have != 3 || answering != 3 {
			t.Errorf("%d of %d confirmed", have, answering)
		}
		c.Partition([]int{0, 1, 2}, []int{3})
		v, _ = a.Set("k", []byte("2"))
		pause(200 * time.Millisecond)
		if have, _, err := a.Confirmed(v); err != nil || have != 2 {
			t.Errorf("%d confirmed while one is cut off", have)
		}
		list := a.Progress()
		if len(list) != 4 || list[0].Member != "node-0" || list[0].Known != v || list[0].Entries == 0 {
			t.Fatalf("%+v", list)
		}
		for _, p := range list[1:] {
			if behind := p.Acked < v.Seq; behind != (p.Member == "node-3") {
				t.Errorf("%+v, newest %v", p, v)
			}
		}
		c.Heal()
		if err := a.WaitVersion(ctx, v); err != nil {
			t.Fatal(err)
		}
		c.WaitConverged()
		for _, p := range c.Engines[3].Progress() {
			if p.Member == "node-0" && (p.Known != v || p.State != engine.StateAlive) {
				t.Errorf("node-3: %+v, newest %v", p, v)
			}
		}
	})
}

// TestAcked: who has a write is named.
func TestAcked(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	v := set(t, c.Engines[0], "k", "v")
	if err := c.Engines[0].WaitVersion(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if have, err := c.Engines[0].Acked(v); err != nil || len(have) != 2 || !slices.Contains(have, "node-1") || !slices.Contains(have, "node-2") {
		t.Error(have)
	}
	v.Seq++
	if have, err := c.Engines[0].Acked(v); !errors.Is(err, engine.ErrVersion) || len(have) != 0 {
		t.Error(have, err, "have what was never written")
	}
}
