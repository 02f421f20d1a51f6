package linux

import "sync/atomic"

// lease keeps a file descriptor open while calls on it are under way, so that
// no call ever meets a number that the kernel has given to somebody else. The
// word counts users; the first user above it is whoever calls end.
type lease struct{ word atomic.Uint64 }

const (
	leaseEnding uint64 = 1 << 32 // no new users; the last one out gives it back
	leaseOver   uint64 = 1 << 33 // given back
)

// enter begins a use. It reports false after end.
func (l *lease) enter(giveBack func()) bool {
	if l.word.Add(1)&(leaseEnding|leaseOver) == 0 {
		return true
	}
	l.leave(giveBack)
	return false
}

// leave ends a use. giveBack is called once, by the last user after end.
func (l *lease) leave(giveBack func()) {
	if l.word.Add(^uint64(0)) == leaseEnding && l.word.CompareAndSwap(leaseEnding, leaseOver) {
		giveBack()
	}
}

// end forbids new uses. It reports false if it was called before.
func (l *lease) end(giveBack func()) bool {
	for {
		v := l.word.Load()
		if v&(leaseEnding|leaseOver) != 0 {
			return false
		}
		if l.word.CompareAndSwap(v, v+1|leaseEnding) {
			l.leave(giveBack)
			return true
		}
	}
}

// ended reports whether end was called.
func (l *lease) ended() bool { return l.word.Load()&(leaseEnding|leaseOver) != 0 }
