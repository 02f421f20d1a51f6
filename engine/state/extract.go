package state

import "github.com/quidnunc/quidnunc/codec"

// Cursor walks the live entries of one origin in ascending order of version. It is for the writer,
// and good until the next write to that origin.
type Cursor struct {
	s     *Store
	r     *origin
	words []uint64 // of the segment, what is left
	next  int      // segment
}

// After sets the cursor before the first live entry with a version above v. If the origin is not
// there, the cursor is at the end.
func (s *Store) After(o Origin, v uint64, c *Cursor) {
	c.s, c.r, c.words, c.next = s, s.kept(o), nil, 0
	if c.r == nil || c.r.segments == 0 || v >= c.r.last {
		c.r = nil
		return
	}
	i := s.segmentOf(c.r, v+1)
	b := s.log.block(s.segment(c.r, i))
	c.words, c.next = segWords(b)[locate(b, v):], i+1
}

// Next makes e a view of the next live entry: tombstones are among them. Key and Value are good
// until the next write.
func (c *Cursor) Next(e *codec.Entry) bool {
	cell := c.cell()
	if cell == 0 {
		return false
	}
	readCell(c.s.cells.at(cell), e, c.s.now)
	return true
}

// cell is the cell of the next live entry; 0 at the end.
func (c *Cursor) cell() cellRef {
	for {
		for i, w := range c.words {
			if cell := cellRef(w); cell != 0 {
				c.words = c.words[i+1:]
				return cell
			}
		}
		if c.r == nil || c.next >= int(c.r.segments) {
			c.words = nil
			return 0
		}
		b := c.s.log.block(c.s.segment(c.r, c.next))
		c.words = segWords(b)
		c.next++
	}
}

// missingExact bounds the segments that Missing counts one by one.
const missingExact = 8

// Missing estimates the number of live entries with a version above v, tombstones included: 0 only
// if there is none, not always then, and close when it is small. For ranking origins by how much a
// peer lacks; whether there is one, a Cursor tells.
func (s *Store) Missing(o Origin, v uint64) int {
	r := s.at(o)
	if r == nil || v >= r.last || r.segments == 0 {
		return 0
	}
	if v == 0 {
		return int(r.entries)
	}
	i := s.segmentOf(r, v+1)
	b := s.log.block(s.segment(r, i))
	used := segUsed(b)
	n := (segLive(b)*(used-locate(b, v)) + used - 1) / max(used, 1)
	left := int(r.segments) - 1 - i
	if left > missingExact {
		return n + int(uint64(r.entries)*uint64(left)/uint64(r.segments))
	}
	for k := range left {
		n += segLive(s.log.block(s.segment(r, i+1+k)))
	}
	return n
}

// Get makes e a view of the entry of a key, which may be a tombstone. It is for the writer; the
// view is good until the next write.
func (s *Store) Get(o Origin, key []byte, e *codec.Entry) bool {
	r := s.kept(o)
	if r == nil {
		return false
	}
	_, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key)
	if cell == 0 {
		return false
	}
	readCell(s.cells.at(cell), e, s.now)
	return true
}

// Lives tells whether a key of an origin is here and not deleted. It is for the writer.
func (s *Store) Lives(o Origin, key []byte) bool {
	r := s.at(o)
	if r == nil {
		return false
	}
	_, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key)
	return cell != 0 && cellFlags(s.cells.at(cell))&codec.EntryTombstone == 0
}

// At makes e a view of the entry with exactly this version, if it is still the newest of its key.
// An (origin, version) pair names a write for ever, so it serves as the handle of timers.
func (s *Store) At(o Origin, v uint64, e *codec.Entry) bool {
	if v == 0 {
		return false
	}
	var c Cursor
	s.After(o, v-1, &c)
	return len(c.words) > 0 && uint32(c.words[0]) != 0 && c.Next(e) && e.Version == v
}
