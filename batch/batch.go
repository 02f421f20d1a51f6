package batch

import (
	"errors"
	"net/netip"

	"github.com/quidnunc/quidnunc/sched"
)

// DatagramBytesMax is the largest UDP payload over IPv4: 65,535 less 20 bytes
// of IP and 8 of UDP header.
const DatagramBytesMax = 65507

// ErrClosed is returned by every call on a Conn or Poller after its Close.
var ErrClosed = errors.New("batch: closed")

// ErrUnsupported is returned by a constructor whose system calls this system
// or this container does not offer; the caller falls back to batch/portable.
var ErrUnsupported = errors.New("batch: not supported on this system")

// Msg is one datagram. The caller owns Buf. Recv fills Buf[:N] and Addr; Send
// sends Buf[:N] to Addr.
type Msg struct {
	Buf  []byte
	N    int
	Addr netip.AddrPort
}

// Conn is one datagram socket. Recv and Send take one caller at a time.
type Conn interface {
	// Recv fills ms from the front with what has arrived and returns how many.
	// It never sleeps: 0 and nil mean that nothing is there.
	Recv(ms []Msg) (n int, err error)

	// Send sends ms in order and returns how many left. It never sleeps.
	// n < len(ms) always comes with an error: ErrAgain means that the socket
	// is full and ms[n:] is to be tried later (Wait then also reports the Conn
	// when it drains); any other ErrorKind means that ms[n] alone was refused,
	// and was counted: the caller goes on with ms[n+1:].
	Send(ms []Msg) (n int, err error)

	// LocalAddr is the bound address, with the port that the system chose.
	LocalAddr() netip.AddrPort

	// Stats overwrites s. It may be called from any goroutine.
	Stats(s *Stats)

	// Close gives the socket back. It must not run beside Recv or Send.
	Close() error
}

// Report is what the network said of a datagram after it had left.
type Report struct {
	// Kind is Refused, TooLong or Unreachable.
	Kind ErrorKind
	// Addr is whereto the datagram was sent.
	Addr netip.AddrPort
	// Bytes is for TooLong the longest IP packet that the path takes, headers
	// included; 0 if that was not told.
	Bytes int
}

// Reporter is implemented by Conns whose system passes on what hosts and
// routers answer (ICMP). Such word is advice: anybody on the way, and often
// anybody at all, can make it up.
type Reporter interface {
	// Reports fills rs from the front with what was said since the last call,
	// the oldest first, and returns how many. A Conn keeps the last ReportsMax.
	// It has the same caller as Recv, and comes after it: Wait reports a Conn
	// as readable when there is something, and Recv fetches it.
	Reports(rs []Report) int
}

// Reports asks c for reports if it has any to give: it is what a Conn that wraps
// another one calls.
func Reports(c Conn, rs []Report) int {
	if r, ok := c.(Reporter); ok {
		return r.Reports(rs)
	}
	return 0
}

// ReportsMax is how many reports a Conn keeps for its caller.
const ReportsMax = 64

// Poller is a clock and a place to sleep that many Conns share.
type Poller interface {
	// Listen binds a socket. Its errors name the address and the cause.
	Listen(bind netip.AddrPort, opt Options) (Conn, error)

	// Wait sleeps until a Conn is readable, Wake is called, or the clock
	// reaches deadline, and fills ready from the front. Readiness is a level:
	// a Conn that is not drained is reported again. It may return 0, nil early.
	// sched.Never waits without end, a deadline in the past only looks.
	Wait(deadline sched.Instant, ready []Conn) (n int, err error)

	// Wake ends the current Wait, or else the next. Any goroutine may call it;
	// it is one atomic load when a wake is already due, and a system call only
	// when somebody sleeps.
	Wake()

	// Now reads the clock that deadlines are in. It never goes back, and goes on
	// while the system is suspended where Clock says so; a Wait that a suspend
	// interrupts may end later than its deadline by what was left of it.
	Now() sched.Instant

	// Close ends a Wait in progress with ErrClosed. Conns are closed by their
	// owners, before or after.
	Close() error
}

// Noticer is implemented by Pollers and Conns that had to do without something:
// a system call that is not permitted, a receive buffer that the host clamps.
type Noticer interface {
	// Notices returns one line for each loss and how to mend it. The lines
	// are fit for a log and come in a fixed order; nil is the normal case.
	Notices() []string
}

// Notices returns the notices of v if it has any to give.
func Notices(v any) []string {
	if n, ok := v.(Noticer); ok {
		return n.Notices()
	}
	return nil
}
