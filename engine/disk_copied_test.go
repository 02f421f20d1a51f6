package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
)

// A copy of a member's directory is of use to nobody else while the first one lives: not under
// another name, and under its own its process is kept out and told, whether the copy says that it
// may go on with the generation or not. What the first one writes is what all hold.
func TestACopiedDisk(t *testing.T) {
	for _, c := range []struct {
		sync   engine.Sync
		closed bool // it was copied after a clean end, or while the member ran
	}{
		{engine.SyncInterval, true}, {engine.SyncInterval, false}, {engine.SyncEach, true}, {engine.SyncEach, false},
	} {
		t.Run(fmt.Sprintf("%v closed %v", c.sync, c.closed), func(t *testing.T) {
			t.Parallel()
			seed := startWith(t, "seed", "", nil)
			dir := filepath.Join(t.TempDir(), "state")
			config := func(cfg *engine.Config) {
				cfg.Disk.Sync, cfg.LeaveTimeout, cfg.Seeds = c.sync, -1, []string{seed.Addr().String()}
			}
			a := startWith(t, "a", dir, config)
			a.Join(t.Context(), seed.Addr().String())
			for n := range 20 {
				set(t, a, fmt.Sprint("k", n), "first")
			}
			if v := set(t, a, "last", "first"); a.WaitSynced(t.Context(), v) != nil {
				t.Fatal("not synced")
			}
			if c.closed {
				a.Close()
			}
			copied := copyDir(t, dir)
			if c.closed {
				a = startWith(t, "a", dir, config)
			}
			if n, err := a.Join(t.Context(), seed.Addr().String()); n != 1 {
				t.Fatal(err)
			}
			was := generation(a)

			cfg := engine.Local()
			cfg.Name, cfg.Disk.Path, cfg.Disk.Sync = "b", copied, c.sync
			var bad *engine.ConfigError
			if _, err := engine.Start(t.Context(), cfg); !errors.As(err, &bad) || !strings.Contains(err.Error(), `"a"`) {
				t.Errorf("under another name: %v", err)
			}

			b := startWith(t, "a", copied, func(cfg *engine.Config) { cfg.Disk.Sync = c.sync })
			if kept := generation(b) == was; kept != (c.closed || c.sync == engine.SyncEach) {
				t.Errorf("the copy goes on with the generation: %v", kept)
			}
			for n := range 20 {
				set(t, a, fmt.Sprint("k", n), "in service")
				b.Set(fmt.Sprint("k", n), []byte("of the copy"))
			}
			n, err := b.Join(t.Context(), seed.Addr().String())
			var why *engine.RefusedError
			if n != 0 || !errors.Is(err, engine.ErrNameConflict) || !errors.As(err, &why) || why.There != a.Addr() {
				t.Errorf("the copy joins: %d, %v", n, err)
			}
			holds := func() bool {
				for n := range 20 {
					if v, _, _ := seed.Get("a", fmt.Sprint("k", n)); string(v) != "in service" {
						return false
					}
				}
				return true
			}
			eventually(t, "others hold what the first one wrote", holds)
			for n := range 20 {
				b.Set(fmt.Sprint("k", n), []byte("of the copy, too"))
			}
			set(t, a, "k", "later")
			eventually(t, "the first one goes on", func() bool {
				v, _, _ := seed.Get("a", "k")
				return string(v) == "later"
			})
			if !holds() {
				t.Error("others hold what the copy wrote")
			}
		})
	}
}
