package state

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// holdsC is the invariant C(p,q) of the Scuttlebutt paper, equation (2), for one author: each key
// of the author is the same at the replica, or newer than all that the replica knows.
func holdsC(author *Store, a Origin, replica *Store, b Origin) bool {
	var c Cursor
	var mine, theirs codec.Entry
	for author.After(a, 0, &c); c.Next(&mine); {
		if mine.Version > replica.Max(b) {
			continue
		}
		if !replica.Get(b, mine.Key, &theirs) || theirs.Version != mine.Version || !bytes.Equal(theirs.Value, mine.Value) {
			return false
		}
	}
	return true
}

// send applies at most n entries that the receiver lacks, as a run.
func send(from *Store, a Origin, to *Store, b Origin, n int) (sent int) {
	var c Cursor
	var e codec.Entry
	max := from.Max(a)
	for from.After(a, to.Max(b), &c); c.Next(&e); sent++ {
		if sent == n {
			break
		}
		to.Apply(b, &e)
	}
	if sent == n && n > 0 {
		max = to.Last(b)
	}
	to.Advance(b, max, from.Floor(a))
	return sent
}

func newStore(t testing.TB, seed uint64) (*Store, Origin) {
	s := new(Store)
	s.Init(Limits{Origins: 16, Keys: 1 << 16, ValueBytes: 16 << 20}, seed)
	o, status := s.Add(42, 1, []byte("r"))
	if status != OK {
		t.Fatal(status)
	}
	return s, o
}

func set(t testing.TB, s *Store, o Origin, key string, version uint64) {
	if status := s.Apply(o, &codec.Entry{Version: version, Key: []byte(key)}); status != OK {
		t.Fatal(status)
	}
	s.Advance(o, version, 0)
}

// TestPaperFigure1 is the table of Figure 1 of the paper: two replicas with the same max hold
// different versions of a key, exchange nothing, and are repaired by the author.
func TestPaperFigure1(t *testing.T) {
	p, pr := newStore(t, 1)
	q, qr := newStore(t, 2)
	r, rr := newStore(t, 3)
	for i, key := range []string{"a", "b", "c"} {
		set(t, p, pr, key, uint64(1+i))
		set(t, q, qr, key, uint64(11+i))
		set(t, r, rr, key, uint64(21+i))
	}
	for _, x := range []*Store{p, q} {
		if sent := send(r, rr, x, pr, 1); sent != 1 || x.Max(pr) != 21 {
			t.Fatalf("sent %d, max %d, want (a, 21) only", sent, x.Max(pr))
		}
	}
	versions := func(s *Store, want ...uint64) {
		t.Helper()
		for i, key := range []string{"a", "b", "c"} {
			var e codec.Entry
			if !s.Get(1, []byte(key), &e) || e.Version != want[i] {
				t.Errorf("%s is %d, want %d", key, e.Version, want[i])
			}
		}
	}
	versions(p, 21, 2, 3)
	versions(q, 21, 12, 13)
	if !holdsC(r, rr, p, pr) || !holdsC(r, rr, q, qr) {
		t.Error("C(r,p) or C(r,q) does not hold")
	}
	if p.Fingerprint() != q.Fingerprint() || p.Missing(pr, q.Max(qr)) != 0 || q.Missing(qr, p.Max(pr)) != 0 {
		t.Error("p and q do not think that they are equal")
	}
	if n := r.Missing(rr, 21); n != 2 {
		t.Errorf("r has %d for p, want (b, 22) and (c, 23)", n)
	}
	send(r, rr, p, pr, 10)
	versions(p, 21, 22, 23)
	if p.Fingerprint() != r.Fingerprint() {
		t.Error("p and r differ")
	}
}

// TestInvariantUnderTruncatedRuns: an author writes, two replicas learn from it and from each other
// in pieces.
func TestInvariantUnderTruncatedRuns(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	a, o := newStore(t, 1)
	p, _ := newStore(t, 2)
	q, _ := newStore(t, 3)
	for step := range 3000 {
		switch rnd.IntN(4) {
		case 0:
			set(t, a, o, string(rune('a'+rnd.IntN(26))), a.Max(o)+1)
		case 1:
			send(a, o, p, o, 1+rnd.IntN(4))
		case 2:
			send(p, o, q, o, 1+rnd.IntN(4))
		case 3:
			send(q, o, p, o, 1+rnd.IntN(4))
		}
		if !holdsC(a, o, p, o) || !holdsC(a, o, q, o) {
			t.Fatalf("seed %d, step %d: C does not hold", seed, step)
		}
	}
	send(a, o, p, o, 100)
	send(p, o, q, o, 100)
	if a.Fingerprint() != q.Fingerprint() || a.Missing(o, q.Max(o)) != 0 {
		t.Fatalf("seed %d: not equal at the end", seed)
	}
}

func TestFloorAndDirty(t *testing.T) {
	f := func(name string, dirty bool, steps ...[2]uint64) {
		t.Helper()
		s, o := newStore(t, 1)
		for _, step := range steps {
			s.Advance(o, step[0], step[1])
		}
		if s.Dirty(o) != dirty || s.Fingerprint() != s.Recompute() {
			t.Errorf("%s: dirty %v", name, s.Dirty(o))
		}
		clean := s.Fingerprint()
		s.Repaired(o)
		if s.Dirty(o) || s.Fingerprint() != s.Recompute() || dirty && s.Fingerprint() == clean {
			t.Errorf("%s: repair", name)
		}
	}
	f("a joiner catches up under a floor", false, [2]uint64{100, 1000}, [2]uint64{500, 1000}, [2]uint64{1200, 1000})
	f("floor at or below max", false, [2]uint64{100, 0}, [2]uint64{150, 100}, [2]uint64{200, 150})
	f("floor jumps over max", true, [2]uint64{100, 0}, [2]uint64{300, 200})
	f("catching up from one below the floor", true, [2]uint64{100, 1000}, [2]uint64{300, 0})
}

func TestOneVersionOneWrite(t *testing.T) {
	s, o := newStore(t, 1)
	for v := uint64(1); v < 40; v++ {
		set(t, s, o, string(rune('a'+v)), v)
	}
	for v := uint64(1); v < 40; v++ {
		if status := s.ApplyAny(o, &codec.Entry{Version: v, Key: []byte("other")}); status != Old {
			t.Fatalf("version %d for a second key: %v", v, status)
		}
	}
}

func TestStatus(t *testing.T) {
	s, o := newStore(t, 1)
	f := func(want, got Status) {
		t.Helper()
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	f(NoOrigin, s.Apply(0, &codec.Entry{Version: 1}))
	f(NoOrigin, s.Apply(o+1, &codec.Entry{Version: 1}))
	f(NoOrigin, s.Advance(99, 1, 0))
	f(Invalid, s.Apply(o, &codec.Entry{Version: codec.VersionMax + 1}))
	f(Invalid, s.ApplyAny(o, &codec.Entry{}))
	f(Invalid, s.Advance(o, codec.VersionMax+1, 0))
	f(Invalid, s.Apply(o, &codec.Entry{Version: 1, Value: []byte("v")})) // no key
	f(TooLarge, s.Apply(o, &codec.Entry{Version: 1, Key: []byte("k"), Value: make([]byte, codec.EntryBytesMax)}))
	f(TooLarge, s.Apply(o, &codec.Entry{Version: 1, Key: make([]byte, codec.KeyBytesMax+1)}))
	f(OK, s.Apply(o, &codec.Entry{Version: 1, Key: make([]byte, codec.KeyBytesMax), Value: make([]byte, codec.EntryBytesMax-codec.KeyBytesMax)}))
	f(Old, s.Apply(o, &codec.Entry{Version: 1, Key: []byte("k")}))
	_, status := s.Add(0, 1, []byte("x"))
	f(Invalid, status)
	_, status = s.Add(1, 1, nil)
	f(Invalid, status)
	_, status = s.Add(1, 1, make([]byte, codec.NameBytesMax+1))
	f(TooLarge, status)
}
