package enginetest

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// network is a Poller over another one that drops datagrams on arrival: those
// from the other side of a cut, from members that were killed, and by chance. Those
// that are late, or to a member that is frozen, it holds.
type network struct {
	batch.Poller
	owned bool
	lock  bool // the reactor should have a thread

	mu     sync.Mutex
	conns  map[batch.Conn]*conn
	list   []*conn // of conns, in the order in which they were opened
	places map[netip.AddrPort]int
	group  map[int]int // by member; none: 0
	muted  map[netip.AddrPort]bool
	cut    map[[2]int]bool // from a member to another: nothing arrives
	loss   float64
	delay  sched.Instant // of each datagram
	frozen map[int]bool  // by member
	rand   *rand.Rand
}

func newNetwork(under batch.Poller, seed uint64) *network {
	n := &network{
		Poller: under, conns: map[batch.Conn]*conn{},
		places: map[netip.AddrPort]int{}, muted: map[netip.AddrPort]bool{}, cut: map[[2]int]bool{},
		frozen: map[int]bool{},
		rand:   rand.New(rand.NewPCG(seed, 0)),
	}
	if under == nil {
		n.Poller, n.lock = engine.Sockets(batch.Idle{})
		n.owned = true
	}
	return n
}

// Listen wraps the socket.
func (n *network) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	under, err := n.Poller.Listen(bind, opt)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: under, net: n}
	n.mu.Lock()
	n.conns[under], n.list = c, append(n.list, c)
	n.mu.Unlock()
	return c, nil
}

// Wait names the wrapped sockets, and those for which something has waited.
func (n *network) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	k, err := n.Poller.Wait(min(deadline, n.due()), ready)
	n.mu.Lock()
	for i := range ready[:k] {
		if c := n.conns[ready[i]]; c != nil {
			ready[i] = c
		}
	}
	n.mu.Unlock()
	return n.wake(ready, k), err
}

// Close closes what is under it only when that was made here.
func (n *network) Close() error {
	if n.owned {
		return n.Poller.Close()
	}
	return nil
}

func (n *network) place(a netip.AddrPort, member int) {
	n.mu.Lock()
	n.places[a] = member
	delete(n.muted, a)
	n.mu.Unlock()
}

func (n *network) mute(a netip.AddrPort) {
	n.mu.Lock()
	n.muted[a] = true
	n.mu.Unlock()
}

func (n *network) partition(groups [][]int) {
	n.mu.Lock()
	n.group = map[int]int{}
	for i, g := range groups {
		for _, member := range g {
			n.group[member] = i + 1
		}
	}
	n.mu.Unlock()
}

func (n *network) cutOneWay(from, to int) {
	n.mu.Lock()
	n.cut[[2]int{from, to}] = true
	n.mu.Unlock()
}

func (n *network) heal() {
	n.partition(nil)
	n.mu.Lock()
	clear(n.cut)
	n.mu.Unlock()
}

func (n *network) setLoss(p float64) {
	n.mu.Lock()
	n.loss = p
	n.mu.Unlock()
}

// passes decides about one datagram.
func (n *network) passes(from, to netip.AddrPort) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.muted[from] || n.muted[to] || n.loss > 0 && n.rand.Float64() < n.loss {
		return false
	}
	a, known := n.places[from]
	return !known || n.group[a] == n.group[n.places[to]] && !n.cut[[2]int{a, n.places[to]}]
}

type conn struct {
	batch.Conn
	net  *network
	held []held
	size int // bytes of held
}

// Recv leaves out what the network drops or holds. What was held comes first.
func (c *conn) Recv(ms []batch.Msg) (int, error) {
	if k := c.release(ms); k > 0 {
		return k, nil
	}
	n, err := c.Conn.Recv(ms)
	to, kept := c.LocalAddr(), 0
	for i := range ms[:n] {
		if c.net.passes(ms[i].Addr, to) && !c.net.holds(c, &ms[i]) {
			ms[kept], ms[i] = ms[i], ms[kept]
			kept++
		}
	}
	return kept, err
}

// Close forgets the socket.
func (c *conn) Close() error {
	c.net.mu.Lock()
	delete(c.net.conns, c.Conn)
	c.net.list = slices.DeleteFunc(c.net.list, func(x *conn) bool { return x == c })
	c.net.mu.Unlock()
	return c.Conn.Close()
}
