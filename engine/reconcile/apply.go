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
	Unnamed  bool   // it was applied up to an entry that refers to what is not here
	Full     bool   // the store refused an entry: the prefix ends before it
	Beyond   int    // Full: entries that were taken beyond our max
	Since    uint64 // the news are after this version
	System   bool   // a reserved key was among the news
}

// Apply merges a run into the replica. The rule of prefixes: a run is applied
// when it starts at or below our max; afterwards our max is where it ends.
func Apply(s *state.Store, o state.Origin, r *codec.Run, it *codec.RunIter) Applied {
	if top := s.Max(o); r.From <= top && r.To <= top && r.Floor <= s.Floor(o) && !s.Relayed(o) {
		return Applied{Old: r.Count, From: top, To: top} // all of it is here
	}
	a := s.ApplyRun(o, r, it)
	gap, cut := a.Status == state.Gap, a.Status == state.Unnamed
	return Applied{
		New: a.New, Old: a.Old, From: a.From, To: a.To,
		Gap: gap, Unnamed: a.Unnamed, Full: !gap && !cut && a.Status != state.OK, Beyond: a.Beyond, Since: a.Since, System: a.Zero,
	}
}
