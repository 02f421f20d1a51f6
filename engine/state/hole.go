package state

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
)

// A replica that is full has a hole in the log of an origin: entries that there was no room for.
// Its max stays before the first of them, and so does what it tells of the origin. What follows is
// not lost on it: of each run that joins on to what it has seen, it takes what takes the place of
// something (overwrites and deletes of keys that are here) and what has room of its own (reserved
// keys), and counts the rest as missing. When there may be room again, the log is to be had once
// more from the hole on.

const (
	holesMax       = 64            // origins with a hole that are known as such
	holePause      = 1_000_000_000 // from a hole to the next attempt, at first; nanoseconds
	holePauseMost  = 60 * holePause
	chokedFor      = 2 * holePause // after an entry was refused, in a precise cluster
	holeShareRooms = 64            // part of a limit that is room enough for an attempt, whatever is missing
)

type hole struct {
	origin  Origin
	through uint64 // seen up to here; 0: the log is being had once more
	to      uint64 // the highest version that was ever seen
	missing int    // entries between max and through that are not here, as far as can be told
	keys    int    // of those, new keys
	bytes   int    // of the cells of those
	tried   int64
	pause   int64
}

// holeOf returns the hole of an origin, or nil.
func (s *Store) holeOf(o Origin) *hole {
	for i := range s.holes {
		if s.holes[i].origin == o {
			return &s.holes[i]
		}
	}
	return nil
}

// Seen is the version up to which the log of an origin was seen: Max, or beyond that where there
// was no room for all.
func (s *Store) Seen(o Origin) uint64 {
	if h := s.holeOf(o); h != nil {
		return max(s.rec(o).max, h.through)
	}
	return s.rec(o).max
}

// Holes is how many origins have writes that are not here for want of room.
func (s *Store) Holes() int { return len(s.holes) }

// Choked tells whether there was no room for what is known to be missing of an origin. What its owner
// deleted and forgot about may take that room, and no run ever tells of it.
func (s *Store) Choked(o Origin) bool {
	h := s.holeOf(o)
	return h != nil && h.through > 0 || s.now < s.keyed.choked
}

// Refused says that an entry was refused for want of room in a precise cluster, which has no holes.
func (s *Store) Refused() { s.keyed.choked = s.now + chokedFor }

// Cleared says that an origin was compared and keys went: if they made room for what is missing it is
// to be had at once, however long the pause was.
func (s *Store) Cleared(o Origin) {
	if h := s.holeOf(o); h != nil {
		h.tried, h.pause = s.now-holePause, holePause
	}
}

// beyond applies what it can of a run that the hole of an origin is in or before. The status of a
// is Full already.
func (s *Store) beyond(o Origin, r *origin, run *codec.Run, it *codec.RunIter, a *Applied) {
	s.fadeAll()
	h := s.holeOf(o)
	if h == nil {
		if h = s.dig(o, r); h == nil {
			return
		}
	}
	h.through = max(h.through, r.max)
	since := h.through
	if a.To == a.From {
		a.Since = since
	}
	var e codec.Entry
	to := run.To
	end, begin, whole := uint64(0), uint64(0), false // of the last entry's batch
	for it.Reset(run); it.Next(&e); {
		if e.Rest > 0 && e.Version > end {
			end, begin, whole = e.End(), e.Version, s.replacesAll(r, it, e)
		}
		if e.Version > since && !s.named(r, &e) {
			if a.Unnamed, to = true, e.Version-1; e.Version <= end {
				to = begin - 1
			}
			break
		}
		switch {
		case e.Version <= since:
		case e.Version > end || whole:
			s.beyondOne(o, r, h, &e, a)
		default:
			s.missed(r, h, &e)
		}
	}
	s.brought(o, r, h.through, to)
	h.through = max(h.through, to)
	h.to = max(h.to, h.through)
	if a.Beyond > 0 {
		s.clearLater(o, r)
		s.show(r)
	}
}

// dig notes a new hole; nil if it can't be kept. The list is in the order of identifiers.
func (s *Store) dig(o Origin, r *origin) *hole {
	if len(s.holes) == holesMax || s.keyed.on { // a precise cluster has no prefixes
		return nil
	}
	i := 0
	for i < len(s.holes) && s.rec(s.holes[i].origin).id < r.id {
		i++
	}
	s.holes = slices.Insert(s.holes, i, hole{origin: o, tried: s.now, pause: holePause})
	return &s.holes[i]
}

// replacesAll tells whether all of the batch that an entry begins takes the place of something, or
// has room of its own.
func (s *Store) replacesAll(r *origin, it *codec.RunIter, e codec.Entry) (all bool) {
	was, end := *it, e.End()
	for all = true; all && e.Version <= end; {
		if !s.named(r, &e) {
			all = false
			break
		}
		var w write
		s.begin(&w, r.tag, &e)
		_, _, here := s.findKey(r.tag, w.frag, e.Key)
		all = e.Flags&codec.EntryTombstone != 0 || w.system || here != 0 && classBytes[w.class] <= heldBy(s.cells.at(here)).cell
		if !it.Next(&e) {
			break
		}
	}
	*it = was
	return all
}

// missed counts an entry that there is no room for.
func (s *Store) missed(r *origin, h *hole, e *codec.Entry) {
	if _, _, here := s.findKey(r.tag, s.hash(r.tag, e.Key), e.Key); here == 0 && e.Flags&codec.EntryTombstone == 0 {
		h.keys++
	}
	h.missing++
	h.bytes += CellBytes(len(e.Key)+len(e.Value), e.Flags)
}

// beyondOne applies an entry beyond a hole, if it takes the place of something.
func (s *Store) beyondOne(o Origin, r *origin, h *hole, e *codec.Entry, a *Applied) {
	_, _, here := s.findKey(r.tag, s.hash(r.tag, e.Key), e.Key)
	switch {
	case here == 0 && e.Flags&codec.EntryTombstone != 0: // of something that is missing, as it seems
		h.missing, h.keys = max(0, h.missing-1), max(0, h.keys-1)
		return
	case here == 0 && !codec.System(e.Key):
		h.keys++
	default:
		switch s.apply(o, r, e) {
		case OK:
			a.Beyond++
			a.Zero = a.Zero || codec.Reserved(e.Key)
			return
		case Old:
			return
		}
	}
	h.missing++
	h.bytes += CellBytes(len(e.Key)+len(e.Value), e.Flags)
}

// Refill returns an origin whose log is to be had once more, from Max up to a version, because
// there may be room for what is missing; 0: none is. It is for the writer to ask now and then,
// until it gives 0.
func (s *Store) Refill() (o Origin, to uint64) {
	for i := range s.holes {
		h := &s.holes[i]
		if h.through == 0 || s.now-h.tried < h.pause || !s.roomFor(h) {
			continue
		}
		h.tried, h.pause = s.now, min(2*h.pause, holePauseMost)
		h.through, h.missing, h.keys, h.bytes = 0, 0, 0, 0
		return h.origin, h.to
	}
	return 0, 0
}

// roomFor tells whether there is room for what is missing, or for a good part of it, or for
// anything after a long time.
func (s *Store) roomFor(h *hole) bool {
	r := s.rec(h.origin)
	m, b := s.keyRoom(r), s.byteRoom(r)
	keys, bytes := min(m.takes(), s.limits.KeysPerOrigin-m.own), b.takes()
	if l := s.limits.BytesPerOrigin; l > 0 {
		bytes = min(bytes, l-int(r.bytes))
	}
	if h.missing == 0 {
		return true
	}
	if keys <= 0 && h.keys > 0 || bytes <= 0 {
		return false
	}
	enough := keys >= min(h.keys, 1+s.limits.Keys/holeShareRooms) && bytes >= min(h.bytes, s.limits.ValueBytes/holeShareRooms)
	return enough || s.now-h.tried >= holePauseMost
}

// closeHole forgets the hole of an origin if all that was seen of it is here.
func (s *Store) closeHole(o Origin, r *origin) {
	for i := range s.holes {
		if h := &s.holes[i]; h.origin == o && (!r.here || r.max >= h.to) {
			s.holes = slices.Delete(s.holes, i, i+1)
			return
		}
	}
}

// AppendFullAt appends a record of the origins with a hole, in the order of their identifiers, as
// many as fit below limit, o among them if it has one; and whether others are turned away. It
// appends nothing if there is none of that.
func (s *Store) AppendFullAt(dst []byte, limit int, o Origin) []byte {
	room, away := (limit-len(dst)-codec.RecordBytes)/codec.FullAtBytesMax, s.TurnsAway()
	if room <= 0 || len(s.holes) == 0 && !away {
		return dst
	}
	if h := s.holeOf(o); h != nil && h.through > 0 {
		room-- // for o
		away = away && room > 0
	}
	if away {
		room--
	}
	start, n := len(dst), 0
	out := codec.BeginRecord(dst, codec.TypeFullAt)
	for i := range s.holes {
		h := &s.holes[i]
		if h.through == 0 || h.origin != o && n >= room {
			continue
		}
		if n++; h.origin == o {
			n--
		}
		r := s.rec(h.origin)
		out = codec.AppendFullAt(out, &codec.FullAt{
			ID: codec.OriginID(r.id), Version: r.max, Through: max(h.through, r.max), Missing: uint64(h.missing),
		})
	}
	if away {
		all := codec.FullAt{ID: codec.Strangers}
		if s.Shut() {
			all.Through = codec.VersionMax
		}
		out = codec.AppendFullAt(out, &all)
	}
	if len(out) == start+codec.RecordBytes {
		return dst
	}
	return codec.EndRecord(out, start)
}
