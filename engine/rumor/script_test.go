package rumor

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/golden"
)

const scriptSides = 4

// TestMongeringScript: four members tell each other news by each rule there is, over frames that are
// lost, late and doubled, with origins that go and peers that are given up.
func TestMongeringScript(t *testing.T) {
	for name, p := range map[string]tune.RumorPolicy{
		"default":  Default(),
		"counter":  {K: 2, Limit: 1, Hunt: 1, SendBack: true},
		"coin":     {K: 3, Loss: tune.LossCoin, Immediate: true, Redistribute: true, Age: 3},
		"pushpull": {K: 2, Shape: tune.ShapePushPull, Minimize: true, Reset: true, Limit: 2, Hunt: tune.HuntForever},
		"pull":     {K: 2, Shape: tune.ShapePull, Redistribute: true, Age: 2},
		"median":   {K: 2, Loss: tune.LossMedian, Final: 2, Shape: tune.ShapePushPull, SendBack: true},
	} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 3000, func(s *golden.Script) {
				var all [scriptSides]*side
				for i := range all {
					all[i] = newSide(fmt.Sprint(i), p)
					all[i].authors = map[state.Origin]uint32{}
					for k := range scriptSides {
						if o := all[i].Origin(fmt.Sprint(k)); k != i {
							all[i].authors[o] = place(i, k)
						}
					}
				}
				var late []parcel
				for s.Next() {
					i := int(s.Rand.Uint32n(scriptSides))
					x := all[i]
					x.anything(s, i)
					for p := uint32(1); p < scriptSides; p++ {
						if s.Chance(4) {
							continue // its turn comes later
						}
						late = append(late, parcel{i, (i + int(p)) % scriptSides, append([]byte(nil), x.frameTo(p)...)})
					}
					for len(late) > 0 && !s.Chance(6) {
						l := late[0]
						if late = late[1:]; len(l.frame) == 0 || s.Chance(8) {
							continue // it is lost
						}
						s.Say(l.from, l.to, len(l.frame), all[l.to].arrive(place(l.to, l.from), l.frame))
						if s.Chance(12) {
							late = append(late, l)
						}
					}
					s.Say(x.n, x.Counters, x.peers, x.m.Hot(), x.m.Waiting(), x.m.Owed(), x.m.Held(), x.woken, x.board.Of(1), x.board.Of(2), x.board.Of(3))
					for k := range scriptSides {
						o := x.Origin(fmt.Sprint(k))
						lo, hi, ok := x.m.table.windowIf(x.m.ready, uint32(o))
						s.Say(x.Store.Max(o), lo, hi, ok)
						if x.m.ready {
							s.Say(x.m.table.rumors[o], x.m.table.Counter(uint32(o)))
						}
						if int(o) < len(x.m.news) {
							s.Say(x.m.news[o])
						}
					}
				}
			})
		})
	}
}

// parcel is a frame on its way.
type parcel struct {
	from, to int
	frame    []byte
}

// place is the handle that a side has for another.
func place(of, other int) uint32 { return uint32((other - of + scriptSides) % scriptSides) }

func (t *Table) windowIf(ready bool, o uint32) (lo, hi uint64, ok bool) {
	if !ready {
		return 0, 0, false
	}
	return t.Window(o)
}

// anything has one thing happen at a side.
func (s *side) anything(x *golden.Script, i int) {
	o := s.Origin(fmt.Sprint(x.Rand.Uint32n(scriptSides)))
	switch x.Rand.Uint32n(16) {
	case 0:
		s.m.Ask()
	case 1:
		s.m.Forget(o)
	case 2:
		s.m.Drop(1 + x.Rand.Uint32n(scriptSides-1))
	case 3:
		s.m.EndContact(1 + x.Rand.Uint32n(scriptSides-1))
	case 4, 5:
		wants := []reconcile.Want{{Origin: o, From: x.UpTo(s.Store.Max(o))}}
		s.m.Needed(&reconcile.Frame{Fresh: !x.Chance(4), Peer: 1}, wants)
	case 6: // what came another way
		s.m.Learn(o, s.Store.Max(o)-min(s.Store.Max(o), x.UpTo(3)), x.Rand.Uint32n(scriptSides), s.frame)
	case 7, 8, 9:
		s.write(fmt.Sprint(i), 1+int(x.Rand.Uint32n(3)))
	default:
		x.Say(s.m.Cycle())
	}
}
