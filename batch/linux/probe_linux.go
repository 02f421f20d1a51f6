package linux

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// features are the calls that this kernel and container permit.
type features struct {
	recvmmsg, sendmmsg, pwait2 bool
}

// notices says what is missing and what stands in for it.
func (f features) notices() (lines []string) {
	if !f.recvmmsg {
		lines = append(lines, "recvmmsg is not permitted: falling back to recvmsg, one call a datagram")
	}
	if !f.sendmmsg {
		lines = append(lines, "sendmmsg is not permitted: falling back to sendmsg, one call a datagram")
	}
	if !f.pwait2 {
		lines = append(lines, "epoll_pwait2 is not available: falling back to epoll_wait, deadlines are rounded up to 1 ms")
	}
	return lines
}

// missing reports whether errno is how a kernel or a filter says no.
func missing(errno unix.Errno) bool { return errno == unix.ENOSYS || errno == unix.EPERM }

// probed tries each call once in a process, on a socket that is not bound.
var probed = sync.OnceValue(func() features {
	f := features{recvmmsg: true, sendmmsg: true, pwait2: true}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err == nil {
		hdrs := make([]unix.Mmsghdr, 1)
		_, errno := recvmmsg(fd, hdrs) // EAGAIN where it works
		f.recvmmsg = !missing(errno)
		_, errno = sendmmsg(fd, hdrs) // EDESTADDRREQ where it works
		f.sendmmsg = !missing(errno)
		unix.Close(fd)
	}
	if fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		_, errno := epollSleep2(fd, make([]unix.EpollEvent, 1), 0)
		f.pwait2 = !missing(errno)
		unix.Close(fd)
	}
	return f
})

// verdict is whether something works, and if not why.
type verdict struct {
	ok  bool
	why string
}

// segmentation reports whether a segmented run arrives byte for byte over
// loopback. It is tried once in a process.
func segmentation() (bool, string) {
	segmentationOnce.Do(func() { segmentationVerdict = trySegmentation() })
	return segmentationVerdict.ok, segmentationVerdict.why
}

var (
	segmentationOnce    sync.Once
	segmentationVerdict verdict
)

func trySegmentation() verdict {
	p, err := newPoller(batch.PollerOptions{}, probed())
	if err != nil {
		return verdict{false, err.Error()}
	}
	defer p.Close()
	var ends [2]*Conn
	for i := range ends {
		c, err := p.Listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), batch.Options{GSO: batch.Off})
		if err != nil {
			return verdict{false, "the loopback self-test found no loopback: " + err.Error()}
		}
		defer c.Close()
		ends[i] = c.(*Conn)
	}
	ends[0].tx.segments = true
	return selfTest(p, ends[0], ends[1])
}

// selfTest sends one run of frames with a short tail and compares it.
func selfTest(p *Poller, from, to *Conn) verdict {
	const frames, frameBytes, patience = 9, 1200, 500 * sched.Millisecond
	out, in := make([]batch.Msg, frames), make([]batch.Msg, frames)
	for i := range out {
		out[i] = batch.Msg{Buf: make([]byte, frameBytes), N: frameBytes, Addr: to.local}
		in[i].Buf = make([]byte, frameBytes)
		for j := range out[i].Buf {
			out[i].Buf[j] = byte(j*7 + i*31 + j>>8)
		}
	}
	out[frames-1].N = 77
	if n, err := from.Send(out); n < frames {
		return verdict{false, "the loopback self-test was refused: " + err.Error()}
	}
	if from.count.runs.Load() == 0 {
		return verdict{false, "this kernel does not know it (Linux 4.18 does)"}
	}
	var ready [1]batch.Conn
	for got, end := 0, p.Now()+patience; got < frames; {
		if p.Now() >= end {
			return verdict{false, "the loopback self-test lost frames"}
		}
		p.Wait(end, ready[:])
		k, _ := to.Recv(in[got:])
		got += k
	}
	for i := range out {
		if !bytes.Equal(out[i].Buf[:out[i].N], in[i].Buf[:in[i].N]) {
			return verdict{false, "the loopback self-test got other bytes than were sent"}
		}
	}
	return verdict{ok: true}
}

// kernelSegments reports whether this kernel is not known to corrupt segmented
// runs on real devices.
func kernelSegments() (bool, string) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return true, ""
	}
	release := unix.ByteSliceToString(u.Release[:])
	if segmentsCorrupt(release) {
		return false, "Linux " + release + " corrupts segmented sends (7.0 to 7.1.4); set GSO to On if yours is mended"
	}
	return true, ""
}

// segmentsCorrupt knows Linux 7.0-rc1 to 7.1.4, which mangle the headers of
// equal-length segments; 7.1.5 is mended.
func segmentsCorrupt(release string) bool {
	var v [3]int
	for i := range v {
		end := strings.IndexFunc(release, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(release)
		}
		v[i], _ = strconv.Atoi(release[:end])
		release = strings.TrimPrefix(release[end:], ".")
	}
	return v[0] == 7 && (v[1] == 0 || v[1] == 1 && v[2] <= 4)
}
