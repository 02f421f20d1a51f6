package sim

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// tally is what a node's frames show that it did in this life, counted apart from the node.
type tally struct {
	frames, bytes     uint64 // sent
	received, taken   uint64 // frames that reached it, and their bytes
	entries, carriers uint64 // sent, and the frames that carried some
	digests, pulls    uint64
	sketches, ranges  uint64
	watching          uint64 // frames that the detector alone has
	runs              uint64 // that reached it, in frames that nobody harmed

	since sched.Instant // the span in which the bytes that reach it are counted began
	until uint64        // bytes that had reached it then
	busy  bool          // many did in the span before
}

// told counts a frame that the node sends.
func (t *tally) told(b []byte) {
	t.frames++
	t.bytes += uint64(len(b))
	entries := t.entries
	records, watching := 0, 0
	each(b, func(typ codec.Type, body []byte) {
		records++
		if watches(typ) {
			watching++
		}
		switch typ {
		case codec.TypeRun, codec.TypePart, codec.TypePreciseRun:
			t.entries += entriesOf(typ, body)
		case codec.TypeDigest, codec.TypePreciseDigest:
			t.digests++
		case codec.TypeSketch:
			t.sketches++
		case codec.TypeRanges:
			t.ranges++
		case codec.TypePull, codec.TypePrecisePull:
			t.pulls++
		}
	})
	if t.entries > entries {
		t.carriers++
	}
	if records > 0 && watching == records {
		t.watching++
	}
}

// watches tells whether records of a type are the detector's alone.
func watches(typ codec.Type) bool {
	switch typ {
	case codec.TypeProbe, codec.TypeProbeAck, codec.TypeVote, codec.TypeVerdict, codec.TypeObserved:
		return true
	}
	return false
}

// got counts a frame that reaches the node.
func (t *tally) got(b []byte) {
	t.received++
	t.taken += uint64(len(b))
	each(b, func(typ codec.Type, body []byte) {
		if typ == codec.TypeRun || typ == codec.TypePreciseRun {
			t.runs++
		}
	})
}

// each yields the records of a frame that can be read.
func each(b []byte, yield func(typ codec.Type, body []byte)) {
	var h codec.Header
	if records, err := codec.ParseFrame(b, &h); err == nil && h.KeyID == 0 {
		for t, body, rest := codec.NextRecord(records); t != 0; t, body, rest = codec.NextRecord(rest) {
			yield(t, body)
		}
	}
}

func entriesOf(typ codec.Type, body []byte) uint64 {
	var r codec.Run
	parse := codec.ParseRun
	switch typ {
	case codec.TypePreciseRun:
		parse = codec.ParsePreciseRun
	case codec.TypePart:
		parse = codec.ParsePart
	}
	if parse(body, &r) != nil {
		return 0
	}
	return uint64(r.Count)
}

// tallied checks that a node counts what its frames show: all that it sent and got, and where
// they can be read, what they carried.
func (w *World) tallied(n *Node) {
	t, c := &n.tally, n.Core.Counters()
	same := func(what string, counted, seen uint64) {
		if counted != seen {
			w.broken("tally", "node %d counts %d %s, its frames show %d", n.Index, counted, what, seen)
		}
	}
	same("frames sent", c.FramesSent, t.frames)
	same("bytes sent", c.BytesSent, t.bytes)
	same("frames received", c.FramesReceived, t.received)
	same("bytes received", c.BytesReceived, t.taken)
	w.receives(n)
	if n.cfg.Keys != nil {
		return
	}
	same("entries sent", c.EntriesSent, t.entries)
	same("frames with entries", c.RunFrames, t.carriers)
	same("digests sent", c.DigestsSent, t.digests)
	same("pulls sent", c.PullsSent, t.pulls)
	same("sketches sent", c.SketchesSent, t.sketches)
	same("ranges sent", c.RangesSent, t.ranges)
	same("frames of the detector", c.DetectorFrames, t.watching)
	if c.RunsReceived > t.runs {
		w.broken("tally", "node %d counts %d runs received, %d reached it", n.Index, c.RunsReceived, t.runs)
	}
	if c.Drops[core.DropSelf] > t.received {
		w.broken("tally", "node %d dropped more than reached it", n.Index)
	}
}

// busySpan is how long a node looks at what reaches it, and busyBytes how much makes it a busy one.
const (
	busySpan  = 500 * sched.Millisecond
	busyBytes = 20_000
)

// receives checks that a node which much reaches says so: by that it tells others what they may send.
func (w *World) receives(n *Node) {
	t := &n.tally
	if w.now-t.since < busySpan || w.lies(len(w.Nodes)-1) {
		return
	}
	busy := t.taken-t.until > busyBytes
	if busy && t.busy && n.cfg.Flow != tune.FlowOff && n.Core.FlowState().Receiving == 0 {
		w.broken("tally", "node %d is reached by %d bytes in %v, and says that it receives none", n.Index, t.taken-t.until, clock(w.now-t.since))
	}
	t.since, t.until, t.busy = w.now, t.taken, busy
}

// numbersLeft is how many frames, and up to five times so many, a path of every other life sends
// before its numbers pass 2^32 and begin anew, as they do in life once in a few weeks.
const numbersLeft = 8

// nearTheEnd has the paths of every other life begin close below the end of the numbers of frames.
func (n *Node) nearTheEnd() {
	if (n.Index+n.Life)%2 == 0 {
		n.Core.Parts().Paths.Ended(-uint32(numbersLeft * (1 + n.Index%5)))
	}
}
