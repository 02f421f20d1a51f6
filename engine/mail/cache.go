package mail

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// runsMax is how many runs are kept: peers stand at few different cursors.
const runsMax = 8

// runsAge is how long they are: what they say of ages is as of when they were made.
const runsAge = sched.Millisecond

// CacheBytes is what a full Cache takes, about.
const CacheBytes = runsMax * 2 * codec.FrameBytesMax

// Run is a run of our own origin, encoded for every peer whose cursor is at From,
// whose frames may have Limit bytes, and who knows so much.
type Run struct {
	From, To uint64
	Limit    int
	Entries  int
	Knows    codec.Kind // the last kind of entries that its readers know
	n        int
	text     [codec.FrameBytesMax]byte
}

// Bytes is the encoded run.
func (r *Run) Bytes() []byte { return r.text[:r.n] }

// Room is where a run is encoded to: empty, with the capacity of a frame.
func (r *Run) Room() []byte { return r.text[:0] }

// Cache holds runs of our own origin as it is now. Its memory is asked for as it
// is needed.
type Cache struct {
	own  uint64
	id   codec.OriginID
	at   sched.Instant // of the first run
	n    int
	runs []Run
}

// Own turns to the own origin as it is now: its id and its newest version.
func (c *Cache) Own(now sched.Instant, id codec.OriginID, own uint64) {
	if c.own != own || c.id != id || now-c.at > runsAge {
		c.own, c.id, c.at, c.n = own, id, now, 0
	}
}

// Find gives the run from a cursor, for frames of at most limit bytes and readers that know a kind of
// entries. If there is none, it gives a place for it: see [Cache.Keep]. It gives nil, nil when all places are taken.
func (c *Cache) Find(from uint64, limit int, knows codec.Kind) (run, place *Run) {
	for i := range c.runs[:c.n] {
		if r := &c.runs[i]; r.From == from && r.Limit == limit && r.Knows == knows {
			return r, nil
		}
	}
	if c.n == runsMax {
		return nil, nil
	}
	if c.n == len(c.runs) {
		c.runs = append(c.runs, Run{})
	}
	return nil, &c.runs[c.n]
}

// Keep keeps the run that was encoded into the place that Find gave last: so many
// bytes in place.Room(). From, To, Limit, Entries and Knows are set.
func (c *Cache) Keep(place *Run, bytes int) *Run {
	place.n = bytes
	c.n++
	return place
}
