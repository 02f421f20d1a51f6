package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// news is what a watch of any kind tells.
type news struct {
	key, value string
	resync     bool
}

// TestWatchCatchesUpWhileOthersWrite: a watcher that was overtaken looks at everything once,
// however much is written meanwhile, and then it knows the newest of each key.
func TestWatchCatchesUpWhileOthersWrite(t *testing.T) {
	const (
		keys  = 20_000 // more than changes are kept
		piece = 1000   // at once: of a longer one it is only said that the member changed
	)
	members := func(e *engine.Engine, ctx context.Context, yield func(news) bool) {
		for u, err := range e.WatchWith(ctx, engine.WatchOptions{Prefix: "k"}) {
			if err != nil || !yield(news{u.Key, string(u.Value), u.Resync}) {
				return
			}
		}
	}
	shared := func(e *engine.Engine, ctx context.Context, yield func(news) bool) {
		for u, err := range e.Shared().Watch(ctx, "k") {
			if err != nil || !yield(news{u.Key, string(u.Value), u.Resync}) {
				return
			}
		}
	}
	for _, c := range []struct {
		name  string
		watch func(e *engine.Engine, ctx context.Context, yield func(news) bool)
		set   func(e *engine.Engine, key string, value []byte) (engine.Version, error)
	}{
		{"keys of members", members, (*engine.Engine).Set},
		{"shared keys", shared, func(e *engine.Engine, key string, value []byte) (engine.Version, error) {
			return e.Shared().Set(key, value)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.StageBytes = 8 << 20 }}
			virtual(t, 1, o, func(t *testing.T, cl *enginetest.Cluster) {
				e, written := cl.Engines[0], 0
				set := func(key string, value int) {
					insist(t, e, func() (engine.Version, error) { return c.set(e, key, strconv.AppendInt(nil, int64(value), 10)) })
				}
				told := func() {
					time.Sleep(time.Millisecond) // the loop has taken it, and has passed it on
					synctest.Wait()
				}
				write := func(n int) {
					for range n {
						set(fmt.Sprint("k", written%keys), written)
						if written++; written%piece == 0 {
							told()
						}
					}
					told()
				}
				write(keys)
				go func() {
					told() // and the watch sleeps
					set("k begin", 0)
				}()
				has, resyncs, looks := map[string]int{}, 0, 0
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of virtual time, of which it takes seconds
				defer cancel()
				c.watch(e, ctx, func(u news) bool {
					switch looks++; {
					case u.resync:
						resyncs, looks = resyncs+1, 0
						return resyncs < 5
					case u.key == "k begin":
						write(keys)
					case u.key == "k end":
						return false
					case resyncs > 0 && looks <= keys && looks%64 == 0:
						write(64) // as fast as it looks
					case resyncs > 0 && looks == keys+1:
						set("k end", 0)
					}
					has[u.key], _ = strconv.Atoi(u.value)
					return true
				})
				if ctx.Err() != nil {
					t.Fatalf("it sleeps after %d resyncs and %d looks, of %d writes", resyncs, looks, written)
				}
				if resyncs != 1 {
					t.Errorf("%d times everything", resyncs)
				}
				for i := written - keys; i < written; i++ {
					if key := fmt.Sprint("k", i%keys); has[key] != i {
						t.Fatalf("%s was %d and is %d", key, has[key], i)
					}
				}
			})
		})
	}
}
