package seal

// WindowCounters is how far behind the newest counter a frame may come and still be taken. The
// counter counts frames to all receivers: at 10,000 frames a second this is 0.4 s.
const WindowCounters = windowBits - 64

const (
	windowBits  = 4096
	windowWords = windowBits / 64
)

// Window remembers which counters of a sender came: each is taken once (RFC 6479). It is a ring of
// words of which the newest moves, so that nothing is shifted. The zero value is empty.
type Window struct {
	newest uint64
	seen   [windowWords]uint64
}

// Fresh says whether a frame with this counter may be new. 0 is never a counter.
func (w *Window) Fresh(counter uint64) bool {
	if counter > w.newest {
		return true
	}
	if counter == 0 || w.newest-counter >= WindowCounters {
		return false
	}
	return w.seen[counter/64%windowWords]&(1<<(counter%64)) == 0
}

// Mark notes a counter that is Fresh and whose frame has opened: an attacker must not move the
// window.
func (w *Window) Mark(counter uint64) {
	if counter > w.newest {
		from, to := w.newest/64, counter/64
		for i := range min(to-from, windowWords) {
			w.seen[(from+1+i)%windowWords] = 0
		}
		w.newest = counter
	}
	w.seen[counter/64%windowWords] |= 1 << (counter % 64)
}

// Old says whether a counter is so far behind that nobody can tell whether it came.
func (w *Window) Old(counter uint64) bool {
	return counter < w.newest && w.newest-counter >= WindowCounters
}

// Newest is the highest counter that came.
func (w *Window) Newest() uint64 { return w.newest }

// Resume goes on after a counter: what comes after it is fresh, and nothing up to it is, whether it
// came or not.
func (w *Window) Resume(counter uint64) {
	w.newest = counter
	for i := range w.seen {
		w.seen[i] = ^uint64(0)
	}
	w.seen[counter/64%windowWords] = 1<<(counter%64+1) - 1
}

// Reset forgets everything: for a sender with a new boot salt.
func (w *Window) Reset() { *w = Window{} }
