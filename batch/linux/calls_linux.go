package linux

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// headsMax is the longest send of one call: about 100 µs on loopback, where the
// receiver's softirq runs inside the call. A stop of the world waits for it.
const headsMax = 32

// recvmmsg receives into hdrs without blocking.
func recvmmsg(fd int, hdrs []unix.Mmsghdr) (n int, errno unix.Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[0])),
		uintptr(len(hdrs)), unix.MSG_DONTWAIT, 0, 0)
	return int(r), e
}

// errmmsg receives into hdrs from the queue of errors.
func errmmsg(fd int, hdrs []unix.Mmsghdr) (n int, errno unix.Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[0])),
		uintptr(len(hdrs)), unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE, 0, 0)
	return int(r), e
}

// recvmsgs is recvmmsg by one call for each message.
func recvmsgs(fd int, hdrs []unix.Mmsghdr) (n int, errno unix.Errno) {
	for i := range hdrs {
		r, _, e := unix.RawSyscall6(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[i].Hdr)),
			unix.MSG_DONTWAIT, 0, 0, 0)
		if e != 0 {
			if i > 0 {
				e = 0
			}
			return i, e
		}
		hdrs[i].Len = uint32(r)
	}
	return len(hdrs), 0
}

// sendmmsg sends hdrs, at most headsMax of them, without blocking. A failure
// behind the first message is a short count without an errno.
func sendmmsg(fd int, hdrs []unix.Mmsghdr) (n int, errno unix.Errno) {
	hdrs = hdrs[:min(len(hdrs), headsMax)]
	r, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[0])),
		uintptr(len(hdrs)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(r), e
}

// sendmsgs is sendmmsg by one call for each message.
func sendmsgs(fd int, hdrs []unix.Mmsghdr) (n int, errno unix.Errno) {
	for i := range hdrs {
		_, _, e := unix.RawSyscall6(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdrs[i].Hdr)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0, 0)
		if e != 0 {
			if i > 0 {
				e = 0
			}
			return i, e
		}
	}
	return len(hdrs), 0
}

// timespec is struct __kernel_timespec: 64 bits each on every architecture.
type timespec struct{ sec, nsec int64 }

// forever is a timeout that never ends.
const forever int64 = -1

// epollLook polls without sleeping.
func epollLook(fd int, events []unix.EpollEvent) (n int, errno unix.Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	return int(r), e
}

// epollSleep2 sleeps up to nanos, or forever.
func epollSleep2(fd int, events []unix.EpollEvent, nanos int64) (n int, errno unix.Errno) {
	var span *timespec
	if nanos != forever {
		span = &timespec{nanos / 1e9, nanos % 1e9}
	}
	r, _, e := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(fd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(span)), 0, 0)
	return int(r), e
}

// epollSleep is epollSleep2 in milliseconds, rounded up: late, never early.
func epollSleep(fd int, events []unix.EpollEvent, nanos int64) (n int, errno unix.Errno) {
	const most = 1 << 30
	millis := forever
	if nanos != forever {
		millis = min((nanos+999_999)/1_000_000, most)
	}
	r, _, e := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(millis), 0, 0)
	return int(r), e
}

// ring adds one to the eventfd.
func ring(fd int) {
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
}

// meminfo reads the socket's memory counters (SO_MEMINFO, Linux 4.12).
func meminfo(fd int, m *[unix.SK_MEMINFO_VARS]uint32) bool {
	size := uint32(unsafe.Sizeof(*m))
	_, _, e := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(m)), uintptr(unsafe.Pointer(&size)), 0)
	return e == 0 && size >= uint32(unsafe.Sizeof(*m))
}
