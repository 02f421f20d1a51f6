package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// TestAViewHasALeaseWholeOrNotAtAll: what lives by one lease ends at one moment, and a view is of one:
// it has all of it or nothing, at the owner and at others, however the lease ends while it is read.
func TestAViewHasALeaseWholeOrNotAtAll(t *testing.T) {
	const keys, rounds = 600, 6
	a, b := startOne(t, "a", nil), startOne(t, "b", nil)
	if _, err := b.Join(t.Context(), a.Addr().String()); err != nil {
		t.Fatal(err)
	}
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprint("k", i)
	}
	for _, revoke := range []bool{false, true} {
		seen := 0 // rounds that saw the lease live
		for round := range rounds {
			life := 500 * time.Millisecond
			if revoke {
				life = time.Minute
			}
			l, err := a.Grant(life)
			if err != nil {
				t.Fatal(err)
			}
			var last engine.Version
			for _, key := range names {
				for last, err = l.Set(key, []byte("value")); errors.Is(err, engine.ErrBackpressure); last, err = l.Set(key, []byte("value")) {
					a.Stats()
				}
				if err != nil {
					break
				}
			}
			if errors.Is(err, engine.ErrLease) {
				continue // a busy host
			}
			if err := errors.Join(err, a.WaitVersion(t.Context(), last)); err != nil {
				t.Fatal(err)
			}
			done, reads := make(chan int, 2), make(chan bool, 4)
			for n, e := range []*engine.Engine{a, b} {
				go func() {
					live := 0
					defer func() { reads <- true; done <- live }()
					for {
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
						ask := names
						if (round+n)%2 == 0 {
							ask = nil
						}
						v, err := e.View(ctx, "a", ask...)
						cancel()
						switch {
						case errors.Is(err, engine.ErrBehind):
						case err != nil:
							t.Errorf("%s: %v", e.Name(), err)
							return
						case v.Len() == 0:
							return
						case v.Len() != keys:
							t.Errorf("round %d, revoked %v: a view at %s has %d of %d keys of one lease", round, revoke, e.Name(), v.Len(), keys)
							return
						case live == 0:
							live = 1
							reads <- true
						}
					}
				}()
			}
			if revoke {
				for range 2 { // both see it live
					<-reads
				}
				if _, err := l.Revoke(); err != nil {
					t.Fatal(err)
				}
			}
			seen += <-done + <-done
		}
		if seen == 0 && revoke {
			t.Errorf("no view saw one live")
		}
	}
}
