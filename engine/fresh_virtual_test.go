package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// TestFreshReadsMissNoWrite: what a member has written before it is asked is in a fresh read,
// of its own keys and of shared ones, whatever is lost on the way; a plain one misses it.
func TestFreshReadsMissNoWrite(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			net := simnet.NewNetwork(seed, simnet.Link{Loss: simnet.Probability(0.2), Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 3 * sched.Millisecond}})
			c := enginetest.NewCluster(t, 4, enginetest.Options{Transport: net.Poller()})
			old := 0
			for i := range 100 {
				w, r := c.Engines[i%4], c.Engines[(i+1)%4]
				want := fmt.Sprint(i)
				set(t, w, "k", want)
				if _, err := w.Shared().Set("k", []byte(want)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // the writer's loop has taken both
				if v, _, _ := r.Get(w.Name(), "k"); string(v) != want {
					old++
				}
				if v, _, _, err := r.GetFresh(t.Context(), w.Name(), "k"); err != nil || string(v) != want {
					t.Fatalf("seed %d: write %d reads as %q: %v", seed, i, v, err)
				}
				if v, _, _, err := r.Shared().GetFresh(t.Context(), "k"); err != nil || string(v) != want {
					t.Fatalf("seed %d: shared write %d reads as %q: %v", seed, i, v, err)
				}
			}
			if old == 0 {
				t.Error("no plain read was old: the test shows nothing")
			}
			t.Logf("seed %d: %d of 100 plain reads were old", seed, old)
		})
	}
}

// TestFreshReadsEnd: of a member that is gone, or that does not answer, there is what the replica
// has, with an error, also without a deadline.
func TestFreshReadsEnd(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		r, bg := c.Engines[2], context.Background()
		set(t, c.Engines[0], "k", "v")
		set(t, c.Engines[1], "k", "v")
		c.WaitConverged()
		read := func(ctx context.Context, member string, want error, most time.Duration) {
			t.Helper()
			began := time.Now()
			v, _, ok, err := r.GetFresh(ctx, member, "k")
			if known := !errors.Is(want, engine.ErrNoMember); !errors.Is(err, want) || ok != known || known && string(v) != "v" {
				t.Errorf("%s: %q %v %v, want %v", member, v, ok, err, want)
			}
			if took := time.Since(began); took > most {
				t.Errorf("%s: after %v", member, took)
			}
		}
		read(bg, "node-0", nil, 10*time.Millisecond)
		read(bg, "nobody", engine.ErrNoMember, 0)
		c.Kill(0)
		read(bg, "node-0", engine.ErrStale, 10*time.Second)
		read(bg, "node-0", engine.ErrStale, 0)
		if _, _, _, err := r.Shared().GetFresh(bg, "k"); err != nil {
			t.Error("a shared read waits for the dead:", err)
		}
		c.Partition([]int{1}, []int{2})
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		read(ctx, "node-1", context.DeadlineExceeded, 100*time.Millisecond)
		read(ctx, "node-1", context.DeadlineExceeded, 0)
		cancel()
		c.Heal()
		read(bg, "node-1", nil, 5*time.Second)
		for _, key := range []string{"", "\x00k"} {
			if _, _, _, err := r.GetFresh(bg, "node-1", key); !errors.Is(err, engine.ErrKey) {
				t.Errorf("%q: %v", key, err)
			}
		}
		const callers = 1100 // 1,024 may wait
		done := make(chan error, callers)
		c.Partition([]int{1}, []int{2})
		for range callers {
			go func() {
				_, _, _, err := r.GetFresh(bg, "node-1", "k")
				done <- err
			}()
		}
		many := 0
		for range callers {
			if errors.Is(<-done, engine.ErrFreshReads) {
				many++
			}
		}
		if many != callers-1024 {
			t.Errorf("%d of %d callers were told that too many wait", many, callers)
		}
		go func() {
			_, _, _, err := r.GetFresh(bg, "node-1", "k")
			done <- err
		}()
		synctest.Wait()
		r.Close()
		if err := <-done; !errors.Is(err, engine.ErrClosed) && !errors.Is(err, engine.ErrStale) {
			t.Error("a read outlives its engine:", err)
		}
		if _, _, _, err := r.GetFresh(bg, "node-2", "k"); !errors.Is(err, engine.ErrClosed) {
			t.Error(err)
		}
	})
}
