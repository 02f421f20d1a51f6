// Package linux implements the batch contract on Linux system calls: one epoll
// for many sockets, recvmmsg and sendmmsg over headers that are laid out once,
// UDP_SEGMENT for runs of equal frames to one peer, UDP_GRO on request.
//
// # Parking
//
// A Wait of more than 50 µs goes through the runtime's own poller, with the goroutine
// unlocked from its thread (PollerOptions.Locked): a process that has nothing to do
// sleeps with all its threads, the runtime's monitor included. Its deadline is that of
// a timerfd, which is an event like others: the thread that sleeps takes it and runs
// the loop, and no other thread wakes up. The runtime watches a second epoll, which
// watches the first only during such a Wait: it hears nothing of datagrams that find
// the loop awake. When four such Waits in a row end within 2 ms, the next spend their
// first 2 ms in the kernel, until one outlasts them.
//
// Those sleep in epoll_pwait2, whose timeout is in nanoseconds (Linux 5.11;
// epoll_wait in milliseconds where it is missing). It is one thread's place to
// sleep: the goroutine that calls it should be locked to its thread
// (runtime.LockOSThread), and a process should have one such goroutine, two at
// most. Goroutines that block in epoll_wait keep their P until the runtime's
// monitor takes it back, so an epoll loop for each of many engines starves
// them all.
//
// Wake writes to an eventfd, and only when somebody sleeps (batch.Parker). The
// eventfd is edge-triggered and never read: that saves a call for each wake, and
// its counter has 2^64-2 wakes.
//
// # Spinning
//
// A loop that is told to spin before it parks does so only while what comes follows what
// came by no more than the spin and a wake (some 70 µs with the default): a spin in vain
// is time that others could have. With one processor, or under a quota of a control group
// below their number, it parks instead, and Notices says why: there a spin takes from those
// who are waited for, and Go's runtime runs two processors where a quota allows half a one.
// The quota is read when the strategy is set.
//
// # Receiving
//
// Header i points to the caller's buffer i. The pointers are compared with the
// caller's slice at each call, at about 1 ns a buffer, and rewritten where they
// differ: the caller may swap buffers freely, and nothing is ever written into
// one that it took away. The family of a socket is fixed, so that the length of
// an address, which is value and result, needs no reset.
//
// # Sending
//
// sendmmsg stops at the first message that fails and tells why only if it is
// the first of a call. A short count is therefore never taken for a full
// socket: the rest is tried again, and then the errno belongs to its head. It
// becomes a batch.ErrorKind for that one destination, and the socket lives on.
// EINTR repeats the call.
//
// What hosts and routers say of datagrams that have left (IP_RECVERR) the kernel
// keeps in a queue, and tells the next call on the socket, whichever that is. So a
// send that fails empties the queue and is tried again before its errno counts, and
// Recv empties it when epoll shows an error. Its memory is that of the receive
// buffer: a flood of ICMP turns it off, with a notice.
//
// A run of equal frames becomes one message with many buffers and a UDP_SEGMENT
// control message. EIO (a device without checksum offload before Linux 6.11)
// turns this off for the socket, EINVAL and EMSGSIZE (a frame above the path's
// MTU, headers included) send that run again frame by frame.
//
// # What is probed
//
// New tries each call once in a process, and what a kernel or a container
// refuses (ENOSYS, EPERM) is done without: recvmsg for recvmmsg, sendmsg for
// sendmmsg, epoll_wait for epoll_pwait2. Segmentation sends a run through
// loopback first and compares every byte. Linux 7.0 to 7.1.4 corrupts segmented
// runs on real devices although loopback is fine, so batch.Auto leaves it off
// there. Each loss is one line of Notices.
//
// # Short calls
//
// Calls that cannot block go through RawSyscall, in pieces of at most 32
// messages: about 100 µs, for which a stop of the world may have to wait. That
// spares the scheduler's bookkeeping, and the monitor cannot take the P away in
// the middle of a send. Through Syscall a batch of 32 cost 3 to 8 % more CPU on
// a busy machine. Only the sleep goes through Syscall.
//
// References: recvmmsg(2), sendmmsg(2), epoll_wait(2), udp(7), eventfd(2);
// kernel commits bec1f6f69736 (UDP_SEGMENT), e20cf8d3f1f7 (UDP_GRO),
// 58169ec9c403 (epoll_pwait2), 10154dbded6d (software checksums for segments).
package linux
