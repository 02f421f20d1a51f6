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

// A member that has no streams any more has large values on disk and not here: they stay there.
func TestLargeValuesRestartWithoutStreams(t *testing.T) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} {
		key, dir, want := engine.NewSecret(1), t.TempDir(), value(300_000, 7)
		open := func(dir string) *engine.Engine {
			return startWith(t, "a", dir, func(c *engine.Config) {
				c.Secrets, c.Disk.Sync = []engine.Secret{key}, sync
				c.Streams = stream.New(stream.Options{PortsTried: 1024})
			})
		}
		a := open(dir)
		if err := a.WaitSynced(t.Context(), set(t, a, "k", string(want))); err != nil {
			t.Fatal(err)
		}
		dir = copyDir(t, dir)
		a.Close()
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		if len(logs) == 0 {
			t.Fatal("there is no log")
		}
		torn, err := os.OpenFile(logs[len(logs)-1], os.O_APPEND|os.O_WRONLY, 0) // a snapshot is made at once then
		if err != nil {
			t.Fatal(err)
		}
		torn.Write([]byte("torn"))
		torn.Close()
		without := startWith(t, "a", dir, func(c *engine.Config) {
			c.Secrets, c.Disk.Sync = []engine.Secret{key}, sync
		})
		eventually(t, "there is a snapshot", func() bool {
			files, _ := filepath.Glob(filepath.Join(dir, "*.snapshot"))
			return len(files) > 0
		})
		set(t, without, "other", "v")
		without.Close()
		again := open(dir)
		if got, _, ok := again.Get("a", "k"); !ok || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes, %v", sync, len(got), ok)
		}
		again.Close()
	}
}
