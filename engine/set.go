package engine

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/sched"
)

// A set is a view, as a counter is: who adds an element says so in a part of their own, a
// shared key with an empty value. It is in the set while one part says so. Who removes it
// deletes the parts that they know, each just above what it was, so that who adds it at the
// same time, or again, wins.

// SetBytesMax is the most that the name of a set and an element may have together.
const SetBytesMax = SharedKeyBytesMax - setHead

const setHead = partHead + 2 // a zero byte, which begins no counter's name, and the length of the set's

// sets are who has added what, by set and element.
type sets struct {
	mu sync.RWMutex
	of map[string]map[string][]share.Author
}

// setKey is the key of a part of a set in a log.
func setKey(dst []byte, author share.Author, set, element string) []byte {
	dst = append(partKey(dst, author, ""), 0, byte(len(set)))
	return append(append(dst, set...), element...)
}

// parseSetPart takes a shared key apart, if it is a part of a set.
func parseSetPart(k []byte) (set, element string, ok bool) {
	if len(k) <= setHead || k[partHead] != 0 {
		return "", "", false
	}
	n := setHead + int(k[setHead-1])
	if n == setHead || n >= len(k) {
		return "", "", false
	}
	return string(k[setHead:n]), string(k[n:]), true
}

func (s *Shared) checkSet(set, element string) error {
	switch n := len(set) + len(element); {
	case len(set) == 0 || len(element) == 0 || set[0] == codec.ReservedPrefix:
		return ErrKey
	case n > SetBytesMax:
		return &SizeError{What: "name of a set and element together", Bytes: n, Limit: SetBytesMax}
	}
	return nil
}

// Insert adds an element to a set. Who removes it without having seen this leaves it in, even
// if their clock is ahead. Errors as for Set.
func (s *Shared) Insert(set, element string) (Version, error) {
	if err := cmp.Or(s.checkSet(set, element), s.e.refuses()); err != nil {
		return Version{}, err
	}
	return s.e.staged(s.stagePart(set, element, s.self, func(c, now *share.Claim) error {
		c.Epoch = now.Epoch
		c.Stamp = s.clock.Next(s.wall()) // a delete may be just above what was: this is above it
		return nil
	}))
}

// Remove takes an element out of a set, as far as this member knows that it was added: what
// others add at the same time stays. It gives the version of the last write, for WaitVersion.
// Errors as for Set; then a part may be removed.
func (s *Shared) Remove(set, element string) (Version, error) {
	if err := cmp.Or(s.checkSet(set, element), s.e.refuses()); err != nil {
		return Version{}, err
	}
	s.settled()
	s.sets.mu.RLock()
	authors := slices.Clone(s.sets.of[set][element])
	s.sets.mu.RUnlock()
	v := s.e.stage.last()
	for _, a := range authors {
		var err error
		if v, err = s.e.staged(s.stagePart(set, element, a, removal(s.self))); err != nil {
			return Version{}, err
		}
	}
	if !s.e.runs.Load() {
		return Version{}, ErrClosed
	}
	return v, nil
}

// removal claims to have deleted what is there, and nothing newer.
func removal(self share.Author) claimFunc {
	return func(c, now *share.Claim) error {
		*c = *now
		if !now.Deleted {
			c.Stamp, c.Author, c.Deleted = now.Stamp+1, self, true
		}
		return nil
	}
}

func (s *Shared) stagePart(set, element string, author share.Author, claim claimFunc) (Version, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stageClaim(setKey(make([]byte, 0, KeyBytesMax), author, set, element), nil, 0, claim)
}

// settled waits until own writes are in the index.
func (s *Shared) settled() {
	if s.e.stage.pending.Load() > 0 {
		s.e.askApplied(func(sched.Instant) {})
	}
}

// Contains reports whether an element is in a set. Own writes that are still staged are
// waited for, a turn or two.
func (s *Shared) Contains(set, element string) bool {
	s.settled()
	s.sets.mu.RLock()
	defer s.sets.mu.RUnlock()
	return s.e.runs.Load() && len(s.sets.of[set][element]) > 0
}

// Elements yields those of a set, in ascending order, as they are at the call. Own writes are
// waited for as by Contains.
func (s *Shared) Elements(set string) iter.Seq[string] {
	s.settled()
	s.sets.mu.RLock()
	defer s.sets.mu.RUnlock()
	if !s.e.runs.Load() {
		return func(func(string) bool) {}
	}
	return slices.Values(slices.Sorted(maps.Keys(s.sets.of[set])))
}

// contains keeps the sets up to date. It runs on the loop; key is that of a part.
func (s *Shared) contains(key []byte, set, element string) {
	var c share.Claim
	_, ok := s.index.Claim(s.index.Owner(key), key, &c)
	author := authorOf(key)
	x := &s.sets
	x.mu.Lock()
	defer x.mu.Unlock()
	list := slices.DeleteFunc(x.of[set][element], func(a share.Author) bool { return a == author })
	if ok && !c.Deleted {
		list = append(list, author)
	}
	switch {
	case len(list) > 0:
		if x.of == nil {
			x.of = map[string]map[string][]share.Author{}
		}
		if x.of[set] == nil {
			x.of[set] = map[string][]share.Author{}
		}
		x.of[set][element] = list
	case x.of[set] != nil:
		if delete(x.of[set], element); len(x.of[set]) == 0 {
			delete(x.of, set)
		}
	}
}
