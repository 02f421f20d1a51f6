package disk

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/codec"
)

// With Interval and Never a full disk refuses no large value, and what was confirmed is there after a
// kill at any time: a content that found no room is not, and what its key held before stays. With room
// all is on disk, and confirmed.
func TestWhatFindsNoRoomIsNotConfirmed(t *testing.T) {
	for _, how := range []Sync{SyncInterval, SyncNever} {
		for seed := range uint64(20) {
			synctest.Test(t, func(t *testing.T) { findsNoRoom(t, how, seed) })
		}
	}
}

func findsNoRoom(t *testing.T, how Sync, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 15))
	dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
	dir.room = (5 + r.IntN(8)) * authorSize
	kept := dir
	for range 6 { // lives
		if err := a.start(dir, how); err != nil {
			t.Fatalf("seed %d, sync %d: %v", seed, how, err)
		}
		for range 40 {
			if err := a.set(key(r.IntN(10)), how); err != nil {
				t.Fatalf("seed %d, sync %d, version %d: %v", seed, how, a.version, err)
			}
			time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
			if r.IntN(20) == 0 {
				(&author{t: t, acked: maps.Clone(a.acked), version: a.version}).looks(dir.killed(), how)
			}
		}
		last := a.log
		kept, dir = dir, dir.killed()
		if r.IntN(2) == 0 { // it ends in order
			last.Close(false, 0)
			dir = kept.killed()
			continue
		}
		last.Close(false, 0)
	}
	dir.room = 0
	if err := a.start(dir, how); err != nil {
		t.Fatal(err)
	}
	a.finishes(dir, how)
}

// looks reads a directory, and ends.
func (a *author) looks(dir *memory, how Sync) {
	a.t.Helper()
	if err := a.start(dir, how); err != nil {
		a.t.Error(err)
		return
	}
	a.log.Close(false, 0)
}

// finishes has room again, and then all on disk.
func (a *author) finishes(dir *memory, how Sync) {
	a.t.Helper()
	if err := a.set("last", how); err != nil {
		a.t.Fatal(err)
	}
	if a.acked["last"] != a.version {
		a.t.Errorf("with room %q of %d is not confirmed", "last", a.version)
	}
	a.log.Close(false, 0)
}

// What found no room is written once there is some, without help, and told.
func TestWhatFoundNoRoomIsWritten(t *testing.T) {
	for _, how := range []Sync{SyncInterval, SyncNever} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			dir.room = 6 * authorSize
			if err := a.start(dir, how); err != nil {
				t.Fatal(err)
			}
			for n := range 12 {
				if err := a.set(key(n), how); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.log.Wait(t.Context(), a.version); !full(err) || !full(a.log.Broken()) {
				t.Errorf("sync %d: %v, %v", how, err, a.log.Broken())
			}
			if len(a.acked) == 0 || len(a.acked) > 6 {
				t.Errorf("sync %d: %d are confirmed", how, len(a.acked))
			}
			time.Sleep(time.Minute)
			dir.mu.Lock()
			dir.room = 0
			dir.mu.Unlock()
			time.Sleep(time.Minute)
			if err := a.log.Wait(t.Context(), a.version); err != nil || a.log.Broken() != nil {
				t.Errorf("sync %d: %v, %v", how, err, a.log.Broken())
			}
			for n := range 12 {
				a.acked[key(n)] = uint64(n + 1)
			}
			(&author{t: t, acked: a.acked}).looks(dir.killed(), how)
			a.log.Close(false, 0)
		})
	}
}

// A version that is not on disk is not said to be there later, though a content that replaced its own
// before that was written did not get there either.
func TestWhatStandsBeforeWhatFoundNoRoom(t *testing.T) {
	for _, how := range []Sync{SyncInterval, SyncNever} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			if err := a.start(dir, how); err != nil {
				t.Fatal(err)
			}
			defer a.log.Close(false, 0)
			set := func() {
				t.Helper()
				if err := a.set("k", how); err != nil {
					t.Fatal(err)
				}
			}
			set()
			dir.setFault(noValues)
			set()
			set()
			for range 5 {
				time.Sleep(retryMost)
				for version := uint64(2); version <= a.version; version++ {
					if err := a.log.Wait(t.Context(), version); !full(err) {
						t.Errorf("sync %d: %d is on disk: %v", how, version, err)
					}
				}
			}
			(&author{t: t, acked: maps.Clone(a.acked)}).looks(dir.killed(), how)
			dir.setFault(nil)
			time.Sleep(2 * retryMost)
			if err := a.log.Wait(t.Context(), 2); err != nil {
				t.Errorf("sync %d: %v", how, err)
			}
		})
	}
}

// A record of a content that was never put, as one that was removed since, is not said to be on disk.
func TestWhatWasNotPutIsNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncInterval); err != nil {
			t.Fatal(err)
		}
		defer a.log.Close(false, 0)
		s := sha256.Sum256(authorContent(1))
		r := Record{Version: 1, Key: []byte("k"), Op: OpContent, Value: codec.AppendContent(nil, &codec.Content{Length: authorSize, Sum: s})}
		a.log.Offer(AppendRecord(nil, &r), 1, 0)
		if err := a.log.Wait(t.Context(), 1); err == nil || a.log.Broken() == nil {
			t.Errorf("%v, %v", err, a.log.Broken())
		}
	})
}

// A content that was on disk and is not written again where the directory was removed is not said to be
// there.
func TestWhatWasRemovedAndFindsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncInterval); err != nil {
			t.Fatal(err)
		}
		defer a.log.Close(false, 0)
		if err := a.set("k", SyncInterval); err != nil || a.acked["k"] != 1 {
			t.Fatal(err)
		}
		gone := false
		dir.setFault(func(call, name string) error {
			switch {
			case call == "sync" && strings.HasSuffix(name, logEnd) && !gone:
				gone = true
				return fs.ErrNotExist
			case call == "create" && strings.Contains(name, valueEnd):
				return syscall.ENOSPC
			}
			return nil
		})
		if err := a.set("other", SyncInterval); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for version := range a.version {
			if err := a.log.Wait(t.Context(), version+1); !full(err) {
				t.Errorf("%d: %v", version+1, err)
			}
		}
		dir.setFault(nil)
		time.Sleep(time.Minute)
		if err := a.log.Wait(t.Context(), a.version); err != nil || a.log.Broken() != nil {
			t.Errorf("%v, %v", err, a.log.Broken())
		}
	})
}
