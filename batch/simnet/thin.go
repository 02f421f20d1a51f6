package simnet

import "github.com/quidnunc/quidnunc/sched"

// thin is the one link of a node to all others, as behind a modem: so many bytes a second each way,
// with a queue before each.
type thin struct {
	rate, room uint64
	busy       [2]sched.Instant // until when what it sends, and is sent, takes the link
}

// Thin puts the node behind a link of so many bytes a second each way, whose queues hold room bytes:
// what comes when one is full is lost. Zero takes the link away.
func (m *Model) Thin(node int, rate, room int) {
	if rate == 0 {
		delete(m.thin, node)
		return
	}
	if m.thin == nil {
		m.thin = map[int]*thin{}
	}
	m.thin[node] = &thin{rate: uint64(rate), room: uint64(room)}
}

// take has n bytes pass one way from at on, and says when they are through. false: there is no room.
func (x *thin) take(way int, at sched.Instant, n int) (through sched.Instant, ok bool) {
	begins := max(at, x.busy[way])
	if uint64(begins-at)*x.rate > x.room*uint64(sched.Second) {
		return 0, false
	}
	x.busy[way] = begins + sched.Instant(uint64(n)*uint64(sched.Second)/x.rate)
	return x.busy[way], true
}

// squeeze has the copies of a datagram pass the links of its sender and its receiver.
func (m *Model) squeeze(p *passage, now sched.Instant, f *Fate) {
	kept := 0
	for k := range f.Copies {
		at, ok := f.At[k], true
		if x := m.thin[p.from]; x != nil {
			var left sched.Instant
			if left, ok = x.take(0, now, p.bytes); ok {
				at += left - now
			}
		}
		if x := m.thin[p.to]; x != nil && ok {
			at, ok = x.take(1, at, p.bytes)
		}
		if ok {
			f.At[kept] = at
			kept++
		}
	}
	if f.Copies = kept; kept == 0 {
		f.Cause = Overflowed
	}
}
