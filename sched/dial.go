package sched

import "math/bits"

// dial is the face of a timing wheel: where the hand stands, and which slots hold something.
type dial struct {
	soonest  [slots]uint64  // a tick not later than the first one in the slot
	occupied [levels]uint64 // bit s: slot s holds something
	used     uint8          // bit l: occupied[l] is not 0
	tick     uint64         // current tick; its slot holds what is due
	base     Instant        // instant of tick 0
}

// seat is the slot for a tick, which is not in the past, and marks it as occupied.
func (d *dial) seat(tick uint64) (slot uint32) {
	level := uint32(0)
	if differ := tick ^ d.tick; differ != 0 {
		level = uint32(bits.Len64(differ)-1) / slotBits
	}
	at := uint32(tick>>(level*slotBits)) % levelSlots
	slot = level<<slotBits | at
	if d.occupied[level]&(1<<at) == 0 || tick < d.soonest[slot] {
		d.soonest[slot] = tick
	}
	d.occupied[level] |= 1 << at
	d.used |= 1 << level
	return slot
}

// vacate says that a slot holds nothing any more.
func (d *dial) vacate(slot uint32) {
	level := slot >> slotBits
	d.occupied[level] &^= 1 << (slot % levelSlots)
	if d.occupied[level] == 0 {
		d.used &^= 1 << level
	}
}

// next is when to look again: never later than the first tick that is set, and Never when none is.
// Where what was first in a far slot is gone it may be too early, once.
func (d *dial) next() Instant {
	if d.used == 0 {
		return Never
	}
	level, slot := d.first()
	if level == 0 {
		return d.instant(d.start(0, slot))
	}
	return d.instant(d.soonest[level<<slotBits|slot])
}

// first is the earliest slot that is occupied. One must be.
func (d *dial) first() (level, slot uint32) {
	level = uint32(bits.TrailingZeros8(d.used))
	return level, uint32(bits.TrailingZeros64(d.occupied[level]))
}

// start is the first tick of a slot that has not passed.
func (d *dial) start(level, slot uint32) uint64 {
	shift := level * slotBits
	return d.tick>>(shift+slotBits)<<(shift+slotBits) | uint64(slot)<<shift
}

// floor is the last tick that has begun at an instant.
func (d *dial) floor(at Instant) uint64 {
	if at <= d.base {
		return 0
	}
	return (uint64(at) - uint64(d.base)) >> tickBits
}

// ceil is the first tick that begins at or after an instant.
func (d *dial) ceil(at Instant) uint64 {
	if at <= d.base {
		return 0
	}
	return (uint64(at)-uint64(d.base)-1)>>tickBits + 1
}

// instant is when a tick begins; Never where that does not fit.
func (d *dial) instant(tick uint64) Instant {
	if tick > (uint64(Never)-uint64(d.base))>>tickBits {
		return Never
	}
	return Instant(uint64(d.base) + tick<<tickBits)
}
