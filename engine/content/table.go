package content

import (
	"bytes"

	"github.com/quidnunc/quidnunc/sched"
)

// Sum is the SHA-256 of a content.
type Sum [32]byte

// Handle names a content of a Table. 0 is none.
type Handle uint32

// Limits bound a Table.
type Limits struct {
	Bytes int           // of contents that are here or on their way
	Each  int           // bytes of one
	Keep  sched.Instant // how long a content stays that nothing refers to
}

// Stats are a Table's counts.
type Stats struct {
	Refs    int // entries that refer to a content
	Here    int // contents that are here
	Missing int // contents that are wanted and not here
	Bytes   int // of contents that are here or on their way
}

// content is one content.
type content struct {
	sum    Sum
	length int
	bytes  []byte // nil: not here
	refs   uint32 // references that want or show it
	holds  uint32 // readers and streams that use its bytes
	coming bool   // its length is counted: somebody fetches it
	here   bool   // an empty content is here too
	short  bool   // it is counted in Table.short
	fresh  uint8  // written here, and its entry may be on the way: so many sweeps ago at most
	frees  int    // bytes of what goes when it is here, of one that is shown in its place
	idle   sched.Instant
}

// Ref says what an entry refers to.
type Ref struct {
	Origin  uint32 // the origin that wrote it: a number that no other origin gets
	Key     []byte
	Version uint64 // of the entry that wants
	Want    Handle
	Shown   uint64 // version of the entry whose content is shown; 0: none
	Show    Handle

	NextVersion uint64 // of an entry between the two, whose content was coming when another took its place
	Next        Handle // so that it is shown however fast it is replaced; 0: none
}

// Table knows contents and references. The zero value is not ready: Init comes first.
type Table struct {
	limits    Limits
	seed      uint64
	contents  []content // by handle; 0 is not used
	free      []Handle
	bySum     index
	refs      []Ref // by number from 1; those with Version 0 are free
	freeRefs  []uint32
	byKey     index
	stats     Stats
	short     int // bytes of what AddShort took
	sweepAt   int // the next to be looked at
	squeezeAt int // likewise
	release   func(bytes []byte)
}

// Init empties the table. release is given the bytes of each content that is
// dropped, when nobody can read them any more.
func (t *Table) Init(l Limits, seed uint64, release func([]byte)) {
	*t = Table{limits: l, seed: seed, release: release, contents: make([]content, 1), refs: make([]Ref, 1)}
}

// Clear lets go of all contents and takes no others. Its counts stay as they were. Who holds a
// content may read and drop it still.
func (t *Table) Clear() {
	stats := t.stats
	t.Init(Limits{Each: -1}, t.seed, t.release)
	t.stats = stats
}

// Stats counts what is here.
func (t *Table) Stats() Stats { return t.stats }

// Find gives the content with a sum and a length, 0 if the table does not know it. An entry
// may name the sum of a content and another length: that is another one, which nobody has.
func (t *Table) Find(sum *Sum, length int) Handle {
	return Handle(t.bySum.find(sum.hash(), func(at uint32) bool {
		return t.contents[at].length == length && t.contents[at].sum == *sum
	}))
}

// Having gives the content with a sum that is here, 0 if none is.
func (t *Table) Having(sum *Sum) Handle {
	return Handle(t.bySum.find(sum.hash(), func(at uint32) bool {
		return t.contents[at].here && t.contents[at].sum == *sum
	}))
}

// hash is a part of the sum: nobody chooses it.
func (s *Sum) hash() uint64 {
	var h uint64
	for i := range 8 {
		h |= uint64(s[i]) << (8 * i)
	}
	return h
}

// Sum is the sum of a content.
func (t *Table) Sum(h Handle) *Sum { return &t.contents[h].sum }

// Length is the length of a content, whether it is here or not.
func (t *Table) Length(h Handle) int { return t.contents[h].length }

// Here tells whether a content's bytes are here.
func (t *Table) Here(h Handle) bool { return t.contents[h].here }

// Coming tells whether somebody fetches a content.
func (t *Table) Coming(h Handle) bool { return t.contents[h].coming }

// Wanted tells whether a reference still wants or shows a content.
func (t *Table) Wanted(h Handle) bool { return t.contents[h].refs > 0 }

// Fits tells whether a content of this length may be here at all.
func (t *Table) Fits(length int) bool { return length <= t.limits.Each }

// know gives the content with a sum and length, and makes it if need be.
func (t *Table) know(sum *Sum, length int, now sched.Instant) Handle {
	if h := t.Find(sum, length); h != 0 {
		return h
	}
	var h Handle
	if n := len(t.free); n > 0 {
		h, t.free = t.free[n-1], t.free[:n-1]
	} else {
		h = Handle(len(t.contents))
		t.contents = append(t.contents, content{})
	}
	t.contents[h] = content{sum: *sum, length: length, idle: now}
	t.bySum.insert(sum.hash(), uint32(h), func(at uint32) uint64 { return t.contents[at].sum.hash() })
	return h
}

// freshSweeps is how many sweeps a content outlasts that was written here, before an entry
// refers to it: the first may be in the turn that applies the entry, before that refers.
const freshSweeps = 2

// Add brings in a content that was written here, and keeps bytes. It is false where there
// is no room; over is how much of what is here its entry is going to replace. The content
// stays until an entry refers to it, or until two sweeps that saw no write on its way.
func (t *Table) Add(sum *Sum, b []byte, over int, now sched.Instant) bool {
	if len(b) > t.limits.Each {
		return false
	}
	h := t.Find(sum, len(b))
	switch {
	case h != 0 && t.contents[h].here:
		t.release(b)
	case h != 0 && t.contents[h].coming: // its room is taken already
		t.arrive(h, b, now)
	case t.stats.Bytes+len(b) > t.limits.Bytes+over:
		return false
	default:
		if h == 0 {
			h = t.know(sum, len(b), now)
		}
		t.arrive(h, b, now)
	}
	t.contents[h].idle, t.contents[h].fresh = now, freshSweeps
	return true
}

// AddShort brings in the value that an entry had of its own before it referred to a content, and
// keeps bytes. It needs none of the room of others, for that may be taken, and be less than its
// length. It is false where so many are kept already.
func (t *Table) AddShort(sum *Sum, b []byte, now sched.Instant) bool {
	h := t.know(sum, len(b), now)
	switch c := &t.contents[h]; {
	case c.here || c.coming:
	case t.short+len(b) > shortLeast+t.limits.Bytes/16:
		return false
	default:
		c.short = true
	}
	t.arrive(h, b, now)
	return true
}

// shortLeast are bytes that AddShort keeps, beside a sixteenth of Limits.Bytes.
const shortLeast = 64 << 10

// Expect takes the room for a content that is going to be fetched. It is false
// where there is none, or where it is here or coming already. What takes the place
// of one that is no shorter has room, one at a time: the sum of all is then above
// the limit by at most the length of one.
func (t *Table) Expect(h Handle) bool {
	c, free := &t.contents[h], t.limits.Bytes-t.stats.Bytes
	if c.here || c.coming || c.length > t.limits.Each || c.length > free && (free < 0 || c.length > free+c.frees) {
		return false
	}
	c.coming = true
	t.stats.Bytes += c.length
	return true
}

// Fail gives the room of a content back whose fetch came to nothing.
func (t *Table) Fail(h Handle) {
	if c := &t.contents[h]; c.coming {
		c.coming = false
		t.stats.Bytes -= c.length
	}
}

// Arrive brings in a content that was fetched, and keeps bytes, which have the
// sum. References that want it show it from now on.
func (t *Table) Arrive(h Handle, b []byte, now sched.Instant) { t.arrive(h, b, now) }

func (t *Table) arrive(h Handle, b []byte, now sched.Instant) {
	c := &t.contents[h]
	if c.here {
		t.release(b)
		return
	}
	switch {
	case c.short:
		t.short += len(b)
	case !c.coming:
		t.stats.Bytes += len(b)
	}
	if c.refs > 0 {
		t.stats.Missing--
	}
	c.bytes, c.here, c.coming, c.idle = b, true, false, now
	t.stats.Here++
}

// Hold gives a content's bytes, which are good until Drop. For whoever copies or
// sends them.
func (t *Table) Hold(h Handle) (b []byte, ok bool) {
	c := &t.contents[h]
	if h == 0 || !c.here {
		return nil, false
	}
	c.holds++
	return c.bytes, true
}

// Drop ends a Hold.
func (t *Table) Drop(h Handle) {
	if int(h) >= len(t.contents) { // Clear came between
		return
	}
	if t.contents[h].holds == 0 {
		panic("content: Drop of what nobody holds")
	}
	t.contents[h].holds--
}

// Of gives what a key of an origin refers to; nil: nothing that is known.
func (t *Table) Of(origin uint32, key []byte) *Ref {
	if r := t.find(origin, key); r != 0 {
		return &t.refs[r]
	}
	return nil
}

func (t *Table) find(origin uint32, key []byte) uint32 {
	return t.byKey.find(t.hashKey(origin, key), func(at uint32) bool {
		return t.refs[at].Origin == origin && bytes.Equal(t.refs[at].Key, key)
	})
}

// hashKey is FNV-1a over a secret start.
func (t *Table) hashKey(origin uint32, key []byte) uint64 {
	h := (t.seed ^ uint64(origin)) * 0x100000001b3
	for _, b := range key {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return h ^ h>>29
}
