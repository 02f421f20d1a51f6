package main

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// wire is what lies between the hosts: it reads what leaves a device and decides what becomes of
// it.
type wire struct {
	hosts []*host
	place map[netip.Addr]int // of a host, by each of its addresses
	seen  func(from, to netip.Addr, packet []byte)

	mu      sync.Mutex
	rnd     *rand.Rand
	weather path
	paths   [][]path // by sender and receiver
	up      []pipe   // of a host
	down    []pipe
	counted tally
	carried uint64 // bytes that left a host
	belts   []chan parcel
}

// parcel is a packet that is due at its receiver.
type parcel struct {
	at   time.Time
	data []byte
}

// beltPackets is more than a slow link's queue holds of the shortest packets that fill it.
const beltPackets = 1 << 15

// addressOf is the address of a host by its place, and its other one.
func addressOf(place int) netip.Addr { return netip.AddrFrom4([4]byte{10, 99, 0, byte(place + 1)}) }
func secondOf(place int) netip.Addr  { return netip.AddrFrom4([4]byte{10, 99, 1, byte(place + 1)}) }

// newWire makes a network of n hosts. The error says what is not allowed or not there.
func newWire(n int, seed uint64) (*wire, error) {
	w := &wire{
		place: map[netip.Addr]int{}, rnd: rand.New(rand.NewPCG(seed, 2)),
		paths: make([][]path, n), up: make([]pipe, n), down: make([]pipe, n),
	}
	for i := range n {
		w.paths[i] = make([]path, n)
		h, err := newHost(addressOf(i))
		if err != nil {
			w.close()
			return nil, err
		}
		w.hosts = append(w.hosts, h)
		w.place[addressOf(i)], w.place[secondOf(i)] = i, i
	}
	return w, nil
}

// start lets packets flow.
func (w *wire) start() {
	w.belts = make([]chan parcel, len(w.hosts))
	for i := range w.hosts {
		w.belts[i] = make(chan parcel, beltPackets)
		go w.bring(i)
		go w.read(i)
	}
}

// bring writes packets that waited for a slow link in the order in which they came off it.
func (w *wire) bring(j int) {
	for p := range w.belts[j] {
		if wait := time.Until(p.at); wait > 0 {
			time.Sleep(wait)
		}
		w.hosts[j].tun.Write(p.data)
	}
}

// bytes is how many bytes have left hosts so far.
func (w *wire) bytes() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.carried
}

func (w *wire) close() {
	for _, h := range w.hosts {
		h.close()
	}
}

// read takes what leaves a host, until its device is closed.
func (w *wire) read(i int) {
	buf := make([]byte, 1<<16)
	for {
		n, err := w.hosts[i].tun.Read(buf)
		if err != nil {
			return
		}
		b := buf[:n]
		if n < ipHeader || b[0]>>4 != 4 {
			continue // the kernel looks for routers of IPv6
		}
		from, to := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		j, ok := w.place[to]
		if !ok || j == i {
			continue
		}
		if w.seen != nil {
			w.seen(from, to, b)
		}
		w.carry(i, j, b)
	}
}

// carry brings a packet to the other host, as often and as late as the path says.
func (w *wire) carry(i, j int, b []byte) {
	waits, mtu, inOrder := w.fate(i, j, b)
	if mtu > 0 {
		w.hosts[i].tun.Write(tooBig(b, mtu))
	}
	for _, wait := range waits {
		if wait == 0 {
			w.hosts[j].tun.Write(b) // full or closed: lost, as it may be
			continue
		}
		late := slices.Clone(b)
		if inOrder {
			select {
			case w.belts[j] <- parcel{time.Now().Add(wait), late}:
			default: // lost, as before a link that can't keep up
			}
			continue
		}
		time.AfterFunc(wait, func() { w.hosts[j].tun.Write(late) })
	}
}

// fate draws when the copies of a packet arrive, and damages it if that is its fate. mtu is
// what a router says of one that is too long; 0: nothing. inOrder: none overtakes another.
func (w *wire) fate(i, j int, b []byte) (waits []time.Duration, mtu int, inOrder bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, now := w.paths[i][j].over(w.weather), time.Now()
	w.carried += uint64(len(b))
	if p.drops(w.rnd, b, &w.counted) {
		if p.Told && len(b) > p.Hole {
			mtu = p.Hole
		}
		return nil, mtu, false
	}
	up, ok := w.up[i].holds(now, len(b))
	down, free := w.down[j].holds(now.Add(up), len(b))
	if !ok || !free {
		w.counted[overflowed]++
		return nil, 0, false
	}
	if p.Corrupt > 0 && w.rnd.Float64() < p.Corrupt && damage(w.rnd, b) {
		w.counted[damaged]++
	}
	waits = append(waits, up+down+p.holds(w.rnd))
	if p.Dup > 0 && w.rnd.Float64() < p.Dup {
		w.counted[doubled]++
		waits = append(waits, up+down+p.holds(w.rnd))
	}
	if w.counted[passed]++; waits[0] > 0 {
		w.counted[late]++
	}
	return waits, 0, p.Jitter == 0
}

// set changes the paths for which which is true.
func (w *wire) set(p path, which func(from, to int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.paths {
		for j := range w.paths[i] {
			if i != j && which(i, j) {
				w.paths[i][j] = p
			}
		}
	}
}

// throttle bounds what a host sends and receives, in bytes a second; 0: not at all.
func (w *wire) throttle(i, rate int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up[i].rate, w.down[i].rate = rate, rate
}

// blow sets the weather.
func (w *wire) blow(weather path) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weather = weather
}

// count gives the fates since the last call.
func (w *wire) count() tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.counted
	w.counted = tally{}
	return t
}
