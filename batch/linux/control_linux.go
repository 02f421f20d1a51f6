package linux

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlBytes holds the control messages of one datagram: an extended error
// with an address, or the address that was asked and a segment's length.
const controlBytes = 128

// control is room for control messages, aligned as the kernel wants it.
type control [controlBytes / 8]uint64

// put lays a message of size bytes at offset at and returns where its data goes and
// where it ends. The next one begins at the next multiple of 8.
func (c *control) put(at int, level, kind int32, size int) (data unsafe.Pointer, end int) {
	at = (at + 7) &^ 7
	h := (*unix.Cmsghdr)(unsafe.Add(unsafe.Pointer(c), at))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	return unsafe.Add(unsafe.Pointer(h), unix.CmsgLen(0)), at + unix.CmsgLen(size)
}

// find returns the data of the first message of that kind in the n bytes that
// the kernel wrote, nil if there is none.
func (c *control) find(n uint64, level, kind int32) unsafe.Pointer {
	for at := uint64(0); at+unix.SizeofCmsghdr <= min(n, controlBytes); {
		h := (*unix.Cmsghdr)(unsafe.Add(unsafe.Pointer(c), at))
		if uint64(h.Len) < unix.SizeofCmsghdr || at+uint64(h.Len) > controlBytes {
			return nil
		}
		if h.Level == level && h.Type == kind {
			return unsafe.Add(unsafe.Pointer(h), unix.CmsgLen(0))
		}
		at += uint64(unix.CmsgSpace(int(h.Len) - unix.CmsgLen(0)))
	}
	return nil
}
