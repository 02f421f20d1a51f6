package engine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

// Large values are on disk before what refers to them, and again readable at once after a
// restart. One that can't be read is asked of other members, and told.
func TestLargeValuesAfterARestart(t *testing.T) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} {
		key := engine.NewSecret(1)
		open := func(name, dir string, log *heard) *engine.Engine {
			return startWith(t, name, dir, func(c *engine.Config) {
				c.Secrets, c.Streams = []engine.Secret{key}, stream.New(stream.Options{PortsTried: 1024})
				if dir != "" {
					c.Disk.Sync = sync
				}
				if log != nil {
					c.Logger = log.logger()
				}
			})
		}
		dir := t.TempDir()
		a, b := open("a", dir, nil), open("b", "", nil)
		if _, err := b.Join(t.Context(), a.Addr().String()); err != nil {
			t.Fatal(err)
		}
		want := value(300_000, 7)
		set(t, a, "other", "v")
		v, err := a.Set("k", want)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.WaitSynced(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		see(t, b, "a", "k", want)
		whole, damaged := copyDir(t, dir), copyDir(t, dir)
		a.Close()
		again := open("a", whole, nil)
		if got, _, ok := again.Get("a", "k"); !ok || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes, %v", sync, len(got), ok)
		}
		again.Close()

		files, _ := filepath.Glob(filepath.Join(damaged, "*.value"))
		if len(files) != 1 {
			t.Fatalf("%q", files)
		}
		text, _ := os.ReadFile(files[0])
		text[1000] ^= 1
		os.WriteFile(files[0], text, 0o600)
		log := new(heard)
		again = open("a", damaged, log)
		eventually(t, "it is told", func() bool {
			return log.has(`key \"k\": its content is damaged: it is asked of other members`)
		})
		see(t, again, "a", "k", want)
	}
}
