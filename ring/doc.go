// Package ring is bounded memory that goroutines hand to each other: fixed
// byte slots ([Slab]) and two array queues, one producer to one consumer
// ([SPSC]) and many to one ([MPSC]). No locks, no goroutines, nothing allocates
// after Init, nothing grows: a full queue says so and the caller decides.
//
// The usual pair is a Slab whose handles travel in an SPSC: the producer takes
// a slot, fills it and pushes its handle; the consumer gives the slot back. So
// batch/portable hands datagrams to Recv, and batch/stream hands requests and
// chunks between a reactor and the loop of its sockets.
//
// The queues block nobody and wake nobody. Who wants to sleep until something
// arrives brings the wake-up; see [MPSC.Push] for the order that loses none.
//
// Indexes that different cores write stand 128 bytes apart, because the
// processor fetches lines of 64 bytes in pairs.
//
// References: Vyukov, Bounded MPMC queue (1024cores.net); Lee et al., MCRingBuffer
// (IPDPS 2010) for the cached opposite index; Thompson et al., Disruptor (2011).
package ring
