package engine_test

import (
	"errors"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
)

// insist writes until there is room in the stage: Stats waits for the turn of the loop
// that empties it.
func insist(tb testing.TB, e *engine.Engine, write func() (engine.Version, error)) engine.Version {
	tb.Helper()
	for {
		v, err := write()
		if err == nil {
			return v
		}
		if !errors.Is(err, engine.ErrBackpressure) {
			tb.Fatal(err)
		}
		e.Stats()
	}
}
