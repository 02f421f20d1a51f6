package linux

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket that is bound to a wildcard has many addresses, and the route to a
// peer chooses the one that it sends from. The peer may have asked another one,
// and waits for that to answer (RFC 1122, 4.1.3.5). So what such a socket sends
// to an address leaves from where that address last sent to.

// askedMax is how many peers are remembered; two with one place forget each
// other, and are answered as the route says until they ask again.
const askedMax = 512

// asked remembers by peer which of the host's addresses it uses.
type asked struct{ peers [askedMax]askedPeer }

type askedPeer struct {
	peer  peerKey  // 0: none
	local [16]byte // IPv4 in the last four
	iface uint32   // of a link-local address
}

// peerKey is a peer's address as the kernel writes it, in words.
type peerKey struct{ hi, lo, rest uint64 }

func (f family) key(n *name) peerKey {
	if f == four {
		n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return peerKey{lo: uint64(binary.NativeEndian.Uint32(n4.Addr[:])), rest: uint64(n4.Port)}
	}
	return peerKey{
		binary.NativeEndian.Uint64(n.Addr[:]), binary.NativeEndian.Uint64(n.Addr[8:]),
		uint64(n.Scope_id)<<16 | uint64(n.Port),
	}
}

func (a *asked) place(k peerKey) *askedPeer {
	const odd = 0x9e3779b97f4a7c15
	h := bits.RotateLeft64((k.lo^bits.RotateLeft64(k.hi, 23))*odd, 32) ^ k.rest
	return &a.peers[h*odd>>32%askedMax]
}

// note takes in that a peer sent to a local address.
func (a *asked) note(k peerKey, local [16]byte, iface uint32) {
	p := a.place(k)
	if p.peer == k && p.local == local {
		return
	}
	if local[0] != 0xfe || local[1]&0xc0 != 0x80 {
		iface = 0
	}
	*p = askedPeer{k, local, iface}
}

// of is what is known of a peer, nil if nothing is.
func (a *asked) of(k peerKey) *askedPeer {
	if p := a.place(k); p.peer == k {
		return p
	}
	return nil
}

// forget lets the route choose again: the host has lost the address.
func (a *asked) forget(k peerKey) {
	if p := a.of(k); p != nil {
		*p = askedPeer{}
	}
}

// remember asks the kernel for the address that each datagram was sent to. A
// socket that is bound to one address has nothing to remember.
func (c *Conn) remember(bound netip.Addr) {
	if !bound.IsUnspecified() {
		return
	}
	level, option := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	if c.family == four {
		level, option = unix.IPPROTO_IP, unix.IP_PKTINFO
	}
	if err := unix.SetsockoptInt(c.fd, level, option, 1); err != nil {
		c.notice("answers leave from the address that the route chooses: " + err.Error())
		return
	}
	c.asked = new(asked)
	c.tx.asked = c.asked
	c.rx.notes = new([recvMax]control)
	for i := range c.rx.hdrs {
		c.rx.hdrs[i].Hdr.Control = (*byte)(unsafe.Pointer(&c.rx.notes[i]))
	}
}

// noted takes in the control messages of a datagram that was received.
func (a *asked) noted(f family, n *control, bytes uint64, from *name) {
	if f == four {
		if p := (*unix.Inet4Pktinfo)(n.find(bytes, unix.IPPROTO_IP, unix.IP_PKTINFO)); p != nil {
			var local [16]byte
			copy(local[12:], p.Spec_dst[:])
			a.note(f.key(from), local, 0)
		}
		return
	}
	if p := (*unix.Inet6Pktinfo)(n.find(bytes, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO)); p != nil {
		a.note(f.key(from), p.Addr, p.Ifindex)
	}
}

// source lays the message that makes a datagram leave from p's local address.
func (p *askedPeer) source(f family, n *control, at int) (end int) {
	if f == four {
		data, end := n.put(at, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		*(*unix.Inet4Pktinfo)(data) = unix.Inet4Pktinfo{Spec_dst: [4]byte(p.local[12:])}
		return end
	}
	data, end := n.put(at, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	*(*unix.Inet6Pktinfo)(data) = unix.Inet6Pktinfo{Addr: p.local, Ifindex: p.iface}
	return end
}

// moved reports whether header h was refused for its source, which is forgotten
// then: the caller tries again.
func (c *Conn) moved(h int, errno unix.Errno) bool {
	if !c.tx.sourced[h] {
		return false
	}
	switch errno {
	case unix.EINVAL, unix.EADDRNOTAVAIL, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENODEV:
		c.asked.forget(c.family.key(&c.tx.names[h]))
		return true
	}
	return false
}
