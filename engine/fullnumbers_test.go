package engine_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestFullErrorsCountWhatWasAccepted: who fills a limit at once is told which it was, and what they
// have of it, what is on its way to the loop included: never less than would fit.
func TestFullErrorsCountWhatWasAccepted(t *testing.T) {
	const value = 100
	for limit, l := range map[string]engine.Limits{
		"Limits.Keys":           {Keys: 300},
		"Limits.KeysPerOrigin":  {KeysPerOrigin: 200},
		"Limits.ValueBytes":     {ValueBytes: 64 << 10},
		"Limits.BytesPerOrigin": {BytesPerOrigin: 20000},
	} {
		o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits = l }}
		virtual(t, 1, o, func(t *testing.T, c *enginetest.Cluster) {
			most := max(l.Keys, l.KeysPerOrigin, l.ValueBytes, l.BytesPerOrigin)
			for round := range 3 {
				var full *engine.FullError
				for k := 0; full == nil; k++ {
					if _, err := c.Engines[0].Set(fmt.Sprint(round, "/", k), make([]byte, value)); err != nil && !errors.As(err, &full) {
						t.Fatal(err)
					}
				}
				if full.Limit != limit || full.Value != most || full.Own > most || full.Own < most-2*value && full.Own < most*9/10 || full.Most != "node-0" || full.Has != full.Own {
					t.Errorf("round %d: %v", round, full)
				}
				for k := range 60 {
					if _, err := c.Engines[0].Delete(fmt.Sprint(round, "/", k)); err != nil {
						t.Fatal(err)
					}
				}
				c.Engines[0].Stats()
			}
		})
	}
}
