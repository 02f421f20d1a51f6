package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What was closed in order comes back whole, and its generation may be kept; unless the
// member said that it leaves.
func TestCloseInOrder(t *testing.T) {
	for _, left := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { closeInOrder(t, left) })
	}
}

func closeInOrder(t *testing.T, left bool) {
	dir := Dir(filepath.Join(t.TempDir(), "state"))
	m := newModel(t)
	if i := m.open(Options{FS: dir}); i.Generation != 0 || i.Keeps || len(i.Records) > 0 {
		t.Fatalf("a new directory holds %+v", i)
	}
	m.begin(7)
	m.set("a", "1")
	m.set("b", "2")
	m.set("a", "3")
	m.delete("b")
	m.offer()
	m.log.Know([]Member{{"other", netip.MustParseAddrPort("10.0.0.7:7946")}})
	if err := m.log.Close(left, 0); err != nil {
		t.Fatal(err)
	}
	i := m.open(Options{FS: dir})
	if i.Generation != 7 || i.Seq != 4 || i.Keeps == left || len(i.Members) != 1 || i.Members[0].Name != "other" || len(i.Notes) > 0 {
		t.Fatalf("left %v: %+v", left, i)
	}
	m.check(i, 4, "after a close")
	if deletes := len(i.Records) - 1; (deletes == 1) != i.Keeps {
		t.Errorf("%d deletes, and the generation is kept: %v", deletes, i.Keeps)
	}
	// A start uses the mark up, even one that writes nothing and is killed.
	m.begin(8)
	again := newModel(t)
	m.log.lock.Close() // as the kernel does for a process that was killed
	if i := again.open(Options{FS: dir}); i.Keeps || i.Generation != 8 || i.Seq != 4 {
		t.Errorf("after a start that was killed: %+v", i)
	}
	again.log.Close(false, 0)
	m.log.Close(false, 0) // what was killed has no goroutine
}

// With Each, a process that is killed while it leaves does not keep its generation: others may know
// that this one has left. That holds from the moment on in which they may be told, whatever is
// written after it, and in a log after that.
func TestKilledWhileLeaving(t *testing.T) {
	for _, then := range []string{"nothing", "writes", "another log"} {
		synctest.Test(t, func(t *testing.T) {
			dir, m := newMemory(), newModel(t)
			m.open(Options{FS: dir, Sync: SyncEach})
			m.begin(7)
			m.set("a", "1")
			m.offer()
			if err := m.log.Leaves(t.Context()); err != nil {
				t.Fatal(err)
			}
			switch then {
			case "writes":
				m.set("b", "2")
				m.offer()
				if err := m.log.Wait(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
			case "another log":
				m.log.mu.Lock()
				m.log.missed = true // it makes a snapshot
				m.log.mu.Unlock()
				m.log.rouse()
				synctest.Wait()
			}
			after := newModel(t)
			if i := after.open(Options{FS: dir.lose(rand.New(rand.NewPCG(1, 1))), Sync: SyncEach}); i.Keeps || i.Generation != 7 || i.Seq == 0 {
				t.Errorf("then %s: %+v", then, i)
			}
			after.log.Close(false, 0)
			if err := m.log.Close(false, 0); err != nil { // the leave failed
				t.Fatal(err)
			}
		})
	}
}

// With Each, a process that is killed keeps its generation.
func TestKilledWithEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, m := newMemory(), newModel(t)
		m.open(Options{FS: dir, Sync: SyncEach})
		m.begin(7)
		m.set("a", "1")
		m.offer()
		if err := m.log.Wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		after := newModel(t)
		i := after.open(Options{FS: dir.lose(rand.New(rand.NewPCG(1, 1))), Sync: SyncEach})
		if !i.Keeps || i.Generation != 7 || i.Seq != 1 {
			t.Fatalf("%+v", i)
		}
		m.check(i, 1, "killed")
		after.log.Close(false, 0)
		m.log.Close(false, 0)
	})
}

// file is the only file of the directory whose name ends so.
func file(t *testing.T, dir *memory, end string) *memFile {
	t.Helper()
	names, _ := dir.List()
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, end) })
	if len(names) != 1 {
		t.Fatalf("files: %q", names)
	}
	return dir.files[names[0]]
}

// sample is a directory with a log of many blocks and, if asked, a snapshot, or another log before
// it.
func sample(t *testing.T, snapshot, two bool) (*memory, *model) {
	dir, m := newMemory(), newModel(t)
	m.open(Options{FS: dir, Sync: SyncEach})
	m.log.wanted = snapshot || two
	if two { // logs, because there can't be a snapshot
		m.settles = time.Hour
	}
	m.begin(7)
	for n := range 12 {
		m.set(key(n%5), fmt.Sprint("value ", n))
		if n%3 == 2 {
			m.delete(key(n % 4))
		}
		m.offer()
		if err := m.log.Wait(m.t.Context(), m.version); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	return dir, m
}

// A log that ends anywhere is read up to there, whatever its last bytes are.
func TestTornAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, m := sample(t, false, false)
		whole := file(t, dir, logEnd)
		data := slices.Clone(whole.data)
		seen := uint64(0)
		for end := range len(data) + 1 {
			for _, rest := range [...][]byte{nil, make([]byte, 40), bytes.Repeat([]byte{0xff}, 40)} {
				torn := newMemory()
				torn.files[whole.name] = &memFile{dir: torn, name: whole.name, data: append(slices.Clone(data[:end]), rest...)}
				after := newModel(t)
				i := after.open(Options{FS: torn, Sync: SyncEach})
				m.check(i, 0, fmt.Sprint("torn at ", end))
				if rest == nil && i.Seq < seen {
					t.Fatalf("torn at %d: version %d, and %d when it was shorter", end, i.Seq, seen)
				}
				if seen = max(seen, i.Seq); rest != nil && i.Keeps {
					t.Fatalf("torn at %d, with bytes that are no block, it keeps its generation", end)
				}
				after.log.Close(false, 0)
			}
		}
		if seen != m.version {
			t.Errorf("the longest one has version %d of %d", seen, m.version)
		}
		m.log.Close(false, 0)
	})
}

// A bit that changed costs the block that it is in: it is told, the file is kept aside,
// and the generation is given up.
func TestBitsFlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []string{logEnd, snapEnd, "1" + logEnd} {
			dir, m := sample(t, end == snapEnd, end == "1"+logEnd)
			names, _ := dir.List()
			name := names[slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, end) })]
			data := dir.killed().files[name].data
			for at := range data {
				bad := dir.killed() // a snapshot is under way there
				bad.files[name].data[at] ^= 1 << (at % 8)
				after := newModel(t)
				log, i, err := Open(Options{FS: bad, Cluster: "c", Name: "n", Sync: SyncEach, Every: time.Second})
				if err != nil {
					t.Fatalf("%s, byte %d: %v", end, at, err)
				}
				after.log = log
				m.check(i, 0, fmt.Sprint(end, " byte ", at))
				if i.Keeps {
					t.Fatalf("%s, byte %d: it keeps its generation", end, at)
				}
				after.version = i.Seq
				for _, r := range i.Records {
					after.now[string(r.Key)] = written{r.Version, string(r.Value), false}
				}
				after.begin(9)
				synctest.Wait()
				after.log.Close(false, 0)
				aside, _ := bad.List()
				if len(i.Notes) > 0 != slices.Contains(aside, name+asideEnd) {
					t.Fatalf("%s, byte %d: notes %q, files %q", end, at, i.Notes, aside)
				}
			}
			m.log.Close(false, 0)
		}
	})
}

// Whatever fails and whenever the power goes: what was told to be durable is there, and
// nothing that nobody wrote.
func TestFaults(t *testing.T) {
	for _, how := range []Sync{SyncInterval, SyncNever, SyncEach} {
		rounds := 150
		if testing.Short() {
			rounds = 30
		}
		for round := range rounds {
			seed := uint64(round)*3 + uint64(how)
			synctest.Test(t, func(t *testing.T) { faults(t, how, seed) })
		}
	}
}

func faults(t *testing.T, how Sync, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	why := fmt.Sprintf("sync %d, seed %d", how, seed)
	dir, m := newMemory(), newModel(t)
	for life := range 4 {
		i := m.open(Options{FS: dir, Sync: how, Every: 100 * time.Millisecond})
		m.log.wanted = m.log.wanted || r.IntN(2) == 0
		m.settles = time.Duration(r.IntN(1000)) * time.Millisecond
		m.begin(i.Generation + 1)
		errs := []error{syscall.ENOSPC, syscall.EIO}
		for step := range 40 {
			if r.IntN(8) == 0 {
				rate, err := 1+r.IntN(6), errs[r.IntN(2)]
				n := rand.New(rand.NewPCG(seed, uint64(step)))
				dir.setShort(r.IntN(2) == 0)
				dir.setFault(func(string, string) error {
					if n.IntN(rate) == 0 {
						return err
					}
					return nil
				})
			} else if r.IntN(4) == 0 {
				dir.setFault(nil)
			}
			m.step(r, how)
		}
		durable := m.log.Durable()
		if how == SyncNever {
			durable = 0
		}
		gone := dir.lose(r)
		m.log.Close(false, 0)
		closed := image(t, dir, how)
		m.check(closed, m.log.Durable(), why+", closed")
		if closed.Keeps {
			m.check(closed, m.version, why+", closed in order")
		}
		dir = gone
		m.check(image(t, dir, how), durable, fmt.Sprint(why, ", life ", life))
		m.restart(image(t, dir, how))
	}
}

// step writes a little. With Each, what was refused is not in memory.
func (m *model) step(r *rand.Rand, how Sync) {
	before, from := map[string]written{}, m.version
	for range 1 + r.IntN(4) {
		k := key(r.IntN(6))
		if _, ok := before[k]; !ok {
			before[k] = m.now[k]
		}
		if r.IntN(4) == 0 {
			m.delete(k)
		} else {
			m.set(k, fmt.Sprint("v", m.version))
		}
	}
	m.offer()
	if how == SyncEach && m.log.Wait(m.t.Context(), m.version) != nil {
		m.mu.Lock()
		for v := from + 1; v <= m.version; v++ {
			m.refused[v] = true
		}
		for k, w := range before {
			m.now[k] = w
			if w.version == 0 {
				delete(m.now, k)
			}
		}
		m.mu.Unlock()
	}
	time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond) // virtual
}

// image reads a directory and leaves it as it is.
func image(t *testing.T, dir *memory, how Sync) *Image {
	t.Helper()
	dir.setFault(nil)
	m := newModel(t)
	i := m.open(Options{FS: dir, Sync: how})
	m.log.Close(false, 0)
	return i
}

// restart forgets what was lost.
func (m *model) restart(i *Image) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.all = map[string]written{}, map[string][]written{}
	m.version = i.Seq
	for _, r := range i.Records {
		w := written{r.Version, string(r.Value), r.Op == OpDelete}
		m.now[string(r.Key)], m.all[string(r.Key)] = w, []written{w}
	}
}

// A full disk: with Each writes are refused, else they go on in memory; both are told, and
// once there is space again, everything is on disk.
func TestFullDisk(t *testing.T) {
	for _, how := range []Sync{SyncInterval, SyncEach} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var told []error
			heard := func() []error {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(told)
			}
			dir, m := newMemory(), newModel(t)
			m.open(Options{FS: dir, Sync: how, Changed: func(err error) {
				mu.Lock()
				told = append(told, err)
				mu.Unlock()
			}})
			m.begin(7)
			m.set("a", "1")
			m.offer()
			if err := m.log.Wait(m.t.Context(), m.version); err != nil {
				t.Fatal(err)
			}
			dir.setFault(func(call, _ string) error {
				if call == "write" || call == "create" {
					return syscall.ENOSPC
				}
				return nil
			})
			m.set("b", "2")
			m.offer()
			err := m.log.Wait(m.t.Context(), m.version)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left on device; free space there") {
				t.Fatalf("sync %d: %v", how, err)
			}
			if how == SyncEach {
				delete(m.now, "b") // it was refused
			}
			time.Sleep(time.Minute)
			if told := heard(); len(told) != 1 || m.log.Broken() == nil {
				t.Fatalf("told %v", told)
			}
			dir.setFault(nil)
			time.Sleep(time.Minute)
			if told := heard(); len(told) != 2 || told[1] != nil || m.log.Broken() != nil {
				t.Fatalf("there is space again: told %v", told)
			}
			m.set("c", "3")
			m.offer()
			if err := m.log.Wait(m.t.Context(), m.version); err != nil {
				t.Fatal(err)
			}
			i := image(t, dir.lose(rand.New(rand.NewPCG(1, 1))), how)
			if n := len(i.Records); n != len(m.now) {
				t.Errorf("sync %d: %d keys, not %d", how, n, len(m.now))
			}
			m.check(i, 1, "space again")
			m.log.Close(false, 0)
		})
	}
}

// Logs do not grow for ever: a snapshot takes their place, and a start reads little.
func TestLogsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, m := newMemory(), newModel(t)
		value := strings.Repeat("x", 1000)
		for range 20 { // starts
			i := m.open(Options{FS: dir})
			m.begin(i.Generation + 1)
			for n := range 2000 {
				m.set(key(n%10), value)
				m.offer()
			}
			time.Sleep(2 * time.Second)
			m.log.Close(false, 0)
		}
		total, names := 0, 0
		for _, f := range dir.files {
			total += len(f.data)
			names++
		}
		if total > 3*chainMin || names > logsMax+3 {
			t.Errorf("%d files with %d bytes for %d keys", names, total, len(m.now))
		}
		m.check(image(t, dir, SyncInterval), m.version, "in the end")
	})
}

// A directory that is not ours, or another member's, or in use, is refused with what to do.
func TestOtherDirectories(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		if l, _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
			if err == nil {
				l.Close(false, 0)
			}
		}
	}
	alien := t.TempDir()
	os.WriteFile(filepath.Join(alien, "taxes.txt"), nil, 0o600)
	f(Options{FS: Dir(alien)}, `holds "taxes.txt" and no state of a member; name an empty directory`)
	f(Options{FS: Dir(filepath.Join(alien, "taxes.txt"))}, "is not a directory; name a directory")

	m := newModel(t)
	dir := Dir(t.TempDir())
	m.open(Options{FS: dir})
	m.begin(1)
	f(Options{FS: dir, Cluster: "c", Name: "n"}, fmt.Sprintf("is in use by process %d; end that one", os.Getpid()))
	m.log.Close(false, 0)
	f(Options{FS: dir, Cluster: "c", Name: "m"}, `holds the state of member "n" of cluster "c"; give member "m" of cluster "c" a directory of its own`)

	name := filepath.Join(string(dir), numbered(1, logEnd))
	b, _ := os.ReadFile(name)
	b[8] = 9
	_, n, _ := parseHeader(b)
	if n != 0 {
		t.Error("a head with a wrong checksum is read")
	}
	at := fileHead + 2 // two names of one byte
	binary.LittleEndian.PutUint32(b[at:], crc32.Checksum(b[:at], crcTable))
	os.WriteFile(name, b, 0o600)
	f(Options{FS: dir, Cluster: "c", Name: "n"}, "it has format 9, and this program knows 1; use the program that wrote it, or a later one")
}

// Only the owner can read what is kept.
func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	m := newModel(t)
	m.open(Options{FS: Dir(dir)})
	m.begin(1)
	m.log.Close(false, 0)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v", info.Mode())
	}
}

// Contents live as long as something refers to them.
func TestValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, m := newMemory(), newModel(t)
		m.open(Options{FS: dir})
		m.begin(1)
		content := []byte("a long value")
		s := sha256.Sum256(content)
		if err := m.log.PutValue(&s, content); err != nil {
			t.Fatal(err)
		}
		snapshots := func() {
			for range 3 {
				for range 6 {
					m.set("other", strings.Repeat("x", chainMin/4))
					m.offer()
				}
				time.Sleep(2 * time.Second)
			}
		}
		ref := append([]byte{byte(len(content))}, s[:]...)
		m.write(&Record{Key: []byte("k"), Value: ref, Op: OpContent})
		m.log.Placed(&s, m.version)
		m.now["k"] = written{} // Walk of the model knows no contents
		delete(m.now, "k")
		if got, err := m.log.Value(&s); err != nil || string(got) != string(content) {
			t.Fatalf("%q, %v", got, err)
		}
		snapshots()
		if _, err := m.log.Value(&s); err == nil {
			t.Error("nothing refers to it, and it is still there")
		}
		m.log.Close(false, 0)
	})
}

// A batch is written without what it replaces itself.
func TestReplacedWritesAreLeftOut(t *testing.T) {
	var all, live []byte
	for n, dead := range []bool{true, false, false, true, true, false, true} {
		one := AppendRecord(nil, &Record{Version: uint64(n + 1), Key: []byte(key(n)), Value: make([]byte, n)})
		if dead {
			one[19] |= RecordDead
		} else {
			live = append(live, one...)
		}
		all = append(all, one...)
	}
	if got := appendLive([]byte("x"), all); string(got) != "x"+string(live) {
		t.Errorf("%q, not %q", got, live)
	}
}
