package sched

// Timer is one timer of a wheel, for its owner to set: the wheel's keeper says whom it
// wakes. The zero Timer is nobody's.
type Timer struct {
	wheel *Wheel
	id    uint32
}

// Timer is the timer with an id.
func (w *Wheel) Timer(id uint32) Timer { return Timer{w, id} }

// Set sets the timer, or moves it.
func (t Timer) Set(at Instant) { t.wheel.Set(t.id, at) }

// SetOnce sets the timer unless it runs. It reports whether it was set.
func (t Timer) SetOnce(at Instant) bool {
	if t.wheel.Armed(t.id) {
		return false
	}
	t.wheel.Set(t.id, at)
	return true
}

// Armed reports whether the timer runs.
func (t Timer) Armed() bool { return t.wheel.Armed(t.id) }

// Cancel stops the timer.
func (t Timer) Cancel() { t.wheel.Cancel(t.id) }

// Timers are the timers of one kind, one a handle.
type Timers struct {
	wheel       *Wheel
	first, step uint32
}

// Timers are those with the ids first + handle × step.
func (w *Wheel) Timers(first, step uint32) Timers { return Timers{w, first, step} }

// Of is the timer of a handle.
func (t Timers) Of(h uint32) Timer { return Timer{t.wheel, t.first + h*t.step} }
