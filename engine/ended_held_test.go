package engine_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

// Nothing holds an engine that has ended, while others of the process go on: neither the reactor
// that they share, nor sockets, nor who has talked with it.
func TestEndedEnginesAreHeldByNobody(t *testing.T) {
	for _, how := range []struct{ streams, join, large bool }{{}, {join: true}, {streams: true}, {streams: true, join: true}, {true, true, true}} {
		t.Run(fmt.Sprintf("%+v", how), func(t *testing.T) {
			start := func(name string) *engine.Engine {
				c := engine.Local()
				if c.Name = name; how.streams {
					c.Streams = stream.New(stream.Options{PortsTried: 1024})
				}
				e, err := engine.Start(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			stays := start("stays")
			defer stays.Close()
			var ended []weak.Pointer[engine.Engine]
			for i := range 3 {
				guest := start("guest")
				if how.join {
					if _, err := guest.Join(t.Context(), stays.Addr().String()); err != nil {
						t.Fatal(err)
					}
				}
				if how.large {
					want := value(100_000, byte(i))
					insist(t, stays, func() (engine.Version, error) { return stays.Set("k", want) })
					eventually(t, "it reads a large value", func() bool { return reads(guest, "stays", "k", want) })
				}
				if err := guest.Close(); err != nil {
					t.Fatal(err)
				}
				ended = append(ended, weak.Make(guest))
			}
			for i, w := range ended {
				for limit := time.Now().Add(5 * time.Second); w.Value() != nil; runtime.GC() {
					if time.Now().After(limit) {
						t.Errorf("guest %d of 3 is still held", i)
						break
					}
				}
			}
		})
	}
}
