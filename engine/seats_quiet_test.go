package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestWhoHasNoSeatsKeepsNobodyAwake: where nobody writes, a member with seats for fewer than there are
// costs no more than the exchanges do: what two differ in for good is not said again and again. Updates
// with their contents go before any comparison.
func TestWhoHasNoSeatsKeepsNobodyAwake(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			usual, most := 0.0, 1.5
			if way.name == "updates" {
				most = 2.2
			}
			for _, seats := range []int{8, 4} {
				o := enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
					if way.set(c); i == 0 {
						c.Limits.Origins = seats
					}
				}}
				virtual(t, 5, o, func(t *testing.T, c *enginetest.Cluster) {
					for i := 2; i < 5; i++ {
						c.Join(i, 1)
					}
					for _, e := range c.Engines[1:] {
						for k := range 200 {
							insist(t, e, func() (engine.Version, error) { return e.Set(fmt.Sprint("key-", k), make([]byte, 100)) })
						}
					}
					c.Join(0, 1)
					pause(time.Minute)
					sum := func() (bytes uint64) {
						for _, e := range c.Engines {
							bytes += e.Stats().BytesSent
						}
						return bytes
					}
					before := sum()
					pause(time.Minute)
					if is := float64(sum() - before); seats == 8 {
						usual = is
					} else if t.Logf("%.2f times the usual of %.0f bytes/s", is/usual, usual/60); is > most*usual {
						t.Errorf("%.0f bytes in a minute, %.0f with seats for all", is, usual)
					}
				})
			}
		})
	}
}
