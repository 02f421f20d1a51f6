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

func (f *flight) before(g *flight) bool { return f.at < g.at || f.at == g.at && f.order < g.order }

// flights is a binary heap, the next to arrive first.
type flights []flight

func (h *flights) push(f flight) {
	q := append(*h, f)
	i := len(q) - 1
	for i > 0 && q[i].before(&q[(i-1)/2]) {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
		i = (i - 1) / 2
	}
	*h = q
}

func (h *flights) pop() flight {
	q := *h
	top, last := q[0], len(q)-1
	q[0], q[last] = q[last], flight{}
	q = q[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && q[child].before(&q[least]) {
				least = child
			}
		}
		if least == i {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	*h = q
	return top
}

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
