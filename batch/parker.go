package batch

import "sync/atomic"

// Parker is the word by which the caller of Wait and those who wake it agree,
// for implementations of Poller: awake → parked → awake around a sleep, and
// notified when a wake is due. Who publishes work first and asks then whether to
// ring is seen, since both sides store before they load (Dekker), and Go atomics
// are sequentially consistent. The zero value is awake.
type Parker struct{ word atomic.Uint32 }

// The values of the word.
const (
	awake    uint32 = iota // nobody sleeps and no wake is due
	parked                 // the caller of Wait sleeps or is about to
	notified               // a wake is due: this Wait or the next ends at once
)

// Park is called before a sleep. False: a wake was due, and has been taken.
// What was published before Park has to be looked for after it.
func (p *Parker) Park() bool {
	if p.word.CompareAndSwap(awake, parked) {
		return true
	}
	p.word.Store(awake)
	return false
}

// Unpark is called after a sleep. A wake that came meanwhile is taken.
func (p *Parker) Unpark() { p.word.Store(awake) }

// Parked reports whether nobody has notified the sleeper: what rang was left over.
func (p *Parker) Parked() bool { return p.word.Load() == parked }

// Take takes a wake that is due; for a Wait that spins.
func (p *Parker) Take() bool {
	if p.word.Load() != notified {
		return false
	}
	p.word.Store(awake)
	return true
}

// Notify makes a wake due. True: somebody sleeps, and the caller has to ring.
func (p *Parker) Notify() (ring bool) {
	for {
		w := p.word.Load()
		if w == notified {
			return false
		}
		if p.word.CompareAndSwap(w, notified) {
			return w == parked
		}
	}
}

// NotifyParked does so only if somebody sleeps, for news that the next Wait finds
// by itself.
func (p *Parker) NotifyParked() (ring bool) {
	return p.word.Load() == parked && p.word.CompareAndSwap(parked, notified)
}
