package content

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/sched"
)

const keep = 10 * sched.Second

// model is what a Table should say, with nothing clever in it.
type model struct {
	t        *Table
	now      sched.Instant
	entries  map[string]uint64 // newest version of a key
	want     map[string]Sum
	show     map[string]uint64
	here     map[Sum]bool
	released int
	held     []Handle
}

func bodyOf(n int) ([]byte, Sum) {
	b := fmt.Appendf(nil, "%0*d", 10+n*7, n)
	return b, sha256.Sum256(b)
}

func all(*Ref) bool { return true }

// Against a slow model: readers see the newest complete value, and what nothing
// refers to is given back, once, and not while somebody holds it.
func TestTableAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{entries: map[string]uint64{}, want: map[string]Sum{}, show: map[string]uint64{}, here: map[Sum]bool{}}
		var tab Table
		m.t = &tab
		tab.Init(Limits{Bytes: 1 << 20, Each: 1 << 16, Keep: keep}, 7, func([]byte) { m.released++ })
		version := uint64(0)
		arrived := func(s Sum) {
			m.here[s] = true
			for k, w := range m.want {
				if w == s {
					m.show[k] = m.entries[k]
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"refer": func(t *rapid.T) {
				key := fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "key"))
				b, sum := bodyOf(rapid.IntRange(0, 12).Draw(t, "content"))
				version++
				h := tab.Refer(&Entry{Origin: 3, Key: []byte(key), Version: version, Sum: sum, Length: len(b)}, m.now)
				m.entries[key], m.want[key] = version, sum
				if m.here[sum] {
					m.show[key] = version
				}
				if tab.Here(h) != m.here[sum] {
					t.Fatalf("here = %v", tab.Here(h))
				}
			},
			"unrefer": func(t *rapid.T) {
				key := fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "key"))
				tab.Unrefer(3, []byte(key), m.now)
				delete(m.entries, key)
				delete(m.want, key)
				delete(m.show, key)
			},
			"arrive": func(t *rapid.T) {
				b, sum := bodyOf(rapid.IntRange(0, 12).Draw(t, "content"))
				h := tab.Find(&sum, len(b))
				if h == 0 || !tab.Expect(h) {
					return
				}
				if rapid.Bool().Draw(t, "fail") {
					tab.Fail(h)
					return
				}
				tab.Arrive(h, b, m.now)
				arrived(sum)
			},
			"add": func(t *rapid.T) {
				b, sum := bodyOf(rapid.IntRange(0, 12).Draw(t, "content"))
				if tab.Add(&sum, b, 0, m.now) {
					arrived(sum)
				} else {
					t.Fatal("no room")
				}
			},
			"hold": func(t *rapid.T) {
				_, sum := bodyOf(rapid.IntRange(0, 12).Draw(t, "content"))
				if _, ok := tab.Hold(tab.Having(&sum)); ok {
					m.held = append(m.held, tab.Having(&sum))
				}
			},
			"drop": func(t *rapid.T) {
				if n := len(m.held); n > 0 {
					tab.Drop(m.held[n-1])
					m.held = m.held[:n-1]
				}
			},
			"sweep": func(t *rapid.T) {
				m.now += sched.Instant(rapid.IntRange(0, 20).Draw(t, "seconds")) * sched.Second
				tab.Sweep(m.now, 1000, all)
				for s := range m.here {
					if tab.Having(&s) == 0 {
						delete(m.here, s)
					}
				}
			},
			"": func(t *rapid.T) { m.check(t) },
		})
		for len(m.held) > 0 {
			tab.Drop(m.held[0])
			m.held = m.held[1:]
		}
		m.now += 2 * keep
		tab.Sweep(m.now, 1000, func(*Ref) bool { return false })
		tab.Sweep(m.now+2*keep, 1000, all)
		if s := tab.Stats(); s != (Stats{}) {
			t.Fatalf("nothing refers to anything: %+v", s)
		}
	})
}

func (m *model) check(t *rapid.T) {
	for key, v := range m.entries {
		x := m.t.Of(3, []byte(key))
		if x == nil || x.Version != v || *m.t.Sum(x.Want) != m.want[key] {
			t.Fatalf("key %s: %+v, want version %d", key, x, v)
		}
		h, shown := m.t.Shown(x, m.now)
		if shown != m.show[key] {
			t.Fatalf("key %s shows version %d, want %d", key, shown, m.show[key])
		}
		if shown != 0 && !m.t.Here(h) {
			t.Fatalf("key %s shows what is not here", key)
		}
	}
	s := m.t.Stats()
	missing := map[Sum]bool{}
	for _, w := range m.want {
		if !m.here[w] {
			missing[w] = true
		}
	}
	if s.Refs != len(m.entries) || s.Missing != len(missing) || s.Here != len(m.here) {
		t.Fatalf("%+v, want %d references, %d missing, %d here", s, len(m.entries), len(missing), len(m.here))
	}
	for _, h := range m.held {
		if !m.t.Here(h) {
			t.Fatal("a content that is held was dropped")
		}
	}
}

// What does not fit stays missing: nothing is counted for it, and others go on.
func TestLimits(t *testing.T) {
	var tab Table
	tab.Init(Limits{Bytes: 100, Each: 60, Keep: keep}, 1, func([]byte) {})
	refer := func(key string, n int) Handle {
		return tab.Refer(&Entry{Origin: 1, Key: []byte(key), Version: uint64(n), Sum: Sum{byte(n)}, Length: n}, 0)
	}
	a, b, c := refer("a", 50), refer("b", 60), refer("c", 61)
	if !tab.Expect(a) || tab.Expect(a) || tab.Expect(b) || tab.Expect(c) {
		t.Error("50 of 100 bytes fit once, 60 more do not, and 61 never")
	}
	tab.Fail(a)
	if !tab.Expect(b) || tab.Stats().Bytes != 60 {
		t.Errorf("room that was given back is not found: %+v", tab.Stats())
	}
	if tab.Add(&Sum{9}, make([]byte, 50), 0, 0) {
		t.Error("a content of our own goes over the limit")
	}
	tab.Arrive(b, make([]byte, 60), 0)
	tab.Unrefer(1, []byte("b"), 0)
	if !tab.Squeeze(50, 10) || tab.Here(b) {
		t.Error("what nobody needs does not make room")
	}
}

// A content that was written here stays until an entry refers to it, however much room others
// want, and goes when none does after all.
func TestWrittenContentsStay(t *testing.T) {
	var tab Table
	tab.Init(Limits{Bytes: 100, Each: 60, Keep: keep}, 1, func([]byte) {})
	sum := Sum{1}
	if !tab.Add(&sum, make([]byte, 60), 0, 0) || tab.Squeeze(50, 10) || tab.Having(&sum) == 0 {
		t.Error("what was just written makes room for others")
	}
	for range 2 * freshSweeps { // each looks at one of the places
		tab.Sweep(1, 1, all)
	}
	if tab.Having(&sum) == 0 || !tab.Squeeze(50, 10) || tab.Having(&sum) != 0 {
		t.Error("what no entry refers to keeps its room")
	}
	if tab.Add(&sum, make([]byte, 60), 0, 2); !tab.Add(&Sum{2}, make([]byte, 60), 60, 2) || tab.Add(&Sum{3}, make([]byte, 60), 60, 2) {
		t.Error("an overwrite has the room of what it replaces, once")
	}
}

// A version that readers may have seen is not followed by an older one, and a sum with another
// length is another content.
func TestNewestCompleteIsShown(t *testing.T) {
	var tab Table
	tab.Init(Limits{Bytes: 100, Each: 60, Keep: keep}, 1, func([]byte) {})
	refer := func(version uint64, sum byte, n int) Handle {
		return tab.Refer(&Entry{Origin: 1, Key: []byte("k"), Version: version, Sum: Sum{sum}, Length: n}, 0)
	}
	for version := uint64(1); version < 4; version++ {
		h := refer(version, byte(version), 10)
		tab.Expect(h)
		tab.Arrive(h, make([]byte, 10), 0) // nobody looks at the reference
	}
	refer(4, 4, 10)
	if _, shown := tab.Shown(tab.Of(1, []byte("k")), 0); shown != 3 {
		t.Errorf("version %d is shown, 3 was here", shown)
	}
	if lie := refer(5, 3, 11); tab.Here(lie) || tab.Having(&Sum{3}) == lie || tab.Find(&Sum{3}, 10) == lie {
		t.Error("a content has a length that it has not")
	}
}

// TestContentsDoNotAllocate: keys whose values come and go in turn use the places of
// those that went.
func TestContentsDoNotAllocate(t *testing.T) {
	var tab Table
	released := 0
	tab.Init(Limits{Bytes: 1 << 20, Each: 1 << 16, Keep: keep}, 7, func([]byte) { released++ })
	var bodies [32][]byte
	var sums [32]Sum
	for i := range bodies {
		bodies[i], sums[i] = bodyOf(i)
	}
	now, version, key := sched.Instant(1), uint64(0), []byte("key")
	one := func() {
		now, version = now+keep+1, version+1
		i := version % uint64(len(bodies))
		h := tab.Refer(&Entry{Origin: 3, Key: key, Version: version, Sum: sums[i], Length: len(bodies[i])}, now)
		if !tab.Expect(h) {
			t.Fatal("no room")
		}
		tab.Arrive(h, bodies[i], now)
		if _, ok := tab.Hold(h); !ok {
			t.Fatal("it is not here")
		}
		tab.Drop(h)
		tab.Sweep(now+keep+1, 100, all)
	}
	for range 200 {
		one()
	}
	if n := testing.AllocsPerRun(500, one); n != 0 || released < 100 {
		t.Errorf("%v allocations, %d given back", n, released)
	}
}
