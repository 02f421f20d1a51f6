package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/codec"
)

// author is a member with large values alone, of which each key has one.
type author struct {
	t       *testing.T
	log     *Log
	version uint64
	mu      sync.Mutex
	state   map[string]Record
	acked   map[string]uint64 // versions that are on disk
	settles time.Duration
}

const authorSize = 64 << 10

func (a *author) Settle(uint64) bool {
	time.Sleep(a.settles) // virtual
	return true
}

func (a *author) Walk(yield func(r *Record) bool) (uint64, bool) {
	a.mu.Lock()
	state := slices.SortedFunc(maps.Values(a.state), func(x, y Record) int { return int(x.Version) - int(y.Version) })
	a.mu.Unlock()
	for i := range state {
		if !yield(&state[i]) {
			break
		}
	}
	return 0, true
}

func (a *author) Content(s *sum) ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.state {
		var c codec.Content
		if codec.ParseContent(r.Value, &c) == nil && c.Sum == *s {
			return authorContent(r.Version), true
		}
	}
	return nil, false
}

func authorContent(version uint64) []byte {
	b := make([]byte, authorSize)
	binary.BigEndian.PutUint64(b, version)
	return b
}

// start reads a directory, holds it against what was on disk, and goes on there.
func (a *author) start(dir FS, how Sync) error {
	a.t.Helper()
	log, image, err := Open(Options{FS: dir, Cluster: "c", Name: "n", Sync: how, Every: 10 * time.Millisecond})
	if err != nil {
		a.t.Fatal(err)
	}
	a.state = map[string]Record{}
	for _, r := range image.Records {
		var c codec.Content
		if err := codec.ParseContent(r.Value, &c); err != nil {
			a.t.Fatal(err)
		}
		if got, err := log.Value(&c.Sum); err != nil || !bytes.Equal(got, authorContent(r.Version)) {
			a.t.Errorf("%q of %d: %v", r.Key, r.Version, err)
		}
		a.state[string(r.Key)] = r
	}
	for key, version := range a.acked {
		if a.state[key].Version < version {
			a.t.Errorf("%q is of %d, and %d was on disk", key, a.state[key].Version, version)
		}
	}
	a.log, a.version = log, max(a.version, image.Seq)
	if err := log.Begin(image.Generation+1, a.version, nil, a); err != nil {
		log.Close(false, 0)
		return err
	}
	return nil
}

// set writes a large value as an engine does: with Each it is seen once it is on disk.
func (a *author) set(key string, how Sync) error {
	a.version++
	b := authorContent(a.version)
	s := sha256.Sum256(b)
	err := a.log.PutValue(&s, b)
	if err != nil && how == SyncEach {
		return err
	}
	r := Record{Version: a.version, Key: []byte(key), Op: OpContent, Value: codec.AppendContent(nil, &codec.Content{Length: authorSize, Sum: s})}
	show := func() {
		a.mu.Lock()
		a.state[key] = r
		a.mu.Unlock()
	}
	if how != SyncEach {
		show()
	}
	a.log.Offer(AppendRecord(nil, &r), a.version, 0)
	a.log.Placed(&s, a.version)
	if err := a.log.Wait(a.t.Context(), a.version); err != nil && how == SyncEach {
		return err
	} else if err == nil {
		a.acked[key] = a.version
	}
	show()
	return nil
}

// fill takes all room that is left, by contents that nothing refers to.
func fill(dir *memory) {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	room := dir.room
	for _, f := range dir.files {
		room -= len(f.data)
	}
	for n := 0; room > 0; n++ {
		s := sha256.Sum256([]byte{byte(n), byte(n >> 8), 1})
		size := min(room, authorSize)
		dir.files[valueName(&s)] = &memFile{dir: dir, name: valueName(&s), data: make([]byte, size), synced: size}
		room -= size
	}
}

// Contents that were replaced take no room from those that are written: whoever finds the disk full
// waits for a snapshot, and nobody is refused.
func TestReplacedContentsMakeRoom(t *testing.T) {
	for _, how := range []Sync{SyncEach, SyncInterval, SyncNever} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			dir.room = 20 * authorSize
			for range 8 { // lives
				if err := a.start(dir, how); err != nil {
					t.Fatalf("sync %d: %v", how, err)
				}
				for n := range 60 {
					if err := a.set(key(n%8), how); err != nil {
						t.Fatalf("sync %d, version %d: %v", how, a.version, err)
					}
					if a.log.Broken() != nil {
						t.Fatalf("sync %d: %v", how, a.log.Broken())
					}
				}
				last := a.log
				next := dir.killed()
				last.Close(false, 0)
				dir = next
			}
		})
	}
}

// A member that was killed on a full disk starts where what nothing refers to takes the room.
func TestStartOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		dir.room = 20 * authorSize
		if err := a.start(dir, SyncEach); err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			if err := a.set(key(n), SyncEach); err != nil {
				t.Fatal(err)
			}
		}
		next := dir.killed()
		a.log.Close(false, 0)
		fill(next)
		next.files[filePrefix+"-9"+valueEnd+tempEnd] = &memFile{dir: next}
		if err := a.start(next, SyncEach); err != nil {
			t.Fatal(err)
		}
		if err := a.set("more", SyncEach); err != nil {
			t.Fatal(err)
		}
		a.log.Close(false, 0)
	})
}

// Where all that takes the room is in use, a start says so and changes nothing.
func TestStartWhereAllIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncEach); err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			if err := a.set(key(n), SyncEach); err != nil {
				t.Fatal(err)
			}
		}
		full := dir.killed()
		a.log.Close(false, 0)
		for range 3 {
			for _, f := range full.files {
				full.room += len(f.data)
			}
			before := slices.Sorted(maps.Keys(full.files))
			if err := a.start(full, SyncEach); err == nil || !strings.Contains(err.Error(), "no space left on device; free space there") {
				t.Fatal(err)
			}
			if after := slices.Sorted(maps.Keys(full.files)); !slices.Equal(before, after) {
				t.Fatalf("%q, before %q", after, before)
			}
			full.room = 0
		}
		if err := a.start(full, SyncEach); err != nil {
			t.Fatal(err)
		}
		a.log.Close(false, 0)
	})
}

// A log that can't be written any more, since what nothing refers to fills the disk, is written again
// without help, and nothing is lost: not what was refused and may be on disk all the same, either.
func TestAFullDiskIsMended(t *testing.T) {
	for _, how := range []Sync{SyncEach, SyncInterval} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			dir.room = 40 * authorSize
			if err := a.start(dir, how); err != nil {
				t.Fatal(err)
			}
			for n := range 8 {
				if err := a.set(key(n%4), how); err != nil {
					t.Fatal(err)
				}
			}
			refused := false
			dir.setFault(func(call, name string) error { // it is written, and not known to be
				if call == "sync" && strings.HasSuffix(name, logEnd) && !refused {
					refused = true
					return syscall.ENOSPC
				}
				return nil
			})
			if err := a.set(key(0), how); (err != nil) != (how == SyncEach) {
				t.Fatal(err)
			}
			fill(dir)
			killed := dir.killed()
			time.Sleep(5 * time.Minute)
			if err := a.log.Broken(); err != nil {
				t.Fatalf("sync %d: %v", how, err)
			}
			if err := a.set(key(1), how); err != nil {
				t.Fatal(err)
			}
			if err := a.log.Wait(t.Context(), a.version); err != nil {
				t.Fatal(err)
			}
			after := dir.killed()
			a.log.Close(false, 0)
			for _, dir := range []*memory{killed, after} {
				b := &author{t: t, acked: maps.Clone(a.acked)}
				if dir == killed {
					delete(b.acked, key(1))
				}
				if err := b.start(dir, how); err != nil {
					t.Fatal(err)
				}
				b.log.Close(false, 0)
			}
		})
	}
}

// What is refused leaves nothing behind.
func TestRefusedContentsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncEach); err != nil {
			t.Fatal(err)
		}
		defer a.log.Close(false, 0)
		dir.setFault(noValues)
		for n := range 100 {
			if err := a.set(key(n), SyncEach); !full(err) {
				t.Fatal(err)
			}
		}
		if n := len(a.log.late); n != 0 {
			t.Errorf("%d are remembered", n)
		}
	})
}

// noValues is the fault of a disk that has no room for a content.
func noValues(call, name string) error {
	if call == "create" && strings.Contains(name, valueEnd) {
		return syscall.ENOSPC
	}
	return nil
}

// A log that found no room when it was begun, and did then, is no gap between others: a member that is
// killed before there is a snapshot has the generation still.
func TestALogBegunTwiceIsNoGap(t *testing.T) {
	for _, call := range []string{"create", "write", "sync"} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			if err := a.start(dir, SyncEach); err != nil {
				t.Fatal(err)
			}
			defer a.log.Close(false, 0)
			if err := a.set("k", SyncEach); err != nil {
				t.Fatal(err)
			}
			failed := false
			dir.setFault(func(c, name string) error {
				switch {
				case c == "create" && strings.Contains(name, snapEnd):
					return syscall.ENOSPC
				case c == call && !failed && strings.HasSuffix(name, logEnd) && name != numbered(1, logEnd):
					failed = true
					return syscall.ENOSPC
				}
				return nil
			})
			a.log.mu.Lock()
			a.log.crowded = true
			a.log.mu.Unlock()
			a.log.rouse()
			time.Sleep(time.Second)
			if err := a.set("k", SyncEach); err != nil {
				t.Fatal(err)
			}
			left := dir.killed()
			log, image, err := Open(Options{FS: left, Cluster: "c", Name: "n", Sync: SyncEach})
			if err != nil {
				t.Fatal(err)
			}
			log.Close(false, 0)
			if !failed || !image.Keeps {
				t.Errorf("%s of a log: failed %v, keeps %v", call, failed, image.Keeps)
			}
		})
	}
}

// While no snapshot comes about, those who find no room for their contents begin no log after the other.
func TestRefusedContentsBeginNoLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncEach); err != nil {
			t.Fatal(err)
		}
		defer a.log.Close(false, 0)
		logs := 0
		dir.setFault(func(call, name string) error {
			switch {
			case call == "create" && strings.HasSuffix(name, logEnd):
				logs++
			case call == "create" && strings.Contains(name, snapEnd):
				return syscall.EIO
			}
			return noValues(call, name)
		})
		for n := range 300 {
			if err := a.set(key(n), SyncEach); !full(err) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		dir.setFault(nil)
		if logs > 20 {
			t.Errorf("%d logs were begun in %v", logs, 300*time.Second)
		}
	})
}

// Contents that nothing refers to give their room to a snapshot that has none itself.
func TestASnapshotTakesTheRoomOfWhatIsUnused(t *testing.T) {
	for _, how := range []Sync{SyncEach, SyncInterval} {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			dir.room = 10 * authorSize
			if err := a.start(dir, how); err != nil {
				t.Fatal(err)
			}
			defer func() { a.log.Close(false, 0) }()
			for n := range 3 {
				if err := a.set(key(n), how); err != nil {
					t.Fatal(err)
				}
			}
			fill(dir) // a snapshot has no byte
			dir.mu.Lock()
			dir.room += fileHead + 40 // but a log has
			dir.mu.Unlock()
			if err := a.set(key(0), how); err != nil {
				t.Errorf("sync %d: %v", how, err)
			}
			if err := a.log.Broken(); err != nil {
				t.Errorf("sync %d: %v", how, err)
			}
			(&author{t: t, acked: maps.Clone(a.acked)}).looks(dir.killed(), how)
		})
	}
}

// What is known to be on disk is there after a loss of power, though what replaced it may have been on
// disk, and was not known to be, when contents were removed for want of room.
func TestWhatMayBeReplacedIsKept(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
			if err := a.start(dir, SyncInterval); err != nil {
				t.Fatal(err)
			}
			defer func() { a.log.Close(false, 0) }()
			for n := range 4 {
				if err := a.set(key(n), SyncInterval); err != nil {
					t.Fatal(err)
				}
			}
			dir.setFault(func(call, name string) error {
				if call == "sync" && strings.HasSuffix(name, logEnd) || call == "create" && !strings.Contains(name, valueEnd) {
					return syscall.ENOSPC
				}
				return nil
			})
			if err := a.set(key(0), SyncInterval); !full(err) && err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			lost := dir.lose(rand.New(rand.NewPCG(seed, 15)))
			(&author{t: t, acked: maps.Clone(a.acked)}).looks(lost, SyncInterval)
		})
	}
}

// A writer does not wait for room as long as a snapshot may take.
func TestRoomIsAwaitedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}, settles: 10 * time.Minute}
		if err := a.start(dir, SyncEach); err != nil {
			t.Fatal(err)
		}
		defer a.log.Close(false, 0)
		dir.setFault(noValues)
		began := time.Now()
		if err := a.set("k", SyncEach); !full(err) || time.Since(began) > 2*roomMost {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
