package batch

import "net/netip"

// RunLength returns how many messages at the head of ms may leave as one
// segmented send: all to the same address, all of the same length except that
// the last may be shorter, at most segmentsMax of them and at most bytesMax
// together. It returns 1 for a message that goes alone and 0 for no message.
// Empty messages always go alone: a segment has at least one byte.
func RunLength(ms []Msg, segmentsMax, bytesMax int) int {
	if len(ms) == 0 {
		return 0
	}
	segment, to := ms[0].N, ms[0].Addr
	ms = ms[:min(len(ms), segmentsMax)]
	bytes := segment
	for i := 1; i < len(ms); i++ {
		n := ms[i].N
		bytes += n
		if n > segment || n <= 0 || bytes > bytesMax || ms[i].Addr != to {
			return i
		}
		if n < segment {
			return i + 1
		}
	}
	return max(len(ms), 1)
}

// Split copies the datagrams of one coalesced receive into ms from the front:
// every segment bytes of b is one datagram from from, the last may be shorter.
// It returns how many messages it filled, how many bytes of b it is done with
// (the rest waits for the next call), and how many datagrams were longer than
// their buffer and were dropped. A segment of 0 means that b is one datagram.
func Split(ms []Msg, b []byte, segment int, from netip.AddrPort) (n, used, oversize int) {
	if segment <= 0 || segment > len(b) {
		segment = len(b)
	}
	if segment == 0 { // an empty datagram is still a datagram
		return fillOne(ms, b, from)
	}
	for n < len(ms) && used < len(b) {
		d := b[used:min(used+segment, len(b))]
		used += len(d)
		filled, _, over := fillOne(ms[n:], d, from)
		n += filled
		oversize += over
	}
	return n, used, oversize
}

// fillOne copies d whole into the first message or counts it as too long.
func fillOne(ms []Msg, d []byte, from netip.AddrPort) (n, used, oversize int) {
	if len(ms) == 0 {
		return 0, 0, 0
	}
	m := &ms[0]
	if len(d) > len(m.Buf) {
		return 0, len(d), 1
	}
	m.N, m.Addr = copy(m.Buf, d), from
	return 1, len(d), 0
}
