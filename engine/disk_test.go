package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// startWith is Start with a disk, closed at the end of the test.
func startWith(t *testing.T, name, path string, change func(c *engine.Config)) *engine.Engine {
	t.Helper()
	c := engine.Local()
	c.Name, c.Disk.Path = name, path
	if change != nil {
		change(&c)
	}
	e, err := engine.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func own(e *engine.Engine) map[string]string {
	all := map[string]string{}
	for k, x := range e.Range(e.Name()) {
		all[string(k)] = string(x.Value)
	}
	return all
}

func generation(e *engine.Engine) uint64 {
	for m := range e.Members() {
		return m.Generation
	}
	return 0
}

// copyDir is what another process finds when this one is killed: what it has written.
func copyDir(t *testing.T, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A restart has its keys again. It keeps its generation where others can't have been told
// what is not on its disk, and takes another one else.
func TestRestartHasItsKeys(t *testing.T) {
	for _, c := range []struct {
		sync          engine.Sync
		leave, killed bool
		keeps         bool
	}{
		{engine.SyncInterval, true, false, false}, // it said that it leaves
		{engine.SyncInterval, false, false, true},
		{engine.SyncInterval, false, true, false},
		{engine.SyncNever, false, false, true},
		{engine.SyncNever, false, true, false},
		{engine.SyncEach, false, false, true},
		{engine.SyncEach, false, true, true},
	} {
		t.Run(fmt.Sprintf("%v leave %v killed %v", c.sync, c.leave, c.killed), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			config := func(cfg *engine.Config) {
				cfg.Disk.Sync, cfg.Zone, cfg.Tags = c.sync, "z", map[string]string{"role": "db"}
				if !c.leave {
					cfg.LeaveTimeout = -1
				}
			}
			e := startWith(t, "a", dir, config)
			was := generation(e)
			set(t, e, "k", "1")
			set(t, e, "gone", "x")
			set(t, e, "k", "2")
			v, err := e.Delete("gone")
			if err != nil {
				t.Fatal(err)
			}
			if err := e.WaitSynced(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			if c.killed {
				dir = copyDir(t, dir)
			} else if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			again := startWith(t, "a", dir, config)
			if got := own(again); len(got) != 1 || got["k"] != "2" {
				t.Errorf("%v", got)
			}
			if now := generation(again); (now == was) != c.keeps || now < was {
				t.Errorf("generation %d, and it was %d", now, was)
			}
			v2 := set(t, again, "k", "3")
			if v2.Compare(v) <= 0 || v2.Seq <= v.Seq {
				t.Errorf("version %v after %v", v2, v)
			}
		})
	}
}

// A member that comes back under its generation has nothing to tell that others have, and
// they take what it newly writes; deletes, tags and zone too.
func TestKeptGenerationGoesOn(t *testing.T) {
	dir := t.TempDir()
	first := engine.Config{Zone: "z1", Tags: map[string]string{"a": "1", "b": "2"}}
	c := enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, cfg *engine.Config) {
		if i == 1 {
			cfg.Disk = engine.Disk{Path: dir, Sync: engine.SyncEach}
			cfg.Zone, cfg.Tags = first.Zone, first.Tags
		}
	}})
	for n := range 100 {
		set(t, c.Engines[1], fmt.Sprint("key-", n), "v")
	}
	if _, err := c.Engines[1].Delete("key-7"); err != nil {
		t.Fatal(err)
	}
	c.WaitConverged()
	was := generation(c.Engines[1])
	dir = copyDir(t, dir)
	c.Kill(1)
	first.Zone, first.Tags = "", map[string]string{"b": "3"}
	c.Restart(1)
	e := c.Engines[1]
	if now := generation(e); now != was {
		t.Errorf("generation %d, and it was %d", now, was)
	}
	set(t, e, "key-8", "new")
	if _, err := e.Delete("key-9"); err != nil {
		t.Fatal(err)
	}
	c.WaitConverged()
	all := same(t, c)
	if len(all) != 98 || !strings.HasSuffix(all["node-1/key-8"], "=new") || all["node-1/key-9"] != "" || all["node-1/key-7"] != "" {
		t.Errorf("%d keys, key-8 is %q", len(all), all["node-1/key-8"])
	}
	eventually(t, "tags and zone are the new ones", func() bool {
		for m := range c.Engines[0].Members() {
			if m.Name == "node-1" {
				return m.Zone == "" && len(m.Tags) == 1 && m.Tags["b"] == "3"
			}
		}
		return false
	})
}

// What was written and nobody had heard of before the process was killed is heard of after
// its restart, and nobody has to be named: it knows whom to ask.
func TestUntoldWritesAreToldAfterARestart(t *testing.T) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} {
		dir := t.TempDir()
		c := enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, cfg *engine.Config) {
			if i == 1 {
				cfg.Disk = engine.Disk{Path: dir, Sync: sync}
			}
		}})
		set(t, c.Engines[1], "told", "v")
		c.WaitConverged()
		c.Partition([]int{1})
		v := set(t, c.Engines[1], "untold", "v")
		if err := c.Engines[1].WaitSynced(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		dir = copyDir(t, dir)
		c.Kill(1)
		c.Heal()
		e := startWith(t, "node-1", dir, func(cfg *engine.Config) { cfg.Disk.Sync = sync })
		eventually(t, "the others have both", func() bool {
			_, _, told := c.Engines[0].Get("node-1", "told")
			_, _, untold := c.Engines[2].Get("node-1", "untold")
			return told && untold
		})
		e.Close()
	}
}

// What ends has less time after a restart, or none.
func TestTimeToLivePassesWhileAMemberIsDown(t *testing.T) {
	dir := t.TempDir()
	e := startWith(t, "a", dir, nil)
	if _, err := e.SetTTL("short", []byte("v"), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := e.SetTTL("long", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e.Close()
	eventually(t, "the short one is over", func() bool { return time.Since(began) > 60*time.Millisecond })
	again := startWith(t, "a", dir, nil)
	if _, _, ok := again.Get("a", "short"); ok {
		t.Error("it is back after its time")
	}
	_, m, ok := again.Get("a", "long")
	if !ok || m.TTL != time.Hour || m.Age < 55*time.Millisecond {
		t.Errorf("%v %+v", ok, m)
	}
}

// What is wrong with a directory is told at the start, with the field and what to do.
func TestDiskErrors(t *testing.T) {
	f := func(change func(c *engine.Config), want string) {
		t.Helper()
		c := engine.Local()
		c.Name = "a"
		change(&c)
		e, err := engine.Start(context.Background(), c)
		if err == nil {
			e.Close()
			t.Errorf("started; want %q", want)
			return
		}
		if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	f(func(c *engine.Config) { c.Disk.Sync = engine.SyncEach }, "Config.Disk.Sync each: set without Disk.Path; name a directory")
	f(func(c *engine.Config) { c.Disk.Path, c.Disk.Every = t.TempDir(), time.Hour }, "Config.Disk.Every 1h0m0s: out of range")
	f(func(c *engine.Config) { c.Disk.Path, c.Disk.Sync = t.TempDir(), 7 }, "Config.Disk.Sync Sync(7): is not known; use interval, never or each")

	dir := t.TempDir()
	startWith(t, "a", dir, nil)
	f(func(c *engine.Config) { c.Disk.Path = dir }, fmt.Sprintf("Config.Disk.Path %q: is in use by process %d; end that one", dir, os.Getpid()))

	alien := t.TempDir()
	os.WriteFile(filepath.Join(alien, "x"), nil, 0o600)
	f(func(c *engine.Config) { c.Disk.Path = alien }, `holds "x" and no state of a member; name an empty directory`)
}

// Limits that are lower than before drop nothing, and no more is taken.
func TestRestartWithLowerLimits(t *testing.T) {
	dir := t.TempDir()
	e := startWith(t, "a", dir, nil)
	for n := range 100 {
		set(t, e, fmt.Sprint("key-", n), "v")
	}
	e.Close()
	again := startWith(t, "a", dir, func(c *engine.Config) { c.Limits.Keys = 10 })
	if n := len(own(again)); n != 100 {
		t.Errorf("%d keys", n)
	}
	if _, err := again.Set("one-more", nil); !errors.Is(err, engine.ErrFull) {
		t.Errorf("one more: %v", err)
	}
}

// What Set accepted before a Close is there after it, told or not.
func TestCloseLosesNoWrite(t *testing.T) {
	dir := t.TempDir()
	quiet := func(c *engine.Config) { c.LeaveTimeout = -1 }
	e, want := startWith(t, "a", dir, quiet), map[string]string{}
	for n := 0; n < 20_000; {
		if _, err := e.Set(fmt.Sprint("key-", n), []byte("v")); err == nil {
			want[fmt.Sprint("key-", n)] = "v"
			n++
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := own(startWith(t, "a", dir, quiet)); !maps.Equal(got, want) {
		t.Errorf("%d keys of %d", len(got), len(want))
	}
}

// Shared keys that nobody had heard of are said again after a restart, once it is known
// what became of them; a member that knows of nobody reads them at once.
func TestSharedKeysAfterARestart(t *testing.T) {
	dir := t.TempDir()
	e := startWith(t, "a", dir, nil)
	for n := range 3 {
		if _, err := e.Shared().Set("k", fmt.Append(nil, "value ", n)); err != nil {
			t.Fatal(err)
		}
	}
	e.Close()
	for range 2 {
		again := startWith(t, "a", dir, nil)
		if got := sharedText(again, "k"); got != "value 2" {
			t.Errorf("alone: %q", got)
		}
		again.Close()
	}

	dir = t.TempDir()
	c := enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, cfg *engine.Config) {
		if i == 1 {
			cfg.Disk.Path = dir
		}
	}})
	for _, key := range []string{"overwritten", "deleted"} {
		if _, err := c.Engines[1].Shared().Set(key, []byte("old")); err != nil {
			t.Fatal(err)
		}
		everywhere(t, c.Engines, key, "old")
	}
	c.Partition([]int{1})
	v, err := c.Engines[1].Shared().Set("untold", []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Engines[1].WaitSynced(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	dir = copyDir(t, dir)
	c.Kill(1)
	c.Heal()
	if _, err := c.Engines[0].Shared().Set("overwritten", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Engines[2].Shared().Delete("deleted"); err != nil {
		t.Fatal(err)
	}
	c.Restart(1)
	everywhere(t, c.Engines, "untold", "new")
	everywhere(t, c.Engines, "overwritten", "new")
	everywhere(t, c.Engines, "deleted", "-")
}

// What is held back outlives further restarts and the snapshots that they make, and is
// not read before it is said.
func TestHeldSharedKeysOutliveRestarts(t *testing.T) {
	dir := t.TempDir()
	a := startWith(t, "a", dir, nil)
	b := startWith(t, "b", t.TempDir(), nil)
	if _, err := a.Join(t.Context(), b.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Shared().Set("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	set(t, a, "own", "v")
	a.Close()
	b.Close()
	quiet := func(c *engine.Config) { c.LeaveTimeout = -1 }
	for n := range 12 {
		e := startWith(t, "a", dir, quiet)
		if got := sharedText(e, "k"); got != "-" || len(own(e)) != 1 {
			t.Fatalf("start %d: %q and %v", n, got, own(e))
		}
		e.Close()
	}
	e := startWith(t, "a", dir, quiet)
	other := startWith(t, "other", t.TempDir(), nil)
	if _, err := e.Join(t.Context(), other.Addr().String()); err != nil {
		t.Fatal(err)
	}
	everywhere(t, []*engine.Engine{e, other}, "k", "v")
	e.Close()
	again := startWith(t, "a", dir, quiet) // under the same generation, which others know by now
	everywhere(t, []*engine.Engine{other}, "k", "v")
	if got := sharedText(again, "k"); got != "v" {
		t.Errorf("said, and then %q", got)
	}
}
