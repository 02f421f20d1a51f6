package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestARefusedRenewalChangesNothing: a lease whose renewal had no room ends when it would have
// ended without it.
func TestARefusedRenewalChangesNothing(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		l, err := e.Grant(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		pause(10 * time.Second)
		fill := make([]byte, 700)
		refused, last := false, error(nil)
		for tries := 0; !refused; tries++ {
			if tries == 100_000 {
				t.Fatalf("no renewal is ever refused: %v", last)
			}
			if _, last = e.Set("fill", fill); !errors.Is(last, engine.ErrBackpressure) {
				continue
			}
			for err = nil; err == nil; { // what is smaller than a renewal has no room either
				_, err = e.Set("k", nil)
			}
			before := l.Left()
			if _, err := l.Renew(); err == nil {
				continue // the loop has made room meanwhile
			}
			if refused = true; l.Left() > before {
				t.Errorf("%v were left, and after a renewal that was refused %v are", before, l.Left())
			}
		}
	})
}
