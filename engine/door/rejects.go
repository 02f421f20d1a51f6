package door

import (
	"encoding/binary"
	"net/netip"

	"github.com/quidnunc/quidnunc/sched"
)

// What is dropped at the door is counted by reason, and by source in a table
// of fixed size. A source that keeps coming stays in it whatever a flood from
// forged sources does: each set of four is a Misra-Gries summary.

const (
	rejectSets   = 64
	rejectWays   = 4
	rejectWeight = 64 // a source is forgotten after as many others at most
	rejectSays   = 60 * sched.Second

	// Greetings in answer to frames that we can't use.
	greetBackRate, greetBackBurst = 512, 256
	// SayRate and SayBurst bound the lines about unknown keys, over all sources.
	sayRate, SayBurst = 1, 32
)

// Footprint is how many bytes a door takes beside its own struct.
const Footprint = rejectSets * rejectWays * entryBytes

const entryBytes = 80 // a test holds it

// Reject is what was dropped at the door of one source for one reason.
type Reject struct {
	Source netip.AddrPort
	Count  uint64        // since the source is in the table
	Last   sched.Instant // when the last one came
	Reason uint8         // as the caller counts them
	KeyID  uint8         // key id of the last one; 0: not sealed, or not readable
}

// Entry is a place in the table.
type Entry struct {
	Reject
	said        sched.Instant // reported
	greetedBack sched.Instant // greeted
	weight      uint8         // 0: free
}

// Again tells that it is not the first one: that may have been damaged on the way.
func (e *Entry) Again() bool { return e != nil && e.Count > 1 }

// Rejects is the table.
type Rejects struct {
	sets       [][rejectWays]Entry
	says       sched.Pacer
	greetBacks sched.Pacer
}

func (r *Rejects) init(now sched.Instant) {
	r.sets = make([][rejectWays]Entry, rejectSets)
	r.says.Init(now, sayRate, SayBurst)
	r.greetBacks.Init(now, greetBackRate, greetBackBurst)
}

// mixAddr hashes an address. It is not keyed: a collision is easy to make, and
// wins nothing but a place in a table.
func mixAddr(a netip.AddrPort) uint64 {
	b := a.Addr().As16()
	x := binary.LittleEndian.Uint64(b[:]) * 0x9e3779b97f4a7c15
	x = (x ^ x>>32 ^ binary.LittleEndian.Uint64(b[8:])) * 0xd1b54a32d192ed03
	x = (x ^ x>>32 ^ uint64(a.Port())) * 0x9e3779b97f4a7c15
	return x ^ x>>32
}

// Note counts one; nil when the table has no place for the source now.
func (r *Rejects) Note(now sched.Instant, from netip.AddrPort, why, key uint8) *Entry {
	h := mixAddr(from) ^ uint64(why)*0x9e37
	set := &r.sets[h%rejectSets]
	free := -1
	for i := range set {
		e := &set[i]
		if e.weight == 0 {
			free = i
			continue
		}
		if e.Reason == why && e.Source == from {
			e.Count++
			e.Last, e.KeyID = now, key
			e.weight = min(e.weight+1, rejectWeight)
			return e
		}
	}
	if free < 0 {
		for i := range set {
			set[i].weight--
		}
		return nil
	}
	set[free] = Entry{Reject: Reject{from, 1, now, why, key}, weight: 1}
	return &set[free]
}

// Say asks whether to tell of a source now: once in a while for each, and at a
// bounded rate for all.
func (r *Rejects) Say(now sched.Instant, e *Entry) bool {
	if e == nil || e.said != 0 && now-e.said < rejectSays || !r.says.Take(now, 1) {
		return false
	}
	e.said = max(1, now)
	return true
}

// AppendRejects appends the table of rejected sources, in no order.
func (r *Rejects) AppendRejects(dst []Reject) []Reject {
	for i := range r.sets {
		for k := range r.sets[i] {
			if e := &r.sets[i][k]; e.weight > 0 {
				dst = append(dst, e.Reject)
			}
		}
	}
	return dst
}
