package space

import (
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// due is when a version of a key ends.
type due struct {
	version engine.Version
	at      time.Time
}

// ending is a key that may end at a time: its due says whether it does.
type ending struct {
	at time.Time
	Name
}

// Before implements sched.Timed.
func (a ending) Before(b ending) bool { return a.at.Before(b.at) }

// endGrace is how long the index waits to be told that a key is over. A short life may be over
// before anybody looked, and then nobody tells.
const endGrace = time.Second

// dues are the lifetimes of keys. The index's mutex guards them.
type dues struct {
	of   map[Name]due
	next sched.Heap[ending] // at least one for each of them, by when it ended at first
}

func (d *dues) set(n Name, v engine.Version, at time.Time) {
	d.of[n] = due{v, at}
	d.next.Push(ending{at, n})
	if len(d.next) > 2*len(d.of)+64 { // most of it was written again since
		d.next = d.next[:0]
		for n, x := range d.of {
			d.next = append(d.next, ending{x.at, n})
		}
		d.next.Init()
	}
}

// over removes one key whose end is past, and returns it; false if there is none.
func (d *dues) over(now time.Time) (n Name, v engine.Version, ok bool) {
	for len(d.next) > 0 && now.Sub(d.next[0].at) > endGrace {
		n = d.next.Pop().Name
		if x, ok := d.of[n]; ok && now.Sub(x.at) > endGrace {
			delete(d.of, n)
			return n, x.version, true
		}
	}
	return n, v, false
}
