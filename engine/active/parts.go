package active

import (
	"cmp"

	"github.com/quidnunc/quidnunc/sched"
)

// Parts keeps a part of each of so many members, where a part that is lost is begun anew: who leaves
// the set is told nothing. A member keeps a [Ticket], which finds that its part is gone. The zero value
// keeps as many as is usual.
type Parts[T any] struct {
	set  Set
	slab Slab[lent[T]]
}

// Ticket is a member's; the zero one stands for no part.
type Ticket struct{ place, stamp uint32 }

type lent[T any] struct {
	part  T
	stamp uint32 // of the only ticket that it is good for
}

// PartBytes is what the set takes for each part, beside the part itself.
const PartBytes = 8 + PlaceBytes

// Footprint is what parts of so many bytes, with what the set takes, take for so many members, of whom
// most have one at once; 0: as many as is usual.
func Footprint(most, members, part int) int { return min(cmp.Or(most, Default), members) * part }

// Init makes the set empty: at most so many parts are in it; 0: as many as is usual.
func (s *Parts[T]) Init(most int) { *s = Parts[T]{}; s.set.Init(cmp.Or(most, Default)) }

// Len is how many parts there are.
func (s *Parts[T]) Len() int { return s.set.Len() }

// Look is the part of a ticket, to be read; nil: it has none.
func (s *Parts[T]) Look(t Ticket) *T {
	if t.place == 0 {
		return nil
	}
	if x := s.slab.At(t.place); x.stamp == t.stamp {
		return &x.part
	}
	return nil
}

// Take is the part of a member that is talked with now. fresh: it had none, and this one is as whoever
// had it last left it, the zero value at first.
func (s *Parts[T]) Take(now sched.Instant, t *Ticket) (x *T, fresh bool) {
	if x = s.Look(*t); x != nil {
		s.set.Touch(now, t.place)
		return x, false
	}
	if s.set.most == 0 {
		s.Init(0)
	}
	if old := s.set.Rests(now); old != 0 {
		s.set.Leave(old)
	} else if s.set.Full() {
		s.set.Leave(s.set.Oldest())
	}
	place := s.set.next()
	s.set.Take(now, place) // who is there does not matter: the stamp tells
	l := s.slab.At(place)
	l.stamp++
	*t = Ticket{place, l.stamp}
	return &l.part, true
}
