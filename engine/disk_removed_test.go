package engine_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/disk"
)

// TestRemovedDirectory: what is written to files that are gone is not on disk, and nobody is told
// that it is. The directory is made and taken anew, unless another process has it by then.
func TestRemovedDirectory(t *testing.T) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} {
		t.Run(sync.String(), func(t *testing.T) {
			t.Parallel()
			dir, log, one := privateDir(t), new(heard), engine.NewSecret(1)
			e := startWith(t, "a", dir, func(c *engine.Config) {
				withSecrets(one)(c)
				c.Disk.Sync, c.Disk.Every, c.Logger = sync, 10*time.Millisecond, log.logger()
			})
			set(t, e, "before", "v")
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			other, err := disk.Dir(dir).Lock()
			if err != nil {
				t.Fatal(err)
			}
			v, err := e.Set("during", []byte("v"))
			if err == nil {
				err = e.WaitSynced(t.Context(), v)
			}
			if !errors.Is(err, engine.ErrDisk) || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("written to nowhere: %v", err)
			}
			if err := e.AddSecret(engine.NewSecret(2)); !errors.Is(err, engine.ErrDisk) {
				t.Errorf("a directory that another process has took a secret: %v", err)
			}
			eventually(t, "the other process is told of", func() bool {
				_, err := e.Set("more", nil)
				return sync == engine.SyncInterval || err != nil && errors.Is(err, engine.ErrDisk) && !errors.Is(err, os.ErrNotExist)
			})
			other.Close()
			eventually(t, "it works again", func() bool { return log.has("disk works again") })
			v = set(t, e, "after", "v")
			if err := e.WaitSynced(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			if _, err := disk.Dir(dir).Lock(); err == nil {
				t.Error("the directory is not taken again")
			}
			eventually(t, "the secrets are there again", func() bool { return len(where(t, dir, one)) == 1 })
			got := fmt.Sprint(own(startWith(t, "a", copyDir(t, dir), nil)))
			want := map[engine.Sync]string{engine.SyncInterval: "map[after:v before:v during:v more:]", engine.SyncEach: "map[after:v before:v]"}[sync]
			if got != want {
				t.Errorf("%s, not %s", got, want)
			}
		})
	}
}
