package disk

import (
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

// memory is a directory that forgets what was not synced when its power fails, and whose
// calls fail on demand.
type memory struct {
	mu     sync.Mutex
	files  map[string]*memFile // as every process sees them
	names  map[string]*memFile // as they are found after a loss of power
	locked bool
	fault  func(call, name string) error // nil: it works
	short  bool                          // a write that fails leaves half of it
	room   int                           // bytes of all files; 0: any
}

type memFile struct {
	dir    *memory
	name   string
	data   []byte
	synced int
}

func newMemory() *memory { return &memory{files: map[string]*memFile{}, names: map[string]*memFile{}} }

func (m *memory) fails(call, name string) error {
	if m.fault == nil {
		return nil
	}
	if err := m.fault(call, name); err != nil {
		return &fs.PathError{Op: call, Path: name, Err: err}
	}
	return nil
}

func (m *memory) setFault(f func(call, name string) error) {
	m.mu.Lock()
	m.fault = f
	m.mu.Unlock()
}

func (m *memory) setShort(short bool) {
	m.mu.Lock()
	m.short = short
	m.mu.Unlock()
}

// killed is what is left when a process is killed.
func (m *memory) killed() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemory()
	n.room = m.room
	for name, f := range m.files {
		n.files[name] = &memFile{dir: n, name: name, data: slices.Clone(f.data), synced: len(f.data)}
	}
	n.names = maps.Clone(n.files)
	return n
}

// lose is what is left after a loss of power. Of what was not synced, any part may be.
func (m *memory) lose(r *rand.Rand) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemory()
	names := m.names
	if r.IntN(2) == 0 {
		names = m.files
	}
	for name, f := range names {
		kept := f.synced
		if more := len(f.data) - kept; more > 0 {
			kept += r.IntN(more + 1)
		}
		g := &memFile{dir: n, name: name, data: slices.Clone(f.data[:kept]), synced: kept}
		if r.IntN(4) == 0 { // blocks of a file reach the disk in any order
			for i := f.synced; i < kept; i++ {
				g.data[i] ^= byte(r.IntN(2) * r.IntN(256))
			}
		}
		n.files[name], n.names[name] = g, g
	}
	return n
}

func (m *memory) Path() string { return "/memory" }

func (m *memory) Lock() (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, errLocked
	}
	m.locked = true
	return unlocker{m}, m.fails("lock", "")
}

type unlocker struct{ m *memory }

func (u unlocker) Close() error {
	u.m.mu.Lock()
	u.m.locked = false
	u.m.mu.Unlock()
	return nil
}

func (m *memory) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files)), m.fails("list", "")
}

func (m *memory) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("read", name); err != nil {
		return nil, err
	}
	if f := m.files[name]; f != nil {
		return slices.Clone(f.data), nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("create", name); err != nil {
		return nil, err
	}
	if m.files[name] != nil {
		return nil, fs.ErrExist
	}
	f := &memFile{dir: m, name: name}
	m.files[name] = f
	return f, nil
}

func (m *memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("rename", from); err != nil {
		return err
	}
	f := m.files[from]
	if f == nil {
		return fs.ErrNotExist
	}
	delete(m.files, from)
	m.files[to] = f
	return nil
}

func (m *memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("remove", name); err != nil {
		return err
	}
	if m.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(m.files, name)
	return nil
}

func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails("syncdir", ""); err != nil {
		return err
	}
	m.names = maps.Clone(m.files)
	return nil
}

func (f *memFile) Write(b []byte) (int, error) {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	if err := f.dir.fails("write", f.name); err != nil {
		n := 0
		if f.dir.short {
			n = len(b) / 2
			f.data = append(f.data, b[:n]...)
		}
		return n, err
	}
	if room := f.dir.room; room > 0 {
		for _, g := range f.dir.files {
			room -= len(g.data)
		}
		if len(b) > room {
			f.data = append(f.data, b[:room]...)
			return room, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
		}
	}
	f.data = append(f.data, b...)
	return len(b), nil
}

func (f *memFile) Sync() error {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	if err := f.dir.fails("sync", f.name); err != nil {
		return err
	}
	f.synced = len(f.data)
	return nil
}

func (f *memFile) Close() error {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	return f.dir.fails("close", f.name)
}

var (
	_ FS    = (*memory)(nil)
	_ error = syscall.ENOSPC
)
