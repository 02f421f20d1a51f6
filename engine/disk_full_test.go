package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/disk"
)

// full is a directory whose disk is full, or not.
type full struct {
	disk.Dir
	is *atomic.Bool
}

func (f full) Create(name string) (disk.File, error) {
	if f.is.Load() {
		return nil, syscall.ENOSPC
	}
	file, err := f.Dir.Create(name)
	return fullFile{file, f.is}, err
}

type fullFile struct {
	disk.File
	is *atomic.Bool
}

func (f fullFile) Write(b []byte) (int, error) {
	if f.is.Load() {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return f.File.Write(b)
}

// heard is a log that a test reads.
type heard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *heard) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(b)
}

func (x *heard) logger() *slog.Logger { return slog.New(slog.NewTextHandler(x, nil)) }

func (x *heard) has(s string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Contains(x.b.String(), s)
}

// A full disk is told with what to do. Writes go on in memory, or fail with SyncEach; once
// there is space, everything is on disk.
func TestFullDisk(t *testing.T) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncEach} {
		t.Run(sync.String(), func(t *testing.T) {
			dir, is, log := t.TempDir(), new(atomic.Bool), new(heard)
			e := startWith(t, "a", dir, func(c *engine.Config) {
				c.Disk.Sync, c.Disk.Every = sync, 10*time.Millisecond
				c.Disk.SetFS(full{disk.Dir(dir), is})
				c.Logger = log.logger()
			})
			set(t, e, "before", "v")
			is.Store(true)
			v, err := e.Set("during", []byte("v"))
			if sync == engine.SyncEach {
				if !errors.Is(err, engine.ErrDisk) || !errors.Is(err, syscall.ENOSPC) || !strings.HasSuffix(err.Error(), "no space left on device; free space there") {
					t.Errorf("%v", err)
				}
				if _, err = e.Set("more", nil); !errors.Is(err, engine.ErrDisk) {
					t.Errorf("%v", err)
				}
				if _, err = e.Shared().Set("more", nil); !errors.Is(err, engine.ErrDisk) {
					t.Errorf("%v", err)
				}
			} else if err != nil {
				t.Errorf("%v", err)
			} else if err = e.WaitSynced(t.Context(), v); !errors.Is(err, engine.ErrDisk) {
				t.Errorf("%v", err)
			}
			told := map[engine.Sync]string{engine.SyncInterval: "go on in memory only", engine.SyncEach: "are refused"}[sync]
			eventually(t, "it is told", func() bool { return log.has(told) && log.has("free space there") })
			eventually(t, "the counters tell it", func() bool { return strings.Contains(e.Stats().DiskProblem, "no space left") })
			if _, _, ok := e.Get("a", "before"); !ok {
				t.Error("what was there is not read")
			}
			is.Store(false)
			eventually(t, "it works again", func() bool { return log.has("disk works again") && e.Stats().DiskProblem == "" })
			v = set(t, e, "after", "v")
			if err := e.WaitSynced(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(own(startWith(t, "a", copyDir(t, dir), nil)))
			want := map[engine.Sync]string{engine.SyncInterval: "map[after:v before:v during:v]", engine.SyncEach: "map[after:v before:v]"}[sync]
			if got != want {
				t.Errorf("%s, not %s", got, want)
			}
		})
	}
}

// noValues is a directory that takes no large values, or does.
type noValues struct {
	disk.Dir
	is *atomic.Bool
}

func (f noValues) Create(name string) (disk.File, error) {
	if f.is.Load() && strings.Contains(name, ".value") {
		return nil, syscall.ENOSPC
	}
	return f.Dir.Create(name)
}

// A large value that finds no room is not confirmed, and told: a start finds what its key held before,
// until there is room.
func TestLargeValueOnAFullDisk(t *testing.T) {
	dir, is, log := t.TempDir(), new(atomic.Bool), new(heard)
	large := func(c *engine.Config) {
		c.Secrets, c.Streams = []engine.Secret{engine.NewSecret(1)}, stream.New(stream.Options{PortsTried: 1024})
	}
	a := startWith(t, "a", dir, func(c *engine.Config) {
		large(c)
		c.Disk.Every, c.Logger = 10*time.Millisecond, log.logger()
		c.Disk.SetFS(noValues{disk.Dir(dir), is})
	})
	holds := func(want string) {
		t.Helper()
		again := startWith(t, "a", copyDir(t, dir), large)
		if got, _, ok := again.Get("a", "k"); !ok || string(got) != want {
			t.Errorf("a start finds %d bytes, %v", len(got), ok)
		}
		again.Close()
	}
	first, second := string(value(200_000, 1)), string(value(200_000, 2))
	if err := a.WaitSynced(t.Context(), set(t, a, "k", first)); err != nil {
		t.Fatal(err)
	}
	is.Store(true)
	v := set(t, a, "k", second)
	for range 2 {
		if err := a.WaitSynced(t.Context(), v); !errors.Is(err, engine.ErrDisk) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v", err)
		}
		set(t, a, "small", "v")
	}
	eventually(t, "the counters tell it", func() bool { return strings.Contains(a.Stats().DiskProblem, "no space left") })
	if !log.has("large values are kept in memory only until there is room") {
		t.Error("it is not told")
	}
	if got, _, ok := a.Get("a", "k"); !ok || string(got) != second {
		t.Errorf("in memory are %d bytes, %v", len(got), ok)
	}
	holds(first)
	is.Store(false)
	eventually(t, "it works again", func() bool { return log.has("disk works again") && a.Stats().DiskProblem == "" })
	if err := a.WaitSynced(t.Context(), v); err != nil {
		t.Error(err)
	}
	holds(second)
}

// TestEveryCloseTellsOfTheDisk: whoever closes, first, meanwhile or later, is told that something is missing on disk.
func TestEveryCloseTellsOfTheDisk(t *testing.T) {
	dir, is := t.TempDir(), new(atomic.Bool)
	e := startWith(t, "a", dir, func(c *engine.Config) {
		c.Disk.Sync, c.Disk.Every = engine.SyncInterval, 10*time.Millisecond
		c.Disk.SetFS(full{disk.Dir(dir), is})
	})
	is.Store(true)
	set(t, e, "k", "v")
	errs := make(chan error, 3)
	for range 2 {
		go func() { errs <- e.Close() }()
	}
	err := <-errs
	errs <- e.Close()
	for range 2 {
		if again := <-errs; !errors.Is(err, engine.ErrDisk) || again != err {
			t.Errorf("%v, and another time %v", err, again)
		}
	}
}
