package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	device   = "wire0"
	mtuUsual = 1500
	txQueue  = 2000 // packets that wait for the wire to read them
)

// The main thread must not be one that moves into a namespace and ends there.
func init() { runtime.LockOSThread() }

// host is a network of its own: a namespace with a device whose other end is tun, and a thread that
// lives in it. Nothing of it has a name outside, so nothing of it outlives this process.
type host struct {
	addr netip.Addr
	tun  *os.File
	jobs chan func()
}

// newHost makes one that has the address in a network of 2^16.
func newHost(addr netip.Addr) (*host, error) {
	h := &host{addr: addr, jobs: make(chan func())}
	begun := make(chan error)
	go h.live(begun)
	if err := <-begun; err != nil {
		return nil, err
	}
	return h, nil
}

// live runs jobs on a thread of the namespace. The thread is never unlocked: it ends here.
func (h *host) live(begun chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err != nil {
		err = fmt.Errorf("no network namespace may be made here: %w", err)
	} else {
		err = h.open()
	}
	if begun <- err; err != nil {
		return
	}
	for job := range h.jobs {
		job()
	}
}

// in does something in the namespace. Processes that are started so live in it, and die with its
// thread.
func (h *host) in(do func() error) (err error) {
	done := make(chan struct{})
	h.jobs <- func() {
		err = do()
		close(done)
	}
	<-done
	return err
}

// open makes the device and brings it up.
func (h *host) open() error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	err = change(device, func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	})
	h.tun = os.NewFile(uintptr(fd), "tun") // after it has a device: the poller refuses one without
	err = errors.Join(err, h.address(device, h.addr, []byte{255, 255, 0, 0}), setDevice(device, unix.SIOCSIFTXQLEN, txQueue), h.mtu(mtuUsual), up("lo"), up(device))
	if err != nil {
		h.tun.Close()
		return fmt.Errorf("TUN device: %w", err)
	}
	return nil
}

// mtu is set from the thread of the host: call it in the namespace.
func (h *host) mtu(bytes int) error { return setDevice(device, unix.SIOCSIFMTU, uint32(bytes)) }

// address gives a device, or a label of it such as "wire0:1", an address.
func (h *host) address(label string, addr netip.Addr, mask []byte) error {
	set := func(request uint, addr []byte) error {
		return change(label, func(r *unix.Ifreq) error {
			if err := r.SetInet4Addr(addr); err != nil {
				return err
			}
			return ask(request, r)
		})
	}
	return errors.Join(set(unix.SIOCSIFADDR, addr.AsSlice()), set(unix.SIOCSIFNETMASK, mask))
}

// close ends the namespace and whoever lives in it.
func (h *host) close() {
	close(h.jobs)
	h.tun.Close()
}

func setDevice(name string, request uint, value uint32) error {
	return change(name, func(r *unix.Ifreq) error {
		r.SetUint32(value)
		return ask(request, r)
	})
}

func up(name string) error {
	return change(name, func(r *unix.Ifreq) error {
		if err := ask(unix.SIOCGIFFLAGS, r); err != nil {
			return err
		}
		r.SetUint16(r.Uint16() | unix.IFF_UP | unix.IFF_RUNNING)
		return ask(unix.SIOCSIFFLAGS, r)
	})
}

// change makes a request about a device.
func change(name string, do func(r *unix.Ifreq) error) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	return do(r)
}

// ask hands the request to the kernel of this thread's namespace.
func ask(request uint, r *unix.Ifreq) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.IoctlIfreq(fd, request, r)
}
