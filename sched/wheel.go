package sched

// Tick is the resolution of a [Wheel]: 2^16 ns, about 66 µs.
const Tick Instant = 1 << tickBits

const (
	tickBits   = 16
	slotBits   = 6
	levelSlots = 1 << slotBits // one bitmap word a level
	levels     = 8             // 48 bits of ticks: every int64 span fits, nothing overflows
	slots      = levels * levelSlots
)

const _ uint = levels*slotBits + tickBits - 63 // the levels reach as far as an Instant

// Wheel holds timers that are named by the caller's own small integers: at most
// one time for each id. It is a hierarchical timing wheel (Varghese and Lauck
// 1987, scheme 7): level l has 64 slots of 64^l ticks each, and a timer stands
// at the level of the highest 6-bit group in which its tick differs from the
// current one, so a slot never mixes rounds and the first set bit of the lowest
// used level is always the earliest slot.
//
// Laws: a timer never fires before its instant; it fires at the first Expire
// that is a tick or more later than it, so it is late by less than one Tick
// plus the time until that call; a loop that calls Expire at one instant until
// it says no gets each id at most once, even when it re-arms them. Set, Cancel
// and Expire are O(1), but for the moves between levels (at most 7 a timer).
type Wheel struct {
	dial
	armed []uint32 // by id: its link; 0: it is not armed
	links []link   // slot sentinels, then those of armed timers: circular lists
	free  uint32   // links that are in none, by next
}

type link struct {
	next, prev uint32
	tick       uint64 // when it fires
	id         uint32
}

const linkBytes = 24

// WheelBytes is what a wheel takes for so many ids, of which so many are armed at once.
func WheelBytes(timers, armed int) int { return (timers+1)*4 + (slots+armed)*linkBytes }

// Init makes room for the ids 0 to timers, both included, none armed, and sets
// the wheel's time to now. Beside it Set allocates, where more are armed at once than ever were.
func (w *Wheel) Init(timers int, now Instant) {
	*w = Wheel{dial: dial{base: now}, armed: make([]uint32, timers+1), links: make([]link, slots, slots+min(timers+1, slots/4))}
	for s := range uint32(slots) {
		w.links[s] = link{next: s, prev: s}
	}
}

// Armed tells whether id is set.
func (w *Wheel) Armed(id uint32) bool { return w.armed[id] != 0 }

// Set arms id, wherever it stood before. An instant that has passed counts as
// the next tick; Never cancels.
func (w *Wheel) Set(id uint32, at Instant) {
	if at == Never {
		w.Cancel(id)
		return
	}
	n := w.armed[id]
	if n != 0 {
		w.unlink(n)
	} else {
		n = w.take(id)
	}
	w.place(n, max(w.ceil(at), w.tick+1))
}

// Cancel disarms id. It tells whether id was armed.
func (w *Wheel) Cancel(id uint32) bool {
	n := w.armed[id]
	if n == 0 {
		return false
	}
	w.unlink(n)
	w.give(n)
	return true
}

// take is a link for a timer that is armed from now on, give ends that.
func (w *Wheel) take(id uint32) (n uint32) {
	if n = w.free; n != 0 {
		w.free = w.links[n].next
	} else {
		n = uint32(len(w.links))
		w.links = append(w.links, link{})
	}
	w.armed[id] = n
	w.links[n].id = id
	return n
}

func (w *Wheel) give(n uint32) (id uint32) {
	id = w.links[n].id
	w.armed[id] = 0
	w.links[n].next, w.free = w.free, n
	return id
}

// Expire moves the wheel's time to now, which must not go back, and takes out
// one timer that is due; ok is false when there is none left. Timers come in
// the order of their ticks.
func (w *Wheel) Expire(now Instant) (id uint32, ok bool) {
	target := w.floor(now)
	for w.used != 0 {
		level, slot := w.first()
		start := w.start(level, slot)
		if start > target {
			break
		}
		w.tick = start
		sentinel := level<<slotBits | slot
		if level == 0 {
			n := w.links[sentinel].next
			w.unlink(n)
			return w.give(n), true
		}
		w.cascade(sentinel)
	}
	w.tick = max(w.tick, target)
	return 0, false
}

// Next is when to call Expire next: never later than the first timer's tick and
// Never when nothing is armed. Where a cancelled timer was the first of a far
// slot it may be too early, once: the call then finds nothing and Next moves on.
func (w *Wheel) Next() Instant { return w.next() }

// place links n into the slot for tick, which is not in the past.
func (w *Wheel) place(n uint32, tick uint64) {
	sentinel := w.seat(tick)
	last := w.links[sentinel].prev
	x := &w.links[n]
	x.next, x.prev, x.tick = sentinel, last, tick
	w.links[last].next = n
	w.links[sentinel].prev = n
}

// unlink takes n out of its slot.
func (w *Wheel) unlink(n uint32) {
	next, prev := w.links[n].next, w.links[n].prev
	w.links[prev].next = next
	w.links[next].prev = prev
	if next == prev { // only a slot's sentinel has one neighbour twice
		w.vacate(next)
	}
}

// cascade moves the timers of a slot that has begun to lower levels.
func (w *Wheel) cascade(sentinel uint32) {
	n := w.links[sentinel].next
	w.links[sentinel] = link{next: sentinel, prev: sentinel}
	w.vacate(sentinel)
	for n != sentinel {
		next := w.links[n].next
		w.place(n, w.links[n].tick)
		n = next
	}
}
