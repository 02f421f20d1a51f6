package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// path is what becomes of the packets of one direction between two hosts. The zero path
// takes them over at once.
type path struct {
	Loss, Dup, Corrupt float64       // shares of the packets
	Delay, Jitter      time.Duration // a packet takes Delay plus or minus Jitter; so others overtake it
	Hole               int           // packets of more bytes than this vanish; 0: none
	Told               bool          // and a router says so
	Cut                bool          // all vanish
	LossDatagrams      float64       // of the UDP packets, beside Loss: a policer's
}

// over is both: the path and the weather over it.
func (p path) over(w path) path {
	p.Loss, p.Dup, p.Corrupt = p.Loss+w.Loss, p.Dup+w.Dup, p.Corrupt+w.Corrupt
	p.Delay, p.Jitter = p.Delay+w.Delay, p.Jitter+w.Jitter
	return p
}

// String names what is not as on the zero path.
func (p path) String() string {
	var b strings.Builder
	put := func(yes bool, format string, args ...any) {
		if yes {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	put(p.Loss > 0, "loss %.1f%%", p.Loss*100)
	put(p.LossDatagrams > 0, "datagrams lost %.1f%%", p.LossDatagrams*100)
	put(p.Dup > 0, "twice %.1f%%", p.Dup*100)
	put(p.Corrupt > 0, "damaged %.1f%%", p.Corrupt*100)
	put(p.Delay+p.Jitter > 0, "%v ± %v", p.Delay, p.Jitter)
	put(p.Hole > 0, "none above %d B", p.Hole)
	put(p.Told, "as a router tells")
	put(p.Cut, "cut")
	return strings.TrimPrefix(b.String(), " ")
}

// fate is what becomes of one packet.
type fate uint8

const (
	passed fate = iota
	doubled
	damaged
	late // held back
	lost
	tooLong
	cut
	overflowed // the queue before a slow link
	fates
)

var fateNames = [fates]string{"passed", "doubled", "damaged", "late", "lost", "too long", "cut", "overflowed"}

// tally counts fates.
type tally [fates]uint64

// String names those that occurred.
func (t tally) String() string {
	var list []string
	for f, n := range t {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, fateNames[f]))
		}
	}
	return strings.Join(list, ", ")
}

// drops tells whether the path takes a packet of so many bytes, and counts why not.
func (p *path) drops(rnd *rand.Rand, packet []byte, t *tally) bool {
	switch bytes := len(packet); {
	case p.Cut:
		t[cut]++
	case p.Hole > 0 && bytes > p.Hole:
		t[tooLong]++
	case p.Loss > 0 && rnd.Float64() < p.Loss, p.LossDatagrams > 0 && packet[9] == protoUDP && rnd.Float64() < p.LossDatagrams:
		t[lost]++
	default:
		return false
	}
	return true
}

// holds draws how long a packet takes.
func (p *path) holds(rnd *rand.Rand) time.Duration {
	if p.Jitter == 0 {
		return p.Delay
	}
	return max(0, p.Delay+time.Duration((2*rnd.Float64()-1)*float64(p.Jitter)))
}

// pipe is a link of so many bytes a second with a short queue before it.
type pipe struct {
	rate int // 0: any
	free time.Time
}

const pipeQueue = 100 * time.Millisecond

// holds gives how long the packet waits for those before it and is on its way; ok is false
// when the queue is full.
func (p *pipe) holds(now time.Time, bytes int) (wait time.Duration, ok bool) {
	if p.rate == 0 {
		return 0, true
	}
	if p.free.Before(now) {
		p.free = now
	}
	if p.free.Sub(now) > pipeQueue {
		return 0, false
	}
	p.free = p.free.Add(time.Duration(bytes) * time.Second / time.Duration(p.rate))
	return p.free.Sub(now), true
}

const (
	ipHeader   = 20
	udpHeader  = 8
	icmpHeader = 8
	protoICMP  = 1
	protoUDP   = 17
)

// router is where what a router says comes from.
var router = [4]byte{10, 99, 255, 254}

// tooBig is what a router answers to a packet that is too long for the way ahead: ICMP
// destination unreachable, fragmentation needed (RFC 1191 §4).
func tooBig(packet []byte, mtu int) []byte {
	b := make([]byte, ipHeader+icmpHeader, ipHeader+icmpHeader+ipHeader+udpHeader)
	b = append(b, packet[:min(len(packet), ipHeader+udpHeader)]...)
	b[0], b[8], b[9] = 4<<4|ipHeader/4, 64, protoICMP
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], router[:])
	copy(b[16:], packet[12:16])
	binary.BigEndian.PutUint16(b[10:], checksum(b[:ipHeader]))
	icmp := b[ipHeader:]
	icmp[0], icmp[1] = 3, 4
	binary.BigEndian.PutUint16(icmp[6:], uint16(mtu))
	binary.BigEndian.PutUint16(icmp[2:], checksum(icmp))
	return b
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}

// damage flips some bits behind the headers of a UDP packet and takes its checksum off, or
// the kernel would drop it before the member sees it. It tells whether there was one.
func damage(rnd *rand.Rand, packet []byte) bool {
	if len(packet) <= ipHeader+udpHeader || packet[0] != 4<<4|ipHeader/4 || packet[9] != protoUDP {
		return false
	}
	body := packet[ipHeader+udpHeader:]
	for range 1 + rnd.IntN(4) {
		body[rnd.IntN(len(body))] ^= 1 << rnd.IntN(8)
	}
	binary.BigEndian.PutUint16(packet[ipHeader+6:], 0)
	return true
}
