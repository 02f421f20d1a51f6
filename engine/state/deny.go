package state

import "github.com/quidnunc/quidnunc/codec"

// A delete of a key that its owner does not have says nothing: nobody else has it either. But where
// a former life of the owner had it, readers elsewhere see that as an echo (echo.go). So a young
// life leaves a tombstone of such a key too, a denial, which hides the echo as every tombstone does.
// The first members have met the life soon after its start, and their echoes end echoFor later.
//
// A denial takes memory for nothing that was there before, so it waits for nobody: where there is
// no room for it beside all that was admitted, there is none, and readers may see the former value
// until the echo ends. So may those who meet the life later than YoungFor less echoFor, and those
// who meet it when the tombstone has been collected: for echoFor at most.
//
// In a precise cluster nobody denies: there is no prefix that says who has the tombstone.

// YoungFor is how long a life is young, in nanoseconds.
const YoungFor = 3 * echoFor

// Denies tells whether the owner of this store does not have the key of a delete, which is not to
// be applied then. It writes a tombstone if the owner is young and there is room. The entry is as
// for Apply.
func (s *Store) Denies(e *codec.Entry) bool {
	if s.Lives(s.owner, e.Key) {
		return false
	}
	young := !s.keyed.on && s.now-s.owned < YoungFor
	if young && !codec.Reserved(e.Key) && s.mayDeny(s.rec(s.owner), e) && s.Apply(s.owner, e) == OK {
		s.denied = e.Version
	}
	return true
}

// mayDeny tells whether the tombstone of a key is not here yet, and leaves room for all that was
// admitted, and half of the tombstones to what is deleted.
func (s *Store) mayDeny(r *origin, e *codec.Entry) bool {
	if _, _, cell := s.findKey(r.tag, s.hash(r.tag, e.Key), e.Key); cell != 0 || s.Tombstones(s.owner) >= s.TombstoneShare()/2 {
		return false
	}
	free := s.Admits(s.owner)
	return free.Bytes >= s.limits.Staged+CellBytes(len(e.Key), e.Flags) && free.Owned >= s.limits.Staged+len(e.Key)
}

// SpentDenials is the version of the last denial when the life is not young any more, else 0: once
// everybody has it, it has done its work.
func (s *Store) SpentDenials() uint64 {
	if s.now-s.owned < YoungFor {
		return 0
	}
	return s.denied
}
