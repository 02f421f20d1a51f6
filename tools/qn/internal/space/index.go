package space

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// bucketBits is how many bits of a name's hash choose its place. The number of buckets never
// changes, so that a cursor, which is the number of the next bucket, stays good while keys come and
// go.
const bucketBits = 16

// index knows the names of all keys, for those who list them, and when keys with a lifetime end.
type index struct {
	seed    maphash.Seed
	mu      sync.RWMutex
	keys    int
	buckets [1 << bucketBits][]item
	dues    dues
}

// Name is a key and whose it is.
type Name struct{ Member, Key string }

// item is a key with what came here of it last.
type item struct {
	Name
	Arrival
}

// Arrival is how a version of a key came here.
type Arrival struct {
	Version engine.Version
	At      time.Time
	From    string // who brought it; "": it was written here, or that is not known
}

func newIndex(seed maphash.Seed) *index { return &index{seed: seed, dues: dues{of: map[Name]due{}}} }

func (x *index) bucket(n Name) *[]item {
	var h maphash.Hash
	h.SetSeed(x.seed)
	h.WriteString(n.Member)
	h.WriteByte('/')
	h.WriteString(n.Key)
	return &x.buckets[h.Sum64()>>(64-bucketBits)]
}

// endSlack is how much earlier than here another member may see a lifetime end.
const endSlack = 50 * time.Millisecond

// note keeps up with a change, which somebody brought. It reports whether a key went because its
// lifetime was over.
func (x *index) note(u *engine.Update, from string, now time.Time) (expired bool) {
	n := Name{u.Member, u.Key}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tidy(now)
	b, at := x.find(n)
	if at >= 0 && u.Meta.Version.Compare((*b)[at].Version) < 0 {
		return false // own writes are noted before they are told
	}
	d, ends := x.dues.of[n]
	if ends && (u.Deleted || d.version.Compare(u.Meta.Version) < 0) {
		delete(x.dues.of, n)
	}
	switch {
	case u.Deleted && at >= 0:
		x.drop(b, at)
	case !u.Deleted && at < 0:
		*b = append(*b, item{n, Arrival{u.Meta.Version, now, from}})
		x.keys++
	case !u.Deleted && (*b)[at].Version != u.Meta.Version: // else it is told again
		(*b)[at].Arrival = Arrival{u.Meta.Version, now, from}
	}
	if u.Meta.TTL > 0 && u.Meta.Lease == 0 && !u.Deleted { // a lease may be renewed
		if _, ok := x.dues.of[n]; !ok {
			x.dues.set(n, u.Meta.Version, now.Add(u.Meta.TTL-u.Meta.Age))
		}
	}
	return u.Deleted && ends && d.at.Sub(now) < endSlack
}

// find returns the bucket of a key and its place there, -1 if it is not.
func (x *index) find(n Name) (b *[]item, at int) {
	b = x.bucket(n)
	for i := range *b {
		if (*b)[i].Name == n {
			return b, i
		}
	}
	return b, -1
}

// drop removes a key from its bucket.
func (x *index) drop(b *[]item, at int) {
	last := len(*b) - 1
	(*b)[at] = (*b)[last]
	(*b)[last] = item{}
	*b = (*b)[:last]
	x.keys--
}

// tidy removes keys that are over. The mutex is held.
func (x *index) tidy(now time.Time) {
	for n, v, ok := x.dues.over(now); ok; n, v, ok = x.dues.over(now) {
		if b, at := x.find(n); at >= 0 && (*b)[at].Version == v {
			x.drop(b, at)
		}
	}
}

// read locks the index for a reader, who finds nothing that is over for long.
func (x *index) read() {
	x.mu.RLock()
	if now := time.Now(); len(x.dues.next) > 0 && now.Sub(x.dues.next[0].at) > endGrace {
		x.mu.RUnlock()
		x.mu.Lock()
		x.tidy(now)
		x.mu.Unlock()
		x.mu.RLock()
	}
}

// forget drops all keys of a member.
func (x *index) forget(member string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.buckets {
		b := x.buckets[i]
		kept := b[:0]
		for _, it := range b {
			if it.Member != member {
				kept = append(kept, it)
				continue
			}
			x.keys--
			delete(x.dues.of, it.Name)
		}
		clear(b[len(kept):])
		x.buckets[i] = kept
	}
}

// left is how much of a lifetime is left, as far as is known.
func (x *index) left(member, key string, m *engine.Meta, now time.Time) time.Duration {
	x.mu.RLock()
	d, ok := x.dues.of[Name{member, key}]
	x.mu.RUnlock()
	if !ok || d.version != m.Version {
		return m.TTL - m.Age // it has just come
	}
	return max(0, d.at.Sub(now))
}

// Len is the number of keys of all members.
func (s *Space) Len() int {
	s.index.read()
	defer s.index.mu.RUnlock()
	return s.index.keys
}

// Ending is the number of keys that have a lifetime.
func (s *Space) Ending() int {
	s.index.read()
	defer s.index.mu.RUnlock()
	return len(s.index.dues.of)
}

// Scan lists keys from a cursor on, 0 at the beginning: at least count, if there are so many, and
// then up to the end of a bucket. next is the cursor to go on with, 0 at the end. A key that is
// there during the whole walk is listed exactly once.
func (s *Space) Scan(cursor uint64, count int) (names []Name, next uint64) {
	x := s.index
	x.read()
	defer x.mu.RUnlock()
	for ; cursor < uint64(len(x.buckets)); cursor++ {
		if len(names) >= count {
			return names, cursor
		}
		for _, it := range x.buckets[cursor] {
			names = append(names, it.Name)
		}
	}
	return names, 0
}

// Any is one key, chosen by chance; false if there is none.
func (s *Space) Any() (Name, bool) {
	x := s.index
	x.read()
	defer x.mu.RUnlock()
	from := rand.IntN(len(x.buckets))
	for i := range x.buckets {
		if b := x.buckets[(from+i)%len(x.buckets)]; len(b) > 0 {
			return b[rand.IntN(len(b))].Name, true
		}
	}
	return Name{}, false
}

// Writer is the newest version of a key that is known here, and who wrote it, "" if that is not
// known.
func (s *Space) Writer(member, key string) (v engine.Version, writer string) {
	if member != "" {
		a, _ := s.Learned(member, key)
		return a.Version, member
	}
	_, w, _ := s.eng.Shared().Get(key)
	for m := range s.eng.Members() {
		if s.eng.Shared().Author(m.Name) == w.Author {
			writer = m.Name
		}
	}
	return sharedVersion(w), writer
}

// Learned is the newest version of a key here, when it came, and from whom.
func (s *Space) Learned(member, key string) (a Arrival, ok bool) {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	if b, at := s.index.find(Name{member, key}); at >= 0 {
		return (*b)[at].Arrival, true
	}
	return a, false
}
