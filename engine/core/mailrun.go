package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/mail"
)

// mailSlack is left free in a frame for an acknowledgement when a run is encoded
// for many peers: header, acknowledgement and checksum are each frame's own.
const mailSlack = codec.RecordBytes + 16

// ownRun appends a run of our own origin from a peer's cursor; nil if nothing is
// due or fits.
func (c *Core) ownRun(b []byte, limit int, from uint64) ([]byte, uint64) {
	if from >= c.store.Max(c.self) {
		return nil, from
	}
	if from == 0 && !c.page.Introduced {
		if len(b)+c.filler.IntroBytes(c.self) > limit {
			return nil, 0
		}
		b = c.filler.AppendIntro(b, c.self)
	} else if r := c.sharedRun(from, limit); r != nil && len(b)+len(r.Bytes()) <= limit {
		c.counters.EntriesSent += uint64(r.Entries)
		return append(b, r.Bytes()...), r.To
	}
	out, to, n := c.filler.Run(b, limit, c.self, from)
	c.counters.EntriesSent += uint64(n)
	return out, to
}

// sharedRun gives the run from a cursor for frames of at most limit bytes, and
// encodes it for the first who asks; nil if there is no place for it.
func (c *Core) sharedRun(from uint64, limit int) *mail.Run {
	run, place := c.mailed.Find(c.me.ID, c.store.Max(c.self), from, limit)
	if place == nil {
		return run
	}
	text := place.Room()
	room := min(limit, cap(text)) - c.out.Bytes() - mailSlack
	out, to, n := c.filler.Run(text, room, c.self, from)
	if out == nil {
		return nil // it fits alone in a frame, or nowhere
	}
	place.From, place.To, place.Limit, place.Entries = from, to, limit, n
	return c.mailed.Keep(place, len(out))
}
