package compare

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/sketch"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// The levels of a comparison, so that its cost follows the difference:
//
//	0  the fingerprint in the header: equal means done
//	1  a sketch of the version vector in one frame, where the vector takes more;
//	   who receives it knows which origins differ and by how much, and sends and
//	   asks for just that; who can't tell answers with a larger one
//	2  fingerprints of ranges, where the vector takes so many frames that they
//	   find more in the same bytes
//	3  windows of the version vector, rotating: always make progress
//
// When the largest sketch did not decode, sketches rest for some exchanges. A Sync
// hints at the level of its sender, so that whoever answers does not waste a sketch
// on it. Where a first sketch that is too small would cost more than it saves, since
// the vector is long, the largest one comes first.

// rungs are the sizes of sketches, and what they decode in 99 of 100 cases.
var rungs = [...]struct{ cells, origins int }{{24, 9}, {60, 34}, {80, 48}}

const (
	windowsOnly = uint8(len(rungs)) // the level above the sketches
	restMin     = 4                 // exchanges without a sketch
	restMax     = 64
	// vectorEntry is about what an origin takes in a window.
	vectorEntry    = 11
	vectorEntryMax = 8 + 9 + 9 // and at most
	sketchSalt     = 0
	// manyOrigins is where a vector takes more than the frames of an exchange, several times over.
	manyOrigins = 4096
	// smallVector is the size up to which windows of it, after a sketch in vain, cost about a sketch more.
	smallVector = 4096
	restCells   = 24 // of a sketch that did not decode: few are left in it
)

const _ uint = codec.SyncHintMax - uint(len(rungs))

// ladder is where this node stands.
type ladder struct {
	level   uint8
	hint    uint8 // of the Sync that is answered
	rest    uint8 // exchanges until the next sketch
	span    uint8 // how long it rests the next time
	partial bool  // the last sketch showed nearly all
	*sketchState
}

// sketchState is the sketch of our version vector, and what decoding one takes. It
// is made when the first one is needed.
type sketchState struct {
	key     [2]uint64
	own     sketch.Sketch
	decoder sketch.Decoder
	counted []counted // by origin
	diff    [sketch.CellsMax]sketch.Difference
}

// counted is an origin as it is in the sketch.
type counted struct {
	item sketch.Item
	id   codec.OriginID
	max  uint64
}

// pass notes that an exchange begins.
func (l *ladder) pass() {
	if l.level == windowsOnly {
		if l.rest--; l.rest == 0 {
			l.level--
		}
	}
}

// climb notes that a sketch of that many cells did not decode.
func (l *ladder) climb(cells int) {
	at := 0
	for at < len(rungs)-1 && rungs[at].cells < cells {
		at++
	}
	if l.level = max(l.level, uint8(at)+1); l.level == windowsOnly {
		l.span = min(max(restMin, 2*l.span), restMax)
		l.rest = l.span
	}
}

// descend notes that a sketch showed all of d differing origins.
func (l *ladder) descend(d int) {
	l.span = 0
	need := uint8(0)
	for int(need) < len(rungs)-1 && rungs[need].origins < 2*d {
		need++
	}
	if l.level > need {
		l.level--
	} else {
		l.level = need
	}
}

// agreed notes that an exchange found nothing that differs: after a rest a small sketch comes first,
// where one in vain costs little more than the largest.
func (c *Compare) agreed() {
	if l := &c.ladder; l.level > 0 && c.store.Len()*vectorEntry <= smallVector {
		l.descend(0)
	}
}

// windowRoom is how many bytes of a vector a frame has room for.
func (c *Compare) windowRoom() int { return c.cfg.Frame - codec.HeaderBytesMax - codec.DigestOverhead }

// sketchCells is the size of the sketch to answer a Sync with; 0: windows.
func (c *Compare) sketchCells(hint uint8) int {
	switch c.cfg.Diff {
	case tune.DiffAuto:
		if c.store.Len()*vectorEntry <= c.windowRoom() {
			return 0
		}
	case tune.DiffSketch:
	default:
		return 0
	}
	if c.ladder.sketchState == nil && c.many() {
		c.ladder.level = windowsOnly - 1
	}
	level := max(c.ladder.level, hint)
	if level >= windowsOnly {
		return 0
	}
	return rungs[level].cells
}

// many tells whether the vector is so long that windows of it are the last thing to try.
func (c *Compare) many() bool { return c.store.Len() >= manyOrigins }

// count brings an origin in the sketch up to date.
func (s *sketchState) count(st *state.Store, o state.Origin) {
	for int(o) >= len(s.counted) {
		s.counted = append(s.counted, counted{})
	}
	k := &s.counted[o]
	if id := st.ID(o); k.id != id {
		s.own.Bump(&k.item, -int64(k.max))
		*k = counted{item: sketch.ItemOf(s.key, id), id: id}
	}
	s.own.Bump(&k.item, int64(st.Max(o)-k.max))
	k.max = st.Max(o)
}

// uncount takes an origin out of the sketch.
func (s *sketchState) uncount(o state.Origin) {
	if int(o) < len(s.counted) {
		k := &s.counted[o]
		s.own.Bump(&k.item, -int64(k.max))
		*k = counted{}
	}
}

// readySketch makes the sketch of all that is here, once.
func (c *Compare) readySketch() *sketchState {
	l := &c.ladder
	if l.sketchState == nil {
		l.sketchState = &sketchState{key: [2]uint64{c.cfg.Key[0] ^ 0x736b65746368, c.cfg.Key[1]}}
		for o := c.store.FirstAtOrAfter(0); o != 0; o = c.store.Following(o) {
			l.count(c.store, o)
		}
	}
	return l.sketchState
}

// appendSketch appends our sketch, as large as our level says and as fits.
func (c *Compare) appendSketch(b []byte, g *reconcile.Page) []byte {
	t := c.host.Peer(g.Peer)
	cells := min(c.sketchCells(c.ladder.hint), sketch.SizeFor(g.Limit-len(b)-codec.RecordBytes))
	if cells < codec.SketchSizes[0] {
		if g.Empty(b) {
			t.say &^= saySketch
			c.wantDigest(g.Peer, t.wants())
		}
		return b
	}
	t.say &^= saySketch
	c.n.SketchesSent++
	return c.readySketch().own.AppendRecord(b, cells, sketchSalt)
}

// onSketch finds what differs from the peer's sketch.
func (c *Compare) onSketch(f *reconcile.Frame, body []byte) bool {
	p := f.Peer
	theirs, err := codec.ParseSketch(body)
	if err != nil {
		return false
	}
	if c.Agrees(f) {
		c.shared.Agreements++
		return true
	}
	s := c.readySketch()
	n, complete := 0, false
	if theirs.Salt() == sketchSalt {
		s.decoder.Subtract(&s.own, theirs)
		n, complete = s.decoder.Peel(s.key, s.diff[:])
	}
	// What our digest would ask the peer for, we do now: it offers where we pull.
	wants, j := c.host.Peer(p).wants(), Found{}
	if wants&codec.DigestOffer != 0 {
		j = c.Open(f, codec.DigestWantRuns)
	}
	if wants&codec.DigestWantRuns != 0 {
		j.pulls = c.Open(f, codec.DigestOffer).pulls
	}
	for i := range s.diff[:n] {
		if !c.sketched(&j, &s.diff[i]) {
			complete = false
		}
	}
	c.Close(f, &j)
	if complete && n > 0 {
		c.n.SketchesDecoded++
		c.ladder.descend(n)
		return true
	}
	if !c.leaveRest(n, complete) && !c.sketchMore(p, theirs.Cells(), complete) {
		c.compareAll(p)
	}
	return true
}

// leaveRest tells whether a sketch showed so much, where the vector is long, that the next exchange
// finds the rest by another one. Not twice in a row: origins may hide each other.
func (c *Compare) leaveRest(n int, complete bool) bool {
	l := &c.ladder
	l.partial = !complete && !l.partial && n > 0 && l.decoder.Left() <= restCells && c.many()
	return l.partial
}

// sketchMore climbs after a sketch of so many cells that did not show all, and tells whether a
// larger one is the answer.
func (c *Compare) sketchMore(p uint32, cells int, complete bool) bool {
	if complete {
		return false
	}
	c.ladder.climb(cells)
	if !c.many() {
		return false
	}
	c.ladder.hint, c.ladder.rest = 0, min(c.ladder.rest, 1) // what comes now costs more than a sketch in vain
	if c.sketchCells(0) <= cells {
		return false
	}
	c.say(p, saySketch)
	return true
}

// sketched lists one origin that differs; false if it can't be so.
func (c *Compare) sketched(j *Found, d *sketch.Difference) bool {
	o := c.resolve(sketch.Find(d.Short))
	switch {
	case o == 0 && d.Ahead > 0:
		return false
	case o == 0:
		if w := c.view.Unknown(sketch.Find(d.Short)); j.pulls != nil && w.ID != 0 && !c.view.BuriedShort(d.Short, sketch.ShortID) {
			j.pulls.Add(w)
		}
	case d.Ahead > 0:
		mine := c.store.Max(o)
		if uint64(d.Ahead) > mine {
			return false
		}
		if j.Runs != nil {
			c.view.Lacks(o, mine-uint64(d.Ahead), j.Runs)
		}
	case o == c.view.Own:
		return false // more of ours than we wrote: windows say how much
	case c.view.Moving(o), d.Ahead < 0 && uint64(-d.Ahead) <= c.store.Seen(o)-c.store.Max(o):
		// it moves: what it lacks is on its way; or there was no room for it
	case j.pulls != nil:
		j.pulls.Add(reconcile.Want{ID: c.store.ID(o), Origin: o, From: c.store.Max(o)})
	}
	return true
}

// resolve finds an origin by its id, or by the part of it that a sketch knows.
func (c *Compare) resolve(id codec.OriginID) state.Origin {
	o := c.store.Find(id)
	if short := sketch.ShortID(id); o == 0 && sketch.Find(short) == id {
		if o = c.store.FirstAtOrAfter(id); o != 0 && sketch.ShortID(c.store.ID(o)) != short {
			return 0
		}
	}
	return o
}
