package linux

import (
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// family is which addresses a socket speaks.
type family uint8

const (
	four family = iota // AF_INET
	six                // AF_INET6 bound to one address
	dual               // AF_INET6 wildcard: IPv4 goes as ::ffff:a.b.c.d
)

// name is room for either address as the kernel wants it.
type name = unix.RawSockaddrInet6

// length is what the kernel wants to be told about a name of this family.
func (f family) length() uint32 {
	if f == four {
		return unix.SizeofSockaddrInet4
	}
	return unix.SizeofSockaddrInet6
}

func (f family) domain() int {
	if f == four {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// put writes a as the kernel wants it. It reports false for an address that
// this socket can't reach.
func (f family) put(n *name, a netip.AddrPort, z *zones) bool {
	ip := a.Addr()
	if f == four {
		if !ip.Is4() && !ip.Is4In6() {
			return false
		}
		n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		n4.Family, n4.Addr = unix.AF_INET, ip.As4()
		putPort(&n4.Port, a.Port())
		return true
	}
	if !ip.IsValid() || f == six && (ip.Is4() || ip.Is4In6()) {
		return false
	}
	n.Family, n.Addr, n.Flowinfo, n.Scope_id = unix.AF_INET6, ip.As16(), 0, 0
	putPort(&n.Port, a.Port())
	if zone := ip.Zone(); zone != "" {
		n.Scope_id = z.id(zone)
	}
	return true
}

// get reads what the kernel wrote, IPv4 always as IPv4.
func (f family) get(n *name, z *zones) netip.AddrPort {
	if f == four {
		n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return netip.AddrPortFrom(netip.AddrFrom4(n4.Addr), getPort(&n4.Port))
	}
	ip := netip.AddrFrom16(n.Addr)
	if ip.Is4In6() {
		ip = ip.Unmap()
	} else if n.Scope_id != 0 {
		ip = ip.WithZone(z.name(n.Scope_id))
	}
	return netip.AddrPortFrom(ip, getPort(&n.Port))
}

// Ports are in network order.
func putPort(p *uint16, port uint16) {
	b := (*[2]byte)(unsafe.Pointer(p))
	b[0], b[1] = byte(port>>8), byte(port)
}

func getPort(p *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(p))
	return uint16(b[0])<<8 | uint16(b[1])
}

// zones remembers the last few interfaces of link-local addresses, so that they
// are not looked up for each datagram. Each direction of a Conn has its own.
type zones struct {
	names [4]string
	ids   [4]uint32
	next  int
}

func (z *zones) id(name string) uint32 {
	for i, n := range z.names {
		if n == name {
			return z.ids[i]
		}
	}
	var id uint32
	if i, err := net.InterfaceByName(name); err == nil {
		id = uint32(i.Index)
	} else if v, err := strconv.ParseUint(name, 10, 32); err == nil {
		id = uint32(v)
	}
	z.keep(name, id)
	return id
}

func (z *zones) name(id uint32) string {
	for i, v := range z.ids {
		if v == id {
			return z.names[i]
		}
	}
	name := strconv.FormatUint(uint64(id), 10)
	if i, err := net.InterfaceByIndex(int(id)); err == nil {
		name = i.Name
	}
	z.keep(name, id)
	return name
}

func (z *zones) keep(name string, id uint32) {
	z.names[z.next], z.ids[z.next] = name, id
	z.next = (z.next + 1) % len(z.names)
}
