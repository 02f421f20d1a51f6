// Package grace decides how far the tombstones of an owner may go: how long a
// deleted key has to be remembered so that nobody brings it back.
//
// # The rule
//
// A tombstone that every live member has acknowledged has done its work: whoever
// has the prefix up to it holds the key no more. Members that are known and have
// not answered count as missing, so a newcomer and a stranger hold it back. Who is
// given up for dead, or silent for longer than After, does not: otherwise one
// member that never answers would keep all deletes for ever. When it comes back it
// is below the floor, knows that it may hold deleted keys (dirty), and is repaired.
// So After is no matter of correctness, as the grace of hours of other systems is,
// but of how often that costs a repair.
//
// A budget bounds what is remembered meanwhile: above it the older half of the
// versions goes at once. Below half of it everything stays, since memory is there
// for that, but for what is said to be spent. The floor moves at most once in Every.
//
// # Limits
//
// It counts by versions: After is measured to within half of it.
package grace

import "github.com/quidnunc/quidnunc/sched"

const (
	After = 60 * sched.Second // what nobody has acknowledged goes after so long
	Every = sched.Second      // between two floors, within the budget
)

// Keeper is the state of one owner. The zero value is ready.
type Keeper struct {
	at    sched.Instant // of the last floor
	marks [3]mark       // newest first
}

type mark struct {
	version uint64
	at      sched.Instant
}

// Owner is what is known of the own origin.
type Owner struct {
	Max, Floor uint64
	Confirmed  uint64 // every live member has acknowledged so much; 0: one is unknown
	Tombstones int
	Budget     int
	Spent      uint64 // tombstones up to here need no memory once everybody has them
}

// Floor is how far tombstones may go now; the present floor if they may not.
func (k *Keeper) Floor(now sched.Instant, o *Owner) uint64 {
	if k.marks[0].at == 0 || now-k.marks[0].at >= After/2 {
		copy(k.marks[1:], k.marks[:])
		k.marks[0] = mark{o.Max, now}
	}
	pressed := o.Tombstones > o.Budget
	if o.Tombstones <= o.Budget/2 && o.Spent <= o.Floor || !pressed && k.at != 0 && now-k.at < Every {
		return o.Floor
	}
	floor := o.Confirmed
	for _, m := range k.marks {
		if m.at != 0 && now-m.at >= After {
			floor = max(floor, m.version)
		}
	}
	if pressed && floor <= o.Floor {
		floor = o.Floor + (o.Max-o.Floor+1)/2
	}
	if floor = min(floor, o.Max); floor > o.Floor {
		k.at = now
		return floor
	}
	return o.Floor
}
