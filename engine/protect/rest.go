package protect

import (
	"cmp"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/active"
)

// The keys of a peer and its window of counters are dear, and a node knows many more peers
// than it talks with. So a bounded number of them is active, and the others rest: of their
// window the highest counter is kept, and their keys follow from their salt.

// Bytes of what an active one has beside its life: its window and keys, and one cipher object,
// about. A test holds the first.
const (
	partBytes   = 712
	ActiveBytes = partBytes + active.PlaceBytes + 1024
)

// ActiveFootprint is what the active ones of so many peers take, of whom there may be most; 0: as many
// as is usual.
func ActiveFootprint(most, peers int) int {
	return min(cmp.Or(most, active.Default), peers) * ActiveBytes
}

// openResting opens a frame of a peer that was not talked with for a while, and makes it active: its
// key is derived again, once for each frame that it was sent, beyond that within a budget. Its window
// is gone: nothing up to where it was opens. Until the frame has opened nothing is changed.
func (s *Sealed) openResting(in *Arrival, l *life) (records []byte, r Refusal) {
	h := &in.Header
	behind := h.Counter <= l.floor
	switch {
	case behind && l.floor-h.Counter < seal.WindowCounters:
		return nil, Refusal{Err: codec.ErrReplay}
	case behind && !l.shows(h):
		l.behind = true
		return nil, Refusal{Err: codec.ErrReplay, Greet: true}
	case !l.awaited && !s.door.Wake(in.Now, in.From):
		return nil, Refusal{Err: ErrRate, Greet: true} // its answer is awaited
	}
	l.awaited = false
	s.derived++
	key, err := s.ring.Derive(h.KeyID, &l.salt)
	if err != nil {
		return nil, Refusal{Err: err}
	}
	if s.window.Reset(); !behind {
		s.window.Resume(l.floor)
	}
	floor := s.window.Newest()
	records, err = s.box.OpenInPlace(in.Frame, h, key, &s.window)
	switch {
	case s.window.Newest() == floor: // it did not open
		return nil, Refusal{Err: err, Greet: err == codec.ErrAuth}
	case behind:
		s.window.Resume(h.Counter)
	}
	l.behind, l.resumes = false, false
	s.wake(in.Peer, key)
	return records, Refusal{Err: err}
}

// wake makes a peer active whose frame has opened under a key, and as the scratch window says.
func (s *Sealed) wake(p uint32, key seal.Key) {
	if s.active.Full() {
		s.rest(s.active.Oldest())
	}
	place := s.active.Take(s.now, p)
	s.life(p).place = place
	x := s.parts.At(place)
	x.window, x.keys[0] = s.window, key
}

// rest takes from a peer what it has while it is active, but for how far its counters are. 0 is
// nobody.
func (s *Sealed) rest(p uint32) {
	l := s.life(p)
	if l.place == 0 {
		return
	}
	x := s.parts.At(l.place)
	l.floor = x.window.Newest()
	clear(x.keys[:])
	s.active.Leave(l.place)
	l.place = 0
}
