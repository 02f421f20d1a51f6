package batch

import (
	"fmt"

	"github.com/quidnunc/quidnunc/sched"
)

// Defaults of Options and PollerOptions.
const (
	BufferBytesDefault = 4 << 20 // about 3,600 datagrams of 1,400 bytes as the Linux kernel charges them
	SlotBytesDefault   = 2048    // one frame and room to see that a datagram was too long
	BatchDefault       = 32      // measured knee of recvmmsg is 8 to 16, of sendmmsg 8
)

// Switch is a feature that is on, off, or used where it is known to work.
type Switch uint8

// The values of a Switch. Auto is the zero value.
const (
	Auto Switch = iota // on where a probe and a self-test pass and the kernel is not known to be bad
	On                 // on wherever the self-test passes, known bad kernels included
	Off
)

// String returns "auto", "on" or "off".
func (s Switch) String() string {
	switch s {
	case Auto:
		return "auto"
	case On:
		return "on"
	case Off:
		return "off"
	}
	return "invalid"
}

// Options are one socket's wishes. The zero value is the default.
type Options struct {
	// ReceiveBufferBytes and SendBufferBytes are asked of the kernel; 0 means
	// BufferBytesDefault for receiving and the system's own for sending. A
	// receive buffer that the host clamps is a notice, not an error.
	ReceiveBufferBytes int
	SendBufferBytes    int

	// SlotBytes is the longest datagram that is received, for implementations
	// that keep slots of their own; 0 means SlotBytesDefault.
	SlotBytes int

	// Slots is how many datagrams an implementation that reads ahead keeps
	// before it leaves the rest to the kernel's buffer; 0 means its default.
	Slots int

	// GSO sends runs of equal frames to one peer as one segmented send.
	GSO Switch

	// GRO receives such runs as one, at the price of 64 KiB receive slots.
	// Auto is off: a gossip socket hears many sources, which do not coalesce.
	GRO Switch

	// TrafficClass is the DS byte (RFC 2474) of every datagram sent; 0 is
	// best effort. Systems that cannot set it ignore it.
	TrafficClass uint8

	// Fragment lets the network fragment datagrams longer than the path's
	// MTU. Off, they are refused with TooLong: one lost fragment loses all,
	// and many filters drop fragments.
	Fragment bool
}

// WithDefaults returns o with every zero size replaced by its default.
func (o Options) WithDefaults() Options {
	if o.ReceiveBufferBytes == 0 {
		o.ReceiveBufferBytes = BufferBytesDefault
	}
	if o.SlotBytes == 0 {
		o.SlotBytes = SlotBytesDefault
	}
	return o
}

// Check reports the first field that no system could serve, with its fix.
func (o *Options) Check() error {
	f := func(field string, v, min, max int) error {
		if v != 0 && (v < min || v > max) {
			return fmt.Errorf("batch: Options.%s is %d, want 0 (default) or %d to %d", field, v, min, max)
		}
		return nil
	}
	if err := f("ReceiveBufferBytes", o.ReceiveBufferBytes, 4096, 1<<30); err != nil {
		return err
	}
	if err := f("SendBufferBytes", o.SendBufferBytes, 4096, 1<<30); err != nil {
		return err
	}
	if err := f("SlotBytes", o.SlotBytes, 64, DatagramBytesMax); err != nil {
		return err
	}
	if err := f("Slots", o.Slots, 2, 1<<16); err != nil {
		return err
	}
	if o.GSO > Off || o.GRO > Off {
		return fmt.Errorf("batch: Options.GSO and GRO are %d and %d, want batch.Auto, On or Off", o.GSO, o.GRO)
	}
	return nil
}

// Idle says what Wait does before it sleeps. With one processor, or under a quota of
// processor time that binds (less than there are processors), a spin takes from those who
// are waited for: Pollers park then, and say so (Noticer).
type Idle struct {
	// Strategy is Park, SpinThenPark or Spin.
	Strategy Strategy

	// SpinFor bounds the spin of SpinThenPark, which spins only while gaps between
	// what arrives are about as short; 0 means SpinForDefault.
	SpinFor sched.Instant
}

// SpinForDefault is the spin of SpinThenPark when none is given: about twice
// what a sleep and a wake cost across two cores.
const SpinForDefault sched.Instant = 20_000

// Strategy is one way to be idle.
type Strategy uint8

// The values of a Strategy. Park is the zero value.
const (
	Park         Strategy = iota // sleep at once: no CPU when idle, 5 to 10 µs to wake
	SpinThenPark                 // look again for SpinFor, then sleep
	Spin                         // never sleep: a core is spent, a datagram is seen within about 3 µs
)

// String returns "park", "spin-then-park" or "spin".
func (s Strategy) String() string {
	switch s {
	case Park:
		return "park"
	case SpinThenPark:
		return "spin-then-park"
	case Spin:
		return "spin"
	}
	return "invalid"
}

// PollerOptions are a Poller's wishes. The zero value is the default.
type PollerOptions struct {
	// Idle is the first idle strategy; IdleSetter changes it later.
	Idle Idle

	// Locked says that the goroutine that calls Wait has locked itself to its
	// thread, once. A long Wait may give the thread up meanwhile, and locks the
	// goroutine to one again, which need not be the same.
	Locked bool

	// Boot reads a clock of the system, in nanoseconds, that goes on while it is
	// suspended (Clock). nil: the implementation's own, if it has one.
	Boot func() (nanos int64, ok bool)
}

// IdleSetter is implemented by Pollers whose idle strategy can be changed. The
// goroutine that calls Wait calls it, between two Waits.
type IdleSetter interface {
	SetIdle(Idle)
}
