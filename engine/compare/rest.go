package compare

import (
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

// Two of whom one turns others away differ for good. What a comparison of the two would show at the
// same pair of prints was said when it was first seen: it is said again after pauses that double, since
// a frame may be lost, and at once when either print is another one, or when strangers are tried again.

const (
	restFirst = 1 // seconds
	restMost  = 16
	restPeers = 64 // of whom that is kept; two that share a place are compared more often
)

// rest is the last comparison with a peer.
type rest struct {
	again sched.Instant // from when on there is another one
	both  uint64        // of the prints that were compared
	peer  uint32
	pause uint8 // seconds
	shut  bool
}

// rests are kept from when on somebody turns others away.
type rests struct{ of *[restPeers]rest }

// spares tells that what a Sync asks for is not said now.
func (r *rests) spares(f *reconcile.Frame, ours uint64, away, shut bool) bool {
	if !away {
		return false
	}
	if r.of == nil {
		r.of = new([restPeers]rest)
	}
	t, both := &r.of[f.Peer%restPeers], ours^(f.Print<<1|f.Print>>63)
	if t.peer != f.Peer || t.both != both || t.shut != shut {
		*t = rest{peer: f.Peer, both: both, shut: shut}
	} else if f.Now < t.again {
		return true
	}
	t.pause = min(max(restFirst, 2*t.pause), restMost)
	t.again = f.Now + sched.Instant(t.pause)*sched.Second
	return false
}

// turnedAway tells whether one of the two of a frame turns others away, and takes nobody just now. It is
// asked for where one digest says all, and not of more origins.
func (c *Compare) turnedAway(f *reconcile.Frame) (away, shut bool) {
	shut, away = f.Full.Strangers()
	return (away || c.store.TurnsAway()) && c.store.Len()*vectorEntryMax <= windowsMax*c.windowRoom(), shut || c.store.Shut()
}
