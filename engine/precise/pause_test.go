package precise

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

type onePeer struct{ p Peer }

func (h *onePeer) Peer(uint32) *Peer { return &h.p }

// TestPausesWhereOneTurnsAway: whoever meets one that turns others away sends it digests in pauses that
// double up to sixteen seconds, at once where a comparison has shown something or nobody is turned away
// any more, and one where strangers are tried again.
func TestPausesWhereOneTurnsAway(t *testing.T) {
	h := new(onePeer)
	x := &Precise{host: h, store: new(state.Store)}
	x.store.Init(state.LimitsDefault(), 1)
	word := func(through uint64) codec.FullAts {
		b := codec.AppendFullAt(nil, &codec.FullAt{ID: codec.Strangers, Through: through})
		l, err := codec.ParseFullAts(b)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	shut, tries := word(1), word(0)
	sent := func(l codec.FullAts, from, to sched.Instant) (n int) {
		for now := from; now < to; now += 50 * sched.Millisecond {
			if !x.spares(&reconcile.Frame{Now: now, Peer: 1, Full: l}) {
				n++
			}
		}
		return n
	}
	if n := sent(codec.FullAts{}, 0, sched.Second); n != 20 {
		t.Errorf("%d of 20 where nobody is turned away", n)
	}
	if n := sent(shut, sched.Second, 64*sched.Second); n != 7 { // 1 3 7 15 31 47 63
		t.Errorf("%d digests in a minute, want 7", n)
	}
	if n := sent(tries, 66*sched.Second, 68*sched.Second); n != 2 {
		t.Errorf("%d digests in two seconds of tries, want 2", n)
	}
	if n := sent(shut, 69*sched.Second, 70*sched.Second); n != 0 {
		t.Errorf("%d digests right after it", n)
	}
	if h.p.found(1); sent(shut, 70*sched.Second, 71*sched.Second) != 1 {
		t.Error("nothing is sent though something was found")
	}
	if n := sent(codec.FullAts{}, 71*sched.Second, 72*sched.Second); n != 20 {
		t.Errorf("%d of 20 when seats are free again", n)
	}
}
