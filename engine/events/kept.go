package events

import "github.com/quidnunc/quidnunc/codec"

// timeStepMax bounds how far one foreign event moves the clock: forged times
// can't use it up, and no cluster counts so many events.
const timeStepMax = 1 << 32

// Clock is a Lamport clock for user events: an event's time is larger than that
// of every event that its author had seen.
type Clock struct{ time uint64 }

// Now returns the time of the last event that was sent or seen.
func (c *Clock) Now() uint64 { return c.time }

// Next advances the clock and returns the time of a new event.
func (c *Clock) Next() uint64 {
	if c.time < codec.EventTimeMax {
		c.time++
	}
	return c.time
}

// Witness takes the time of a foreign event.
func (c *Clock) Witness(t uint64) {
	if t > c.time {
		c.time = min(t, c.time+timeStepMax, codec.EventTimeMax)
	}
}

// SeenWindow is how many of an origin's latest events may arrive in any order.
const SeenWindow = 64

// seqStepMax bounds how far one event moves what is known of its author's numbers: who makes
// numbers up can't use them up, and nobody misses so many events.
const seqStepMax = 1 << 32

// Seen tells whether an event came before. Each origin numbers its events from 1; a table remembers
// the highest number, which of the SeenWindow numbers up to it came, and the highest that its
// author sent itself, 24 bytes an origin. An event further behind counts as seen: events are
// fire-and-forget, and taking one twice is worse than missing a straggler.
type Seen struct{ origins []Known }

// Known is what is known of the numbers of one author.
type Known struct {
	high uint64 // highest number taken; 0 before the first
	bits uint64 // bit i: high-i was taken
	own  uint64 // highest number that the author sent itself
}

// Init sizes the table for origin handles 1 to origins. Only this allocates.
func (s *Seen) Init(origins int) { s.origins = make([]Known, origins+1) }

// First takes event number seq of origin o and returns whether it is new.
func (s *Seen) First(o uint32, seq uint64) bool {
	w := &s.origins[o]
	if seq == 0 {
		return false
	}
	if seq > w.high {
		w.bits = w.bits<<min(seq-w.high, SeenWindow) | 1 // a shift by 64 clears
		w.high = seq
		return true
	}
	back := w.high - seq
	if back >= SeenWindow || w.bits>>back&1 != 0 {
		return false
	}
	w.bits |= 1 << back
	return true
}

// Late reports whether event number seq of origin o is so far behind that nobody
// knows whether it came before.
func (s *Seen) Late(o uint32, seq uint64) bool {
	high := s.origins[o].high
	return seq != 0 && seq < high && high-seq >= SeenWindow
}

// Far reports whether event number seq of origin o is so far ahead that somebody made it up.
func (s *Seen) Far(o uint32, seq uint64) bool {
	high := s.origins[o].high
	return seq > high && seq-high > seqStepMax
}

// Ahead reports whether event number seq of origin o is beyond the window of those that are known,
// if any is.
func (s *Seen) Ahead(o uint32, seq uint64) bool {
	high := s.origins[o].high
	return high != 0 && seq > high && seq-high >= SeenWindow
}

// Own takes the number of an event that the author of origin o sends here itself. Where that
// is beyond all that it sent here before, and far behind what is known, somebody else wrote
// under higher numbers: they are forgotten.
func (s *Seen) Own(o uint32, seq uint64) {
	w := &s.origins[o]
	if w.own != 0 && seq > w.own && s.Late(o, seq) {
		w.high, w.bits = 0, 0
	}
	w.own = max(w.own, seq)
}

// Forget drops what is known of o, whose handle may then name another origin.
func (s *Seen) Forget(o uint32) { s.origins[o] = Known{} }

// Replay keeps the last events as they were on the wire, for those who join late.
// It is a ring of fixed slots: an event that is kept pushes out the oldest.
type Replay struct {
	slots []byte
	used  []uint16 // bytes of each slot
	next  uint64   // number of events ever kept
}

// Init makes room for the last n events; 0 keeps none. Only this allocates.
func (r *Replay) Init(n int) {
	*r = Replay{slots: make([]byte, n*codec.EventBytesMax), used: make([]uint16, n)}
}

// Keep copies the body of an event. A body longer than EventBytesMax is not kept.
func (r *Replay) Keep(body []byte) {
	if len(r.used) == 0 || len(body) > codec.EventBytesMax {
		return
	}
	i := int(r.next % uint64(len(r.used)))
	r.used[i] = uint16(copy(r.slots[i*codec.EventBytesMax:], body))
	r.next++
}

// First returns the number of the oldest event that is still kept, and End the
// number after the newest: a walk goes from First to End and may go on later.
func (r *Replay) First() uint64 { return r.next - min(r.next, uint64(len(r.used))) }

// End returns the number after the newest event.
func (r *Replay) End() uint64 { return r.next }

// At returns the body of event i, First() <= i < End(), a view that is valid
// until the next Keep; nil when i is outside.
func (r *Replay) At(i uint64) []byte {
	if i < r.First() || i >= r.next {
		return nil
	}
	s := int(i % uint64(len(r.used)))
	at := s * codec.EventBytesMax
	return r.slots[at : at+int(r.used[s]) : at+int(r.used[s])]
}
