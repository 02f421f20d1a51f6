package core

import (
	"encoding/binary"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	// A greeting costs an opening, or a checksum, and an answer: about 1 µs.
	helloRate = door.Rate{Total: 8192, Burst: 2048, Each: 64, EachBurst: 64}
	// A derivation costs about 2 µs and allocates. It takes a cookie.
	deriveRate = door.Rate{Total: 1024, Burst: 2048, Each: 8, EachBurst: 8}
)

// initDoor takes over the secret behind cookies and challenges.
func (c *Core) initDoor(now sched.Instant) {
	secret := &c.cfg.Secret
	key := [2]uint64{binary.LittleEndian.Uint64(secret[:]), binary.LittleEndian.Uint64(secret[8:])}
	if *secret == ([32]byte{}) {
		key = [2]uint64{c.rand.Uint64(), c.rand.Uint64()}
	}
	*secret = [32]byte{}
	c.proofs.Init(key)
	c.hellos.Init(now, helloRate)
	c.derives.Init(now, deriveRate)
}

// What is dropped at the door is counted by reason, and by source in a table
// of fixed size. A source that keeps coming stays in it whatever a flood from
// forged sources does: each set of four is a Misra-Gries summary.

const (
	rejectSets   = 64
	rejectWays   = 4
	rejectWeight = 64 // a source is forgotten after as many others at most
	rejectSays   = 60 * sched.Second

	// Greetings in answer to frames that we can't use.
	hintRate, hintBurst = 512, 256
	// Lines about unknown keys, over all sources.
	sayRate, sayBurst = 1, 32
)

// Reject is what was dropped at the door of one source for one reason.
type Reject struct {
	Source netip.AddrPort
	Count  uint64        // since the source is in the table
	Last   sched.Instant // when the last one came
	Reason Drop
	KeyID  uint8 // key id of the last one; 0: not sealed, or not readable
}

type reject struct {
	Reject
	said   sched.Instant // reported
	hinted sched.Instant // greeted
	weight uint8         // 0: free
}

type rejects struct {
	sets [][rejectWays]reject
	says sched.Pacer
	hint sched.Pacer
}

func (r *rejects) init(now sched.Instant) {
	r.sets = make([][rejectWays]reject, rejectSets)
	r.says.Init(now, sayRate, sayBurst)
	r.hint.Init(now, hintRate, hintBurst)
}

// mixAddr hashes an address. It is not keyed: who wants collisions gets them,
// and then wins nothing but a place in a table.
func mixAddr(a netip.AddrPort) uint64 {
	b := a.Addr().As16()
	x := binary.LittleEndian.Uint64(b[:]) * 0x9e3779b97f4a7c15
	x = (x ^ x>>32 ^ binary.LittleEndian.Uint64(b[8:])) * 0xd1b54a32d192ed03
	x = (x ^ x>>32 ^ uint64(a.Port())) * 0x9e3779b97f4a7c15
	return x ^ x>>32
}

// note counts one; nil when the table has no place for the source now.
func (r *rejects) note(now sched.Instant, from netip.AddrPort, why Drop, key uint8) *reject {
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
	set[free] = reject{Reject: Reject{from, 1, now, why, key}, weight: 1}
	return &set[free]
}

// reject counts a datagram that is dropped at the door.
func (c *Core) reject(from netip.AddrPort, why Drop) *reject {
	c.counters.Drops[why]++
	return c.rejects.note(c.now, from, why, c.in.KeyID)
}

// turnAway rejects somebody who may be one of us and not know how things stand,
// and greets him.
func (c *Core) turnAway(from netip.AddrPort, size int, why Drop) {
	c.hint(c.reject(from, why), from, size)
}

// unreadable counts a datagram whose header is not one.
func (c *Core) unreadable(from netip.AddrPort, why Drop) {
	c.counters.Drops[why]++
	c.rejects.note(c.now, from, why, 0)
}

// unknownKey counts a frame under a key that we do not hold, reports its source
// once in a while, and greets it: then it sees which key is used here.
func (c *Core) unknownKey(from netip.AddrPort, size int) {
	e := c.reject(from, DropKey)
	if e != nil && (e.said == 0 || c.now-e.said >= rejectSays) && c.rejects.says.Take(c.now, 1) {
		e.said = max(1, c.now)
		c.queue.push(Event{Kind: KeyUnknown, Addr: from, Key: c.in.KeyID})
	}
	c.hint(e, from, size)
}

// hint greets somebody whose frame we could not use, within what may
// be sent there (door.Room), and not too often; never in answer to such a greeting, so that two
// nodes that can't understand each other fall silent. e is the source's entry
// in the table, nil if it has none.
func (c *Core) hint(e *reject, from netip.AddrPort, size int) {
	if c.in.Flags&codec.FlagHello != 0 && size < helloPadded || door.Room(size) < c.bareHello {
		return
	}
	if e != nil && e.hinted != 0 && c.now-e.hinted < greetGap || !c.rejects.hint.Take(c.now, 1) {
		return
	}
	if e != nil {
		e.hinted = max(1, c.now)
	}
	c.replies.push(reply{kind: codec.TypeHello, to: from, bare: true})
}

// AppendRejects appends the table of rejected sources, in no order.
func (c *Core) AppendRejects(dst []Reject) []Reject {
	for i := range c.rejects.sets {
		for k := range c.rejects.sets[i] {
			if e := &c.rejects.sets[i][k]; e.weight > 0 {
				dst = append(dst, e.Reject)
			}
		}
	}
	return dst
}

// greetings remembers when padded hellos went to addresses that have not proved
// themselves: one each step of the backoff, however many names share one.
type greetings struct {
	at    [256]sched.Instant
	whom  [256]uint64
	total sched.Pacer
}

const (
	greetGap              = helloFirst / 2
	greetRate, greetBurst = 2048, 4096
)

// mayGreet tells whether a padded hello may go to an address now.
func (c *Core) mayGreet(to netip.AddrPort) bool {
	g := &c.greetings
	h := mixAddr(to) | 1
	i := h >> 56
	if g.whom[i] == h && c.now-g.at[i] < greetGap || !g.total.Take(c.now, 1) {
		return false
	}
	g.whom[i], g.at[i] = h, c.now
	return true
}
