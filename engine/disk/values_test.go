package disk

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
)

// What was replaced does not fill the disk: contents count for what a snapshot would free, though the
// records that refer to them are short.
func TestReplacedContentsGo(t *testing.T) {
	const size, writes = 256 << 10, 400
	synctest.Test(t, func(t *testing.T) {
		dir, m := newMemory(), newModel(t)
		m.open(Options{FS: dir, Sync: SyncEach})
		m.begin(7)
		defer m.log.Close(false, 0)
		held, most := func() (n int64) {
			names, _ := dir.List()
			for _, name := range names {
				if strings.HasSuffix(name, valueEnd) {
					n += size
				}
			}
			return n
		}, int64(0)
		b := make([]byte, size)
		for n := range writes {
			var s sum
			binary.BigEndian.PutUint64(s[:], uint64(n))
			if err := m.log.PutValue(&s, b); err != nil {
				t.Fatal(err)
			}
			m.set("k", "refers to it")
			m.log.Placed(&s, m.version)
			m.offer()
			if err := m.log.Wait(t.Context(), m.version); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			most = max(most, held())
		}
		if most > 4*contentsMin {
			t.Errorf("%d MiB of %d that were written are kept, and nothing refers to them", most>>20, writes*size>>20)
		}
	})
}

// What is known to be on disk is there after a loss of power.
func TestContentsAndALossOfPower(t *testing.T) {
	for _, how := range []Sync{SyncEach, SyncInterval} {
		for seed := range uint64(10) {
			synctest.Test(t, func(t *testing.T) {
				dir, a := newMemory(), &author{t: t, acked: map[string]uint64{}}
				if err := a.start(dir, how); err != nil {
					t.Fatal(err)
				}
				defer func() { a.log.Close(false, 0) }()
				for n := range 4 {
					if err := a.set(key(n%3), how); err != nil {
						t.Fatal(err)
					}
				}
				lost := dir.lose(rand.New(rand.NewPCG(seed, 15)))
				(&author{t: t, acked: maps.Clone(a.acked)}).looks(lost, how)
			})
		}
	}
}

// An offer does not wait for a snapshot that removes contents.
func TestOfferWhileContentsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := slowRemoves{newMemory(), make(chan struct{}), make(chan struct{})}
		a := &author{t: t, acked: map[string]uint64{}}
		if err := a.start(dir, SyncInterval); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := a.set("k", SyncInterval); err != nil {
				t.Fatal(err)
			}
		}
		a.log.mu.Lock()
		a.log.crowded = true
		a.log.mu.Unlock()
		a.log.rouse()
		<-dir.removes
		offered := make(chan struct{})
		go func() {
			defer close(offered)
			r := a.state["k"]
			r.Version = a.version + 1
			a.log.Offer(AppendRecord(nil, &r), r.Version, 0)
		}()
		<-offered // or never
		close(dir.goOn)
		go func() {
			for range dir.removes {
			}
		}()
		if err := a.log.Wait(t.Context(), a.version+1); err != nil {
			t.Error(err)
		}
		a.log.Close(false, 0)
		close(dir.removes)
	})
}

// slowRemoves is a directory that tells when a content is to be removed, and then waits.
type slowRemoves struct {
	*memory
	removes, goOn chan struct{}
}

func (m slowRemoves) Remove(name string) error {
	if strings.HasSuffix(name, valueEnd) {
		m.removes <- struct{}{}
		<-m.goOn
	}
	return m.memory.Remove(name)
}
