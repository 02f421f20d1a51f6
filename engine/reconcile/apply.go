package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// Applied says what a run did to the replica.
type Applied struct {
	New      int    // entries that were news
	Old      int    // entries that were here already
	From, To uint64 // our max before and after
	Gap      bool   // the run starts above our max: nothing was applied
	Full     bool   // the store refused an entry: the prefix ends before it
	System   bool   // a reserved key was among the news
}

// SystemPrefix begins the keys that the engine itself writes.
const SystemPrefix = 0

// Apply merges a run into the replica. The rule of prefixes: a run is applied
// when it starts at or below our max; afterwards our max is where it ends.
func Apply(s *state.Store, o state.Origin, r *codec.Run, it *codec.RunIter, e *codec.Entry) (a Applied) {
	a.From = s.Max(o)
	a.To = a.From
	if r.From > a.From {
		a.Gap = true
		return a
	}
	if r.To < a.From || (r.To == a.From && r.Floor <= s.Floor(o)) {
		a.Old = r.Count
		return a
	}
	it.Reset(r)
	for it.Next(e) {
		switch s.Apply(o, e) {
		case state.OK:
			a.New++
			a.To = e.Version
			if len(e.Key) > 0 && e.Key[0] == SystemPrefix {
				a.System = true
			}
		case state.Old:
			a.Old++
		default:
			a.Full = true
			s.Advance(o, a.To, s.Floor(o))
			return a
		}
	}
	a.To = max(a.From, r.To)
	s.Advance(o, a.To, r.Floor)
	return a
}
