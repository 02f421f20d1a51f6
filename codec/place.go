package codec

import "net/netip"

// Dialable tells whether an address that somebody says, of itself or of others, may be where a member is.
// It is nowhere without a port, unspecified or in what stands for "this network" (0.0.0.0/8); and whatever is
// sent to a group or to everybody (multicast, 255.255.255.255) goes to machines that are no member.
func Dialable(a netip.AddrPort) bool {
	ip := a.Addr().Unmap()
	switch {
	case a.Port() == 0 || !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast():
		return false
	case ip.Is4():
		b := ip.As4()
		return b[0] != 0 && b != [4]byte{255, 255, 255, 255}
	}
	return true
}
