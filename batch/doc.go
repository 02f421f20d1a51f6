// Package batch is the contract between an engine and its datagram sockets:
// slices of messages in, counts out, one parked thread for many sockets.
//
// # The contract
//
// A [Poller] owns a clock ([Clock]) and a place to sleep; a [Conn] is one datagram
// socket opened on it. A caller's turn is
//
//	n, err := poller.Wait(deadline, ready) // the only call that sleeps
//	for _, c := range ready[:n] {
//		k, err := c.Recv(in)               // at most one batch a turn
//		...
//	}
//	sent, err := conn.Send(out)
//
// Laws, each held by the behaviour suite in batch/batchtest that every
// implementation runs:
//
//  1. Recv and Send never sleep. Only Wait does, and it ends at its deadline,
//     at a readable Conn, or at a Wake, whichever is first. A Wake that comes
//     while nobody waits ends the next Wait: it is never lost.
//  2. The caller owns every buffer. Recv writes into Msg.Buf of the slice it
//     was given and keeps no claim on it after it returns, except that it may
//     remember where the buffers were; Send has read all bytes when it returns.
//  3. Errors are per destination. A datagram that its destination, the route
//     or the filter refuses ends Send early with an [ErrorKind]; the caller
//     skips that one message and goes on. The socket is never closed for it.
//     What is only known later, since a host or a router said so, is a [Report].
//  4. Send keeps the order of the slice. There are no classes in here: whoever
//     fills the slice puts what is urgent (probe acknowledgements) in front of
//     what is bulk.
//  5. A datagram longer than its buffer is dropped and counted, not cut short.
//  6. Addresses are what the caller would write: IPv4 is never shown as
//     IPv4-mapped IPv6.
//  7. After set-up nothing allocates for a datagram.
//
// # Who may call what
//
// Wake and Stats are for any goroutine. Wait has one caller at a time; Recv and
// Send of one Conn have one caller at a time, which need not be the goroutine
// in Wait. Listen and the Close of a Conn may run beside Wait, but not beside
// Recv or Send of that same Conn.
//
// # Segmentation
//
// [RunLength] and [Split] are the pure half of UDP segmentation offload: which
// messages at the head of a slice may leave as one large send (UDP_SEGMENT,
// Linux 4.18), and how one large receive (UDP_GRO, Linux 5.0) falls back into
// messages. They know no kernel and are tested without one.
package batch
