package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// When another life of a member takes the place of the one that is here, the other has said nothing
// yet. Readers would find nothing until it has. So what the former life wrote stays readable, as an
// echo: a key is that of the newest life that says anything of it, a delete too. An echo is no
// origin: it has no identifier, nobody is sent of it, and it is in no fingerprint and no limit but
// that of memory. It ends when the new life has said something of each of its keys, when there is
// no room for others, or after a while; and where both lives are of one boot, when all is here that
// the new one holds: what that one lacks was deleted, or somebody else made it up.

const (
	echoFor   = 10_000_000_000 // nanoseconds
	echoAlone = 2_000_000_000
	echoesMax = 64  // at once
	echoLook  = 256 // entries that are looked at in a step
	fadedMax  = 256
)

// echo is a former life that readers still see.
type echo struct {
	origin  Origin
	until   int64
	covered uint64 // the new life said something of all keys up to this version
	same    bool   // the life that is here is of the same boot
	alone   int64  // until then no other life has to be here
}

// echoes are those of a store.
type echoes struct {
	list  []echo
	names index         // of the newest echo of a name; others follow by nextEcho
	count atomic.Int32  // readers ask it first
	made  atomic.Uint32 // ever
	next  Origin        // Remove makes one of it
	same  bool          // of that one
	alone int64
	faded []string
}

// Echo lets readers see the entries of an origin that is removed next, because another life of its
// member is here, until that one has said something of each of its keys. Of the same boot is one
// that goes on with all that the former had.
func (s *Store) Echo(o Origin, sameBoot bool) {
	s.echoes.next, s.echoes.same, s.echoes.alone = o, sameBoot, 0
}

// EchoAlone is Echo for an origin of whose end others tell. If another life of its member took its
// place there, that one is here soon; until then readers find what they found.
func (s *Store) EchoAlone(o Origin) {
	s.echoes.next, s.echoes.same, s.echoes.alone = o, false, s.now+echoAlone
}

// resound makes an echo of an origin that is being removed, if it is to be one.
func (s *Store) resound(o Origin, r *origin) {
	asked := s.echoes.next == o
	s.echoes.next = 0
	if !asked {
		return
	}
	if len(s.echoes.list) == echoesMax {
		s.fadeAll()
	}
	if s.echoes.names.dir == nil {
		s.echoes.names.init(echoesMax)
	}
	frag := s.hash(0, s.Name(o))
	s.echoes.names.reserve(frag)
	t, i, head := s.findEcho(frag, s.Name(o))
	atomic.StoreUint64(&r.cleared, uint64(head)) // it is cleared no more
	r.echoes = true
	if head != 0 {
		t.replace(i, frag, uint32(o))
	} else {
		s.echoes.names.insert(frag, uint32(o))
	}
	if !s.echoes.same {
		for i := range s.echoes.list {
			if x := &s.echoes.list[i]; s.sameName(x.origin, o) {
				x.same = false
			}
		}
	}
	s.echoes.list = append(s.echoes.list, echo{origin: o, until: s.now + echoFor, same: s.echoes.same, alone: s.echoes.alone})
	s.echoes.count.Add(1)
	s.echoes.made.Add(1)
}

func (s *Store) sameName(a, b Origin) bool { return string(s.Name(a)) == string(s.Name(b)) }

// endKnown ends the echoes of the boot of an origin, of which all is here that it holds.
func (s *Store) endKnown(o Origin) {
	for i := range s.echoes.list {
		if x := &s.echoes.list[i]; x.same && s.sameName(x.origin, o) {
			x.until = s.now
		}
	}
}

func (s *Store) findEcho(frag uint32, name []byte) (t *table, i int, o Origin) {
	t = s.echoes.names.table(frag)
	for i = t.home(frag); ; i++ {
		var ref uint32
		if i, ref = t.next(i, frag); ref == 0 || string(s.Name(Origin(ref))) == string(name) {
			return t, i, Origin(ref)
		}
	}
}

// echoOf is the newest echo of a name, 0 if there is none. It is for readers.
func (s *Store) echoOf(name []byte) Origin {
	if s.echoes.count.Load() == 0 {
		return 0
	}
	_, _, o := s.findEcho(s.hash(0, name), name)
	return o
}

// Echoing tells whether readers may see keys of a former life of a name.
func (s *Store) Echoing(name []byte) bool { return s.echoOf(name) != 0 }

// nextEcho is the echo before.
func (r *origin) nextEcho() Origin { return Origin(atomic.LoadUint64(&r.cleared)) }

// appendEcho is appendGet for the echoes of a name.
func (s *Store) appendEcho(dst, name, key []byte) (value []byte, meta Meta, ok bool) {
	for o := s.echoOf(name); o != 0; o = s.rec(o).nextEcho() {
		if value, meta, ok = s.appendGet(dst, s.rec(o), key); meta.Version != 0 {
			return value, meta, ok
		}
	}
	return dst, meta, false
}

// walkEchoes calls yield for the keys of former lives of which later ones have said nothing; false:
// it wants no more.
func (s *Store) walkEchoes(name []byte, yield func(key, value []byte, meta Meta) bool) bool {
	pin := s.epochs.pin(hint(name))
	o := s.echoOf(name)
	pin.Add(-1)
	if o == 0 {
		return true
	}
	more := true
	for b := (batch{bytes: make([]byte, 0, rangeBatchBytes)}); more && s.fillEcho(&b, name); {
		at := 0
		for i := range b.items[:b.n] {
			item := &b.items[i]
			mid := at + item.key
			end := mid + item.value
			if s.newestSays(name, b.bytes[at:mid], b.tag) {
				at = end
				continue
			}
			if more = yield(b.bytes[at:mid:mid], b.bytes[mid:end:end], item.meta); !more {
				break
			}
			at = end
		}
	}
	return more
}

// fillEcho copies the next entries of the echoes of a name, one echo after the other; false if
// there are none.
func (s *Store) fillEcho(b *batch, name []byte) bool {
	pin := s.epochs.pin(hint(name))
	defer pin.Add(-1)
	b.bytes, b.n, b.full = b.bytes[:0], 0, false
	o := s.echoOf(name)
	for o != 0 && b.tag != 0 && s.rec(o).tag != b.tag {
		o = s.rec(o).nextEcho()
	}
	for ; o != 0; o = s.rec(o).nextEcho() {
		if s.rec(o).tag != b.tag {
			b.tag, b.after = s.rec(o).tag, 0
		}
		if s.copyLog(b, s.rec(o)); b.n > 0 {
			return true
		}
	}
	return false
}

// newestSays tells whether a life after that of an echo says anything of a key.
func (s *Store) newestSays(name, key []byte, tag uint32) bool {
	pin := s.epochs.pin(hint(key))
	defer pin.Add(-1)
	if o := s.FindName(name); o != 0 && s.says(s.rec(o), key) {
		return true
	}
	for o := s.echoOf(name); o != 0 && s.rec(o).tag != tag; o = s.rec(o).nextEcho() {
		if s.says(s.rec(o), key) {
			return true
		}
	}
	return false
}

func (s *Store) says(r *origin, key []byte) bool {
	_, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key)
	return cell != 0
}

// fade ends the echoes that are over. A few entries are looked at each time.
func (s *Store) fade() {
	for i := 0; i < len(s.echoes.list); {
		x := &s.echoes.list[i]
		if s.rec(x.origin).nextEcho() != 0 || s.now < x.until && !s.isCovered(x) { // what it deleted hides what was before it
			i++
			continue
		}
		s.endEcho(i)
	}
}

// fadeAll ends all echoes: others need their memory.
func (s *Store) fadeAll() {
	for len(s.echoes.list) > 0 {
		s.endEcho(0) // the oldest first
	}
}

// isCovered tells whether the life that is here now has said something of all keys of an echo, or
// there is none any more.
func (s *Store) isCovered(x *echo) bool {
	now := s.FindName(s.Name(x.origin))
	if now == 0 {
		return s.now >= x.alone
	}
	var c Cursor
	s.After(x.origin, x.covered, &c)
	for range echoLook {
		cell := c.cell()
		if cell == 0 {
			return true
		}
		b := s.cells.at(cell)
		at, n, _ := cellSizes(b)
		key := b[at : at+n]
		if cellFlags(b)&codec.EntryTombstone == 0 && !codec.System(key) && !s.says(s.rec(now), key) {
			return false
		}
		x.covered = cellVersion(b)
	}
	return false
}

// hush takes a key out of the echoes of a name when what the present life said of it is dropped:
// what a former life wrote does not come back. It comes before, so that no reader sees that either.
// Shared keys have a Witness.
func (s *Store) hush(name, key []byte) {
	if s.echoes.count.Load() == 0 || codec.Shared(key) {
		return
	}
	for o := s.echoOf(name); o != 0; o = s.rec(o).nextEcho() {
		r := s.rec(o)
		if _, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key); cell != 0 {
			s.log.strike(cellPos(s.cells.at(cell)))
			s.forget(r, cell)
		}
	}
}

// endEcho ends the echo with an index in the list.
func (s *Store) endEcho(i int) {
	o := s.echoes.list[i].origin
	s.echoes.list = append(s.echoes.list[:i], s.echoes.list[i+1:]...)
	name := s.Name(o)
	if len(s.echoes.faded) < fadedMax {
		s.echoes.faded = append(s.echoes.faded, string(name))
	}
	r, frag := s.rec(o), s.hash(0, name)
	t, at, head := s.findEcho(frag, name)
	switch {
	case head != o:
		prev := s.rec(head)
		for prev.nextEcho() != o {
			prev = s.rec(prev.nextEcho())
		}
		atomic.StoreUint64(&prev.cleared, r.cleared)
	case r.nextEcho() != 0:
		t.replace(at, frag, uint32(r.nextEcho()))
	default:
		s.echoes.names.remove(frag, uint32(o))
	}
	s.echoes.count.Add(-1)
	if r.echoes = false; !r.shelved {
		s.dies(o, r)
	}
}

// Faded returns the names of members whose echoes have ended since the last call: what their
// present lives have not said is gone. The writer calls it.
func (s *Store) Faded() (names []string) {
	names, s.echoes.faded = s.echoes.faded, nil
	return names
}
