package batch

// ErrorKind is why a datagram did not leave. It is an error that is made
// without allocating and compared with ==.
type ErrorKind uint8

// The kinds of a refused datagram. The names in brackets are the POSIX errors
// that they stand for.
const (
	Again       ErrorKind = iota // [EAGAIN] the socket's send buffer is full
	Denied                       // [EPERM, EACCES] a packet filter, a full connection table, or a broadcast address
	NoBuffers                    // [ENOBUFS, ENOMEM] the interface's queue or the kernel's memory is full
	Unreachable                  // [ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL, ...] no route, or the wrong address family
	TooLong                      // [EMSGSIZE] longer than the path's MTU or than UDP allows
	Refused                      // [ECONNREFUSED] nobody listens at the port; only in a Report
	OtherError                   // anything else, such as port 0
	ErrorKinds                   // how many kinds there are
)

// ErrAgain is what Send returns when the socket is full.
const ErrAgain = Again

var kindNames = [ErrorKinds]string{"again", "denied", "no_buffers", "unreachable", "too_long", "refused", "other"}

// String returns the kind as a counter's label.
func (k ErrorKind) String() string {
	if k < ErrorKinds {
		return kindNames[k]
	}
	return "invalid"
}

// Error makes every kind an error.
func (k ErrorKind) Error() string {
	if k == Again {
		return "batch: the socket's send buffer is full"
	}
	return "batch: datagram refused: " + k.String()
}

// Stats are counters since a Conn's opening. Datagrams are counted as the
// caller sees them: a segmented send of 40 frames is 40 sent.
type Stats struct {
	Sent          uint64 // datagrams
	SentBytes     uint64 // payload
	SendCalls     uint64 // system calls that sent
	SegmentedRuns uint64 // sends that carried several datagrams by UDP_SEGMENT
	Received      uint64 // datagrams handed to the caller
	ReceivedBytes uint64 // payload
	RecvCalls     uint64 // system calls that received, empty ones included
	CoalescedRuns uint64 // receives that carried several datagrams by UDP_GRO

	// Oversize counts datagrams dropped because they were longer than the
	// buffer they arrived in.
	Oversize uint64

	// SendErrors counts datagrams that did not leave, by ErrorKind. A datagram
	// that was refused with Again twice counts twice.
	SendErrors [ErrorKinds]uint64

	// RecvErrors counts failed receives that are not "nothing there"; the
	// socket lives on.
	RecvErrors uint64

	// SegmentRetries counts segmented sends that the kernel refused and that
	// left again as single datagrams.
	SegmentRetries uint64

	// KernelReads counts how often the next three were read, the kernel's own
	// numbers where it tells them: they are news once each. It is done by a call
	// of Stats, at most fifty times a second.
	KernelReads        uint64
	KernelDrops        uint64 // datagrams that the kernel dropped for want of buffer
	ReceiveQueueBytes  uint64 // memory that waiting datagrams hold now, as the kernel charges it
	ReceiveBufferBytes uint64 // the limit on it that the kernel granted
}

// Errors sums SendErrors of every kind except Again.
func (s *Stats) Errors() (n uint64) {
	for _, v := range s.SendErrors[Again+1:] {
		n += v
	}
	return n
}
