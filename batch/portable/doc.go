// Package portable implements the batch contract with net.UDPConn alone, so
// that an engine runs on every system that Go's net package serves.
//
// Each Conn has one reader goroutine, which blocks in the runtime's network
// poller and fills the slots of a bounded inbox; Recv copies out of it. When
// the inbox is full the reader stops, so that the surplus waits in the kernel's
// buffer and is dropped there, as it would be without an inbox.
//
// The AddrPort calls of package net are used throughout: they are the ones that
// do not allocate for a datagram.
//
// What it can't do: it makes one system call for a datagram, it offers no
// segmentation, it does not see what the kernel drops nor how large a receive
// buffer it granted, it does not forbid fragmentation, and Send may block for
// as long as a full send buffer takes to drain (systems of the BSD family
// refuse with NoBuffers instead).
package portable
