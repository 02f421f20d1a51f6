package linux

import (
	"fmt"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

// chargeBytes is what the kernel charges for a waiting datagram of 1,200 to
// 1,400 bytes (its truesize, measured on 6.18).
const chargeBytes = 2304

// configure sets the options that c may live without; what matters is noticed.
func (c *Conn) configure(opt batch.Options) {
	c.receiveBuffer(opt.ReceiveBufferBytes)
	if opt.SendBufferBytes > 0 {
		unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, opt.SendBufferBytes)
	}
	if tc := int(opt.TrafficClass); tc != 0 {
		unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_TOS, tc)
		if c.family != four {
			unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tc)
		}
	}
	if !opt.Fragment { // PROBE: set DF, but do not trust the kernel's cached path MTU
		unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		if c.family != four {
			unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
		}
	}
}

// receiveBuffer asks for bytes by privilege, then by right, and tells what came
// of it. The kernel doubles what it is asked for and charges overhead to it.
func (c *Conn) receiveBuffer(bytes int) {
	if unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) == nil {
		return
	}
	unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	charge, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil || charge/2 >= bytes {
		return
	}
	c.notice(clampedNotice(bytes, charge))
}

func clampedNotice(bytes, charge int) string {
	return fmt.Sprintf("receive buffer: %d KiB wanted, the host grants %d KiB: a burst of more than about %d full datagrams is dropped; mend: sysctl -w net.core.rmem_max=%d, or CAP_NET_ADMIN",
		bytes>>10, charge/2>>10, charge/chargeBytes, bytes)
}

// offload switches segmentation and coalescing on where they are wanted and
// work. Auto without them is the normal case and no notice.
func (c *Conn) offload(opt batch.Options) {
	if opt.GSO != batch.Off {
		ok, why := segmentation()
		if ok && opt.GSO == batch.Auto {
			ok, why = kernelSegments()
		}
		if c.tx.segments = ok; !ok {
			c.notice("UDP_SEGMENT is off: " + why)
		}
	}
	if opt.GRO == batch.On {
		if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1); err != nil {
			c.notice("UDP_GRO is not available: " + err.Error())
		} else {
			c.gro = newCoalescer(c.family, c.poller.feat.recvmmsg)
		}
	}
}
