// Package lossy drops a share of the datagrams that sockets receive. It wraps a batch.Poller, so
// that what runs on it sees a network with that loss and real sockets otherwise. The datagrams have
// crossed the kernel: the sender, the receive buffer and the system calls cost what they always
// cost.
package lossy
