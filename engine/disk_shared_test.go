package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// diskCluster is a cluster in virtual time whose members have disks, and are killed in the middle
// of things.
type diskCluster struct {
	*enginetest.Cluster
	t    *testing.T
	dirs []string
	log  heard
}

func (k *diskCluster) kill(members ...int) {
	for _, i := range members {
		to := k.t.TempDir()
		if err := os.CopyFS(to, os.DirFS(k.dirs[i])); err != nil {
			k.t.Fatal(err)
		}
		os.Remove(filepath.Join(to, "quidnunc.lock"))
		k.dirs[i] = to
	}
	for _, i := range members {
		k.Kill(i)
	}
}

func (k *diskCluster) reads(i int, want map[string]string) {
	k.t.Helper()
	for key, value := range want {
		if got := sharedText(k.Engines[i], key); got != value {
			k.t.Errorf("%s reads %s as %q, want %q", k.Engines[i].Name(), key, got, value)
		}
	}
}

func withDisks(t *testing.T, members int, f func(k *diskCluster)) {
	k := &diskCluster{dirs: make([]string, members)}
	virtual(t, members, enginetest.Options{Timeout: 2 * time.Minute, Config: func(i int, c *engine.Config) {
		if k.dirs[i] == "" {
			k.dirs[i] = t.TempDir()
		}
		c.Disk.Path, c.Logger = k.dirs[i], k.log.logger()
		d := &c.Detector
		d.DeadAge, d.LeftAge, d.GraveAge = time.Minute, time.Minute, 5*time.Minute
	}}, func(t *testing.T, c *enginetest.Cluster) {
		k.t, k.Cluster = t, c
		f(k)
	})
}

// What shared keys held is back with any one member's disk, whoever wrote it: values, deletes, and
// ends.
func TestSharedKeysOutliveAllOthers(t *testing.T) {
	withDisks(t, 3, func(k *diskCluster) {
		k.Engines[0].Shared().Set("deleted", []byte("v"))
		k.WaitConverged()
		for i, e := range k.Engines {
			e.Shared().Set(fmt.Sprint("of ", i), []byte("kept"))
			e.Shared().SetTTL(fmt.Sprint("short of ", i), []byte("ends"), time.Minute)
			e.Shared().Insert("set", fmt.Sprint("x", i))
			e.Shared().Add("sum", int64(i+1))
		}
		k.Engines[1].Shared().Delete("deleted")
		k.WaitConverged()
		pause(2 * time.Second)
		k.kill(0, 1, 2)
		pause(10 * time.Second)
		k.Restart(2)
		want := map[string]string{"of 0": "-", "of 1": "-", "of 2": "-"}
		pause(20 * time.Second)
		k.reads(2, want) // somebody may know better
		pause(10 * time.Second)
		pause(7 * time.Second)
		want = map[string]string{"of 0": "kept", "of 1": "kept", "of 2": "kept", "deleted": "-", "short of 0": "ends", "short of 1": "ends", "short of 2": "ends"}
		k.reads(2, want)
		s := k.Engines[2].Shared()
		if sum, _ := s.Sum("sum"); sum != 6 || !s.Contains("set", "x0") || !s.Contains("set", "x2") {
			t.Errorf("the sum is %d, and the set holds x0: %v, x2: %v", sum, s.Contains("set", "x0"), s.Contains("set", "x2"))
		}
		k.dirs[0] = t.TempDir()
		k.Restart(0)
		k.WaitConverged()
		k.reads(0, want)
		pause(time.Minute)
		for i := range 3 {
			want[fmt.Sprint("short of ", i)] = "-"
		}
		k.reads(2, want)
		k.reads(0, want)
	})
}

// A cluster that loses its power whole has its shared keys again when it is back, and each of them
// few times.
func TestSharedKeysOutliveTheCluster(t *testing.T) {
	const keys = 300
	withDisks(t, 4, func(k *diskCluster) {
		for n := range keys {
			k.Engines[n%4].Shared().Set(fmt.Sprint("k", n), []byte(fmt.Sprint("v", n)))
		}
		k.WaitConverged()
		for n := range keys / 3 {
			k.Engines[(n+1)%4].Shared().Delete(fmt.Sprint("k", n))
		}
		k.WaitConverged()
		pause(2 * time.Second)
		k.kill(0, 1, 2, 3)
		pause(time.Minute)
		for i := range 4 {
			k.Restart(i)
		}
		pause(50 * time.Second)
		k.WaitConverged()
		for i, e := range k.Engines {
			for n := range keys {
				want := fmt.Sprint("v", n)
				if n < keys/3 {
					want = "-"
				}
				k.reads(i, map[string]string{fmt.Sprint("k", n): want})
			}
			if n := e.Stats().Keys; n > 3*keys {
				t.Errorf("%s holds %d entries of %d shared keys", e.Name(), n, keys)
			}
		}
	})
}

// What others wrote or deleted while a member was away stands, and what its disk has of another's
// log does not come back.
func TestSharedKeysOfOthersAreNotUndone(t *testing.T) {
	withDisks(t, 3, func(k *diskCluster) {
		for _, key := range []string{"deleted", "overwritten", "kept"} {
			k.Engines[0].Shared().Set(key, []byte("old"))
		}
		k.WaitConverged()
		pause(2 * time.Second)
		k.kill(2)
		k.Engines[0].Shared().Delete("deleted")
		k.Engines[1].Shared().Set("overwritten", []byte("new"))
		pause(2 * time.Minute)
		k.Restart(2)
		pause(time.Minute)
		k.WaitConverged()
		for i := range k.Engines {
			k.reads(i, map[string]string{"deleted": "-", "overwritten": "new", "kept": "old"})
		}
		if n := k.Engines[2].Shared().Adopted(); n != 0 {
			t.Errorf("%d claims were adopted from who lives", n)
		}
	})
}

// Who was away for longer than deletes are remembered drops what the disk has of shared keys, and
// says so.
func TestSharedKeysFromDiskGrowOld(t *testing.T) {
	withDisks(t, 2, func(k *diskCluster) {
		k.Engines[0].Shared().Set("k", []byte("v"))
		k.Engines[1].Set("own", []byte("v"))
		k.WaitConverged()
		pause(2 * time.Second)
		k.kill(0, 1)
		pause(7 * time.Minute)
		k.Restart(1)
		pause(time.Minute)
		k.reads(1, map[string]string{"k": "-"})
		if _, _, ok := k.Engines[1].Get("node-1", "own"); !ok || !k.log.has("shared keys are dropped") {
			t.Errorf("own keys are here: %v; dropped keys are told: %v", ok, k.log.has("shared keys are dropped"))
		}
	})
}

// A shared value that ends does so though its only member was started anew meanwhile.
func TestSharedEndsOutliveARestart(t *testing.T) {
	withDisks(t, 1, func(k *diskCluster) {
		k.Engines[0].Shared().SetTTL("k", []byte("v"), time.Minute)
		k.Engines[0].Shared().Set("l", []byte("v"))
		pause(2 * time.Second)
		k.kill(0)
		pause(10 * time.Second)
		k.Restart(0)
		pause(time.Second)
		k.reads(0, map[string]string{"k": "v", "l": "v"})
		pause(time.Minute)
		k.reads(0, map[string]string{"k": "-", "l": "v"})
	})
}

// What is written while the disk's shared keys are not said again yet is above them: forced writes,
// first ones, sums, and with a clock that was set back.
func TestSharedWritesAreAboveTheDisk(t *testing.T) {
	withDisks(t, 2, func(k *diskCluster) {
		a := k.Engines[1].Shared()
		a.Skew(400 * time.Millisecond)
		a.Set("set", []byte("old"))
		a.Force("forced", []byte("old"))
		a.SetOnce("once", []byte("old"))
		a.SetTTL("ended", []byte("old"), 5*time.Second)
		a.Add("sum", 5)
		k.Engines[0].Shared().Add("sum", 2)
		k.WaitConverged()
		pause(2 * time.Second)
		k.kill(0, 1)
		pause(10 * time.Second)
		k.Restart(1)
		b := k.Engines[1].Shared()
		b.Skew(-12 * time.Second) // behind what it wrote in its former life, by less than the bound
		for _, key := range []string{"set", "forced"} {
			if _, err := b.Set(key, []byte("new")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.SetOnce("once", []byte("new")); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("a first write beside one that is on the disk: %v", err)
		}
		if _, err := b.SetOnce("ended", []byte("new")); err != nil {
			t.Errorf("a first write after one that has ended: %v", err)
		}
		if sum, _, err := b.Add("sum", 1); err != nil || sum < 6 {
			t.Errorf("added to what the disk has: %d %v", sum, err)
		}
		k.reads(1, map[string]string{"set": "new", "forced": "new", "once": "-", "ended": "new"})
		pause(time.Minute)
		k.reads(1, map[string]string{"set": "new", "forced": "new", "once": "old", "ended": "new"})
		if sum, _ := b.Sum("sum"); sum != 8 {
			t.Errorf("the sum is %d", sum)
		}
	})
}
