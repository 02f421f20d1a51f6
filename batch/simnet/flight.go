package simnet

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/sched"
)

// flight is a datagram on its way.
type flight struct {
	at    sched.Instant
	order uint64
	from  netip.AddrPort
	data  []byte
	said  bool // no datagram: the host of from says that its port is closed
}

// Before implements sched.Timed.
func (f flight) Before(g flight) bool { return f.at < g.at || f.at == g.at && f.order < g.order }

// inbox is a queue on a ring that grows.
type inbox struct {
	ring []flight
	head int
	n    int
}

func (q *inbox) len() int { return q.n }

func (q *inbox) push(f flight) {
	if q.n == len(q.ring) {
		grown := make([]flight, max(16, 2*len(q.ring)))
		for i := range q.n {
			grown[i] = q.ring[(q.head+i)%len(q.ring)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.n)%len(q.ring)] = f
	q.n++
}

func (q *inbox) pop() flight {
	f := q.ring[q.head]
	q.ring[q.head] = flight{}
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	return f
}
