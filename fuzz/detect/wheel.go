package detect

import "github.com/quidnunc/quidnunc/sched"

// The queue of events is one round of slots: time advances slot by slot, and within a slot events come in the order in
// which they were made. Nothing lies further ahead than the round; timers that would are set to its end and look again.
const (
	slotBits  = 15 // 33 µs
	slotCount = 1 << 16
	horizon   = sched.Instant(slotCount-2) << slotBits
)

type event struct {
	at   sched.Instant
	next uint32
	node uint32
	msg  *message // nil: a timer
}

type wheel struct {
	slots  [slotCount]struct{ head, tail uint32 }
	events []event // [0] is nil
	free   uint32
	at     int64 // slot of the present
}

func (w *wheel) init(now sched.Instant) {
	*w = wheel{events: make([]event, 1, 1<<16), at: int64(now) >> slotBits}
}

func (w *wheel) add(at sched.Instant, node uint32, m *message) {
	slot := max((int64(at)+1<<slotBits-1)>>slotBits, w.at)
	i := w.free
	if i != 0 {
		w.free = w.events[i].next
	} else {
		w.events = append(w.events, event{})
		i = uint32(len(w.events) - 1)
	}
	w.events[i] = event{at: at, node: node, msg: m}
	s := &w.slots[slot%slotCount]
	if s.tail != 0 {
		w.events[s.tail].next = i
	} else {
		s.head = i
	}
	s.tail = i
}

// pop gives the next event up to the time end, and moves the present to it.
func (w *wheel) pop(end sched.Instant) (event, bool) {
	for w.at <= int64(end)>>slotBits {
		s := &w.slots[w.at%slotCount]
		if i := s.head; i != 0 {
			e := w.events[i]
			if s.head = e.next; s.head == 0 {
				s.tail = 0
			}
			w.events[i] = event{next: w.free}
			w.free = i
			return e, true
		}
		w.at++
	}
	return event{}, false
}

func (w *wheel) now() sched.Instant { return sched.Instant(w.at << slotBits) }
