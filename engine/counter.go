package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
)

// A counter is a view: what a shared key holds as a number, and on top of it a part for
// each member that has added, which that member alone writes. A part is a shared key of
// the engine's own (a zero byte, its author, the name), so it spreads, is adopted and is
// read like the others. It says on which write of the key it stands: whoever sets or
// deletes the key begins anew, and parts of before count no more.

// ErrNotNumber is returned by Add for a shared key that holds no decimal number, or
// where the sum would not fit 64 bits.
var ErrNotNumber = errors.New("engine: shared: not a number of 64 bits")

const (
	partHead  = 1 + 8 // of a part's key
	partBytes = 8 + 4 + 8 + 8
	// CounterKeyBytesMax is the longest name of a counter.
	CounterKeyBytesMax = SharedKeyBytesMax - partHead
)

// part is what one member has added, and to which write.
type part struct {
	count int64
	base  SharedVersion
}

// counters are the parts of all counters, by name and author.
type counters struct {
	some  atomic.Bool // somebody has added
	mu    sync.RWMutex
	parts map[string]map[share.Author]part
}

// partKey is a part's key in a log.
func partKey(dst []byte, author share.Author, key string) []byte {
	dst = append(append(dst, codec.SharedPrefix...), 0)
	return append(binary.BigEndian.AppendUint64(dst, uint64(author)), key...)
}

// authorOf is whose a part is, by its key in a log.
func authorOf(key []byte) share.Author {
	return share.Author(binary.BigEndian.Uint64(key[len(codec.SharedPrefix)+1:]))
}

// appendPart and parsePart are inverse.
func appendPart(dst []byte, p part) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.count))
	dst = binary.LittleEndian.AppendUint32(dst, p.base.Epoch)
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, p.base.Stamp), p.base.Author)
}

func parsePart(b []byte) (p part, ok bool) {
	if len(b) != partBytes {
		return p, false
	}
	u := binary.LittleEndian.Uint64
	return part{int64(u(b)), SharedVersion{binary.LittleEndian.Uint32(b[8:]), u(b[12:]), u(b[20:])}}, true
}

// compareBases orders the writes that parts stand on.
func compareBases(a, b SharedVersion) int {
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Stamp, b.Stamp), cmp.Compare(a.Author, b.Author))
}

// Add adds to the number in a shared key, which counts as 0 where there is nothing, and
// gives the sum as far as it is known here. Members that add at the same time lose
// nothing of each other, but what they add while another sets or deletes the key may
// count for what was there before; and a member that comes back with an empty replica has to
// join before it adds, or what it adds takes the place of what it had added. Errors:
// ErrNotNumber, ErrMergeRule, and as for Set.
func (s *Shared) Add(key string, by int64) (sum int64, v Version, err error) {
	if len(key) > CounterKeyBytesMax {
		return 0, v, &SizeError{What: "name of a counter", Bytes: len(key), Limit: CounterKeyBytesMax}
	}
	if err := cmp.Or(s.checkSize(key, nil), s.e.refuses()); err != nil {
		return 0, v, err
	}
	if s.rule(key) != nil {
		return 0, v, ErrMergeRule
	}
	sum, v, wake, err := s.stageAdd(key, by)
	v, err = s.e.staged(v, wake, err)
	return sum, v, err
}

// stageAdd makes the part that Add writes and stages it.
func (s *Shared) stageAdd(key string, by int64) (sum int64, v Version, wake bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := partKey(make([]byte, 0, KeyBytesMax), s.self, key)
	value, _, _ := s.known(nil, k)
	own, _ := parsePart(value)
	sum, base, ok := s.sum(key, own)
	if !ok || by > 0 && sum > math.MaxInt64-by || by < 0 && sum < math.MinInt64-by {
		return 0, v, false, ErrNotNumber
	}
	if own.base != base {
		own = part{base: base}
	}
	own.count += by
	s.counters.some.Store(true)
	v, wake, err = s.stageClaim(k, appendPart(nil, own), 0, func(c, now *share.Claim) error {
		c.Epoch = now.Epoch
		return nil
	})
	return sum + by, v, wake, err
}

// Sum is the number that a shared key holds, with all that was added. ok is false where
// nothing was added since it was last set: then Get has what it holds.
func (s *Shared) Sum(key string) (sum int64, ok bool) {
	if !s.counters.some.Load() || len(key) > CounterKeyBytesMax || !s.e.runs.Load() {
		return 0, false
	}
	var room [KeyBytesMax]byte
	var value [partBytes]byte
	b, _, _, _ := s.look(value[:0], partKey(room[:0], s.self, key))
	own, had := parsePart(b)
	sum, base, ok := s.sum(key, own)
	return sum, ok && (had && own.base == base || s.counters.stands(key, base))
}

// stands tells whether somebody has added to a write.
func (x *counters) stands(key string, base SharedVersion) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, p := range x.parts[key] {
		if p.base == base {
			return true
		}
	}
	return false
}

// sum adds up a counter, given this member's own part, and finds the write on which it
// stands. ok is false where the key holds no number.
func (s *Shared) sum(key string, own part) (sum int64, base SharedVersion, ok bool) {
	var room [KeyBytesMax]byte
	value, c, _, here := s.look(nil, logKey(room[:0], key))
	if c.Author != 0 {
		base = sharedVersion(&c)
	}
	x := &s.counters
	x.mu.RLock()
	defer x.mu.RUnlock()
	is := base
	if c.Author == 0 { // nothing, or a delete that was forgotten: the newest that parts know
		base = own.base
		for author, p := range x.parts[key] {
			if author != s.self && compareBases(p.base, base) > 0 {
				base = p.base
			}
		}
	}
	if here && is == base {
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			return 0, base, false
		}
		sum = n
	}
	if own.base == base {
		sum += own.count
	}
	for author, p := range x.parts[key] {
		if author != s.self && p.base == base {
			sum += p.count
		}
	}
	return sum, base, true
}

// counts keeps the parts up to date. It runs on the loop; key is that of a part.
func (s *Shared) counts(key []byte) {
	k := key[len(codec.SharedPrefix):]
	if len(k) < partHead {
		return
	}
	if set, element, ok := parseSetPart(k); ok {
		s.contains(key, set, element)
		return
	}
	author := authorOf(key)
	name := string(k[partHead:])
	var c share.Claim
	rest, ok := s.index.Claim(s.index.Owner(key), key, &c)
	p, ok2 := parsePart(rest)
	x := &s.counters
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case ok && ok2 && !c.Deleted:
		if x.parts == nil {
			x.parts = map[string]map[share.Author]part{}
		}
		if x.parts[name] == nil {
			x.parts[name] = map[share.Author]part{}
		}
		x.parts[name][author] = p
		x.some.Store(true)
	case x.parts[name] != nil:
		if delete(x.parts[name], author); len(x.parts[name]) == 0 {
			delete(x.parts, name)
		}
	}
}
