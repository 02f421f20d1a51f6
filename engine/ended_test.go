package engine_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// last is the error that an iterator ends with.
func last[T any](list iter.Seq2[T, error]) (err error) {
	for _, err = range list {
	}
	return err
}

// TestIteratorsEndWithTheErrOfTheirContext: an iterator that its context ends yields ctx.Err(),
// whatever the cause.
func TestIteratorsEndWithTheErrOfTheirContext(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("the caller's own"))
		ends := map[string]error{
			"Events":       last(e.Events(ctx)),
			"Watch":        last(e.Watch(ctx, "k")),
			"Changes":      last(e.Changes(ctx)),
			"Subscribe":    last(e.Subscribe(ctx, "")),
			"Shared.Watch": last(e.Shared().Watch(ctx, "")),
			"Shared.Lost":  last(e.Shared().Lost(ctx)),
			"WatchFunc":    e.WatchFunc(ctx, engine.WatchOptions{}, func(engine.Update) {}),
		}
		for what, err := range ends {
			if err != ctx.Err() {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
