package disk

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// written is what a key holds since a version.
type written struct {
	version uint64
	value   string
	deleted bool
}

// model is a member that writes: what it would find in its own memory, and the whole
// history of each key.
type model struct {
	t       *testing.T
	log     *Log
	version uint64
	batch   []byte
	mu      sync.Mutex
	now     map[string]written // what was offered and not refused
	all     map[string][]written
	refused map[uint64]bool // may be on disk or not
	settles time.Duration
}

func newModel(t *testing.T) *model {
	return &model{t: t, now: map[string]written{}, all: map[string][]written{}, refused: map[uint64]bool{}}
}

// Settle implements Source: what was offered is in now. It takes its time.
func (m *model) Settle(uint64) bool {
	time.Sleep(m.settles) // virtual
	return true
}

// Walk implements Source.
func (m *model) Walk(yield func(r *Record) bool) (uint64, bool) {
	m.mu.Lock()
	now := maps.Clone(m.now)
	m.mu.Unlock()
	for _, key := range slices.SortedFunc(maps.Keys(now), func(a, b string) int { return int(now[a].version) - int(now[b].version) }) {
		w := now[key]
		r := &Record{Version: w.version, Key: []byte(key), Value: []byte(w.value)}
		if w.deleted {
			r.Op = OpDelete
		}
		if !yield(r) {
			break
		}
	}
	return 0, true
}

// Content implements Source: there is none.
func (*model) Content(*sum) ([]byte, bool) { return nil, false }

// set stages one write; offer hands all staged ones over.
func (m *model) set(key, value string) {
	m.write(&Record{Key: []byte(key), Value: []byte(value)})
}

func (m *model) delete(key string) { m.write(&Record{Key: []byte(key), Op: OpDelete}) }

func (m *model) write(r *Record) {
	m.version++
	r.Version = m.version
	m.batch = AppendRecord(m.batch, r)
	w := written{r.Version, string(r.Value), r.Op == OpDelete}
	m.mu.Lock()
	m.now[string(r.Key)] = w
	m.all[string(r.Key)] = append(m.all[string(r.Key)], w)
	m.mu.Unlock()
}

func (m *model) offer() {
	for !m.log.Offer(m.batch, m.version, 0) {
		time.Sleep(time.Millisecond) // virtual
	}
	m.batch = m.batch[:0]
}

// open reads a directory.
func (m *model) open(o Options) *Image {
	m.t.Helper()
	if o.Cluster == "" {
		o.Cluster, o.Name = "c", "n"
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	log, image, err := Open(o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = log
	m.version = max(m.version, image.Seq)
	return image
}

func (m *model) begin(generation uint64) {
	m.t.Helper()
	if err := m.log.Begin(generation, m.version, nil, m); err != nil {
		m.t.Fatal(err)
	}
}

// check holds an image against what was written: each record is a write that was made,
// and for every key one is there that is not older than the newest at or below durable.
func (m *model) check(i *Image, durable uint64, why string) {
	m.t.Helper()
	found := map[string]written{}
	for _, r := range i.Records {
		w := written{r.Version, string(r.Value), r.Op == OpDelete}
		if !slices.Contains(m.all[string(r.Key)], w) {
			m.t.Fatalf("%s: %q holds %+v, which nobody wrote", why, r.Key, w)
		}
		found[string(r.Key)] = w
	}
	for key, all := range m.all {
		var newest written
		for _, w := range all {
			if w.version <= durable && !m.refused[w.version] {
				newest = w
			}
		}
		switch f := found[key]; {
		case newest.version == 0 || f.version >= newest.version:
		case newest.deleted && f.version == 0:
		case f.version == 0 && slices.ContainsFunc(all, func(w written) bool { return w.deleted && w.version > newest.version }):
		default:
			m.t.Fatalf("%s: %q holds %+v and was %+v at %d, which was on disk", why, key, f, newest, durable)
		}
	}
}

func key(n int) string { return fmt.Sprintf("key-%d", n) }
