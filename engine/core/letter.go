package core

import "github.com/quidnunc/quidnunc/codec"

// A write is mailed to every peer, mostly from the same cursor: its run is
// encoded once and copied into each frame. Letters are the runs encoded since
// the last write; header, acknowledgement and checksum are each frame's own.

const (
	lettersMax = 8
	// letterSlack is left free in a letter's frame for an acknowledgement.
	letterSlack = codec.RecordBytes + 16
)

type letter struct {
	from, to uint64
	n        int // bytes
	entries  int
	text     [codec.FrameBytesMax]byte
}

// letters hold runs of our origin as it is at version max.
type letters struct {
	max  uint64
	id   codec.OriginID
	n    int
	page []letter
}

// ownRun appends a run of our own origin from the peer's cursor; nil if nothing
// is due or fits.
func (c *Core) ownRun(b []byte, limit int, q *peer) ([]byte, uint64) {
	if q.cursor >= c.store.Max(c.self) {
		return nil, q.cursor
	}
	if q.cursor == 0 && !c.introduced {
		if len(b)+(*book)(c).IntroBytes(c.self) > limit {
			return nil, 0
		}
		b = (*book)(c).AppendIntro(b, c.self)
	} else if l := c.letter(q.cursor); l != nil && len(b)+l.n <= limit {
		c.counters.EntriesSent += uint64(l.entries)
		return append(b, l.text[:l.n]...), l.to
	}
	out, to, n := c.filler.Run(b, limit, c.self, q.cursor)
	c.counters.EntriesSent += uint64(n)
	return out, to
}

// letter gives the run from a cursor, encoding it if it is the first to ask;
// nil if there is no page for it.
func (c *Core) letter(from uint64) *letter {
	s := &c.letters
	if own := c.store.Max(c.self); s.max != own || s.id != c.id {
		s.max, s.id, s.n = own, c.id, 0
	}
	for i := range s.page[:s.n] {
		if s.page[i].from == from {
			return &s.page[i]
		}
	}
	if s.n == lettersMax {
		return nil
	}
	if s.n == len(s.page) {
		s.page = append(s.page, letter{})
	}
	l := &s.page[s.n]
	room := min(c.cfg.Frame, len(l.text)) - c.out.Bytes() - c.out.TrailerBytes() - letterSlack
	out, to, n := c.filler.Run(l.text[:0], room, c.self, from)
	if out == nil {
		return nil // it fits alone in a frame, or nowhere
	}
	l.from, l.to, l.n, l.entries = from, to, len(out), n
	s.n++
	return l
}
