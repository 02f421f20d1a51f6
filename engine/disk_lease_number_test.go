package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// TestNothingLivesByTheLeaseOfAnother: whatever a lease ended by, what lived by it is shown by nobody
// once another one is granted after a restart, and is deleted: its number is not given again while
// a key has it.
func TestNothingLivesByTheLeaseOfAnother(t *testing.T) {
	const keys, life = 400, 10 * time.Second
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} { // after a kill the second keeps its generation
		for _, leave := range []time.Duration{time.Second, -1} { // and after a Close that tells nobody both do
			for _, how := range []string{"over", "revoked", "killed and over", "killed when revoked"} {
				killed := how == "killed and over" || how == "killed when revoked"
				if killed && leave >= 0 {
					continue // it says nothing
				}
				t.Run(fmt.Sprintf("%v leave %v %s", sync, leave, how), func(t *testing.T) {
					dir := t.TempDir()
					synctest.Test(t, func(t *testing.T) {
						net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond}})
						start := func(name, dir string) *engine.Engine {
							return startOne(t, name, func(c *engine.Config) {
								c.Transport, c.LeaveTimeout = net.Poller(), leave
								if dir != "" {
									c.Disk.Path, c.Disk.Sync = dir, sync
								}
							})
						}
						peer := start("peer", "")
						join := func(e *engine.Engine) {
							if _, err := e.Join(t.Context(), peer.Addr().String()); err != nil {
								t.Fatal(err)
							}
						}
						e := start("a", dir)
						join(e)
						l, err := e.Grant(life)
						if err != nil {
							t.Fatal(err)
						}
						for i := range keys {
							if _, err := l.Set(fmt.Sprint("k", i), []byte("old")); err != nil {
								t.Fatal(err)
							}
						}
						pause(100 * time.Millisecond) // the disk and the other one have them
						if how == "revoked" || how == "killed when revoked" {
							if _, err := l.Revoke(); err != nil {
								t.Fatal(err)
							}
						}
						found := dir
						if killed {
							found = copyDir(t, dir)
						}
						if err := e.Close(); err != nil {
							t.Fatal(err)
						}
						pause(2 * life)
						again := start("a", found)
						if _, err := again.Grant(time.Hour); err != nil {
							t.Fatal(err)
						}
						join(again)
						both := []*engine.Engine{again, peer}
						for range 600 { // longer than a former life is shown
							for _, by := range both {
								for key := range by.Range("a") {
									t.Fatalf("%s shows %q of a lease that has ended", by.Name(), key)
								}
							}
							pause(20 * time.Millisecond)
						}
						for _, by := range both {
							if n := by.Stats().Keys; n > keys/2 {
								t.Errorf("%s holds %d keys", by.Name(), n)
							}
							by.Close()
						}
					})
				})
			}
		}
	}
}
