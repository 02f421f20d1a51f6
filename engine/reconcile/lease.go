package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// leased is what a run has of keys that live by leases. A renewal moves a lease to the end of its
// origin's log, so a run often ends before it; and whoever has a key without its lease hides it.
type leased struct {
	newest uint64 // the highest version of the leases that its keys name
	of     state.Origin
	number uint32      // of the lease at hand
	here   bool        // it is
	is     codec.Entry // the lease at hand
}

// hint has an entry hint at what its lease has left, or not.
func (l *leased) hint(s *state.Store, o state.Origin, e *codec.Entry, wanted bool) {
	if e.Flags&codec.EntryLeased == 0 {
		return
	}
	if l.of != o || l.number != e.Lease {
		l.of, l.number = o, e.Lease
		l.here = s.Lease(o, e.Lease, &l.is)
	}
	if !l.here { // who gave the entry may have hinted
		return
	}
	if wanted && l.is.Version > e.Version {
		state.Hint(e, &l.is)
	} else {
		state.Bare(e)
	}
	if l.is.Flags&codec.EntryTombstone == 0 {
		l.newest = max(l.newest, l.is.Version)
	}
}
