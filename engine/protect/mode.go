package protect

import (
	"errors"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// Salt is a boot salt.
type Salt = [codec.SaltBytes]byte

// Why a frame is refused, beside the codec's own errors.
var (
	ErrCluster  = errors.New("protect: of another cluster")
	ErrUnsealed = errors.New("protect: not sealed, and there are keys here")
	ErrStranger = errors.New("protect: the sender's key is not here")
	ErrCookie   = errors.New("protect: the cookie is not one of ours, or is old")
	ErrRate     = errors.New("protect: a budget for strangers is used up")
)

// Arrival is a frame that came, its header parsed.
type Arrival struct {
	codec.Header
	Now      sched.Instant
	From     netip.AddrPort
	Frame    []byte
	Rest     []byte // of the frame, after the header
	Peer     uint32 // the handle of its sender; 0: nobody that we know
	Greeting bool   // Open found one record of the handshake, which proves nothing
}

// Refusal says why a frame is not taken; no refusal is the zero value. Greet:
// the sender may be one of us and not know how things stand.
type Refusal struct {
	Err   error
	Greet bool
}

// Mode protects frames. Peers are known by their handles.
type Mode interface {
	Sealed() bool
	// Flags are those of every frame, KeyID stands in its header, Salt is ours.
	Flags() codec.Flags
	KeyID() uint8
	Salt() Salt

	// Open gives the records of a frame, a view of it.
	Open(in *Arrival) (records []byte, r Refusal)
	// Adopt keeps the life of a peer whose frame was opened just now; Meet takes
	// the life that answered a fresh challenge, which no replay can; Other tells
	// whether a frame is of another life than the peer's; Drop forgets a peer's
	// life: the handle is another's now.
	Adopt(p uint32, h *codec.Header)
	Meet(p uint32, h *codec.Header)
	Other(p uint32, h *codec.Header) bool
	Drop(p uint32)

	// Reachable tells whether frames can be made for a peer. Finish ends one,
	// FinishHello one of the handshake, FinishGrave one for who is buried in a
	// slot, where Bury laid the peer's life. An error: the counters are used up.
	Reachable(p uint32) bool
	Finish(b []byte, p uint32) ([]byte, error)
	FinishHello(b []byte) ([]byte, error)
	Bury(slot int, p uint32)
	FinishGrave(b []byte, slot int) ([]byte, error)

	// AppendNotice appends our notice of keys to frame seq, until Acked says that
	// a frame with it has arrived. OnNotice takes one of a peer.
	AppendNotice(b []byte, limit int, p, seq uint32) []byte
	Acked(p, high uint32, seen uint64)
	OnNotice(p uint32, body []byte) bool

	// Derived counts the keys that were derived.
	Derived() uint64
	Close()
}

// Clear ends frames with a checksum: it tells damage, not forgery.
type Clear struct {
	door *door.Door
	salt Salt
}

// New is the mode that a configuration asks for: sealed where there are keys. The door has
// cookies and budgets, there are so many graves, and the keys of at most most peers are kept.
func New(d *door.Door, ring *seal.Keyring, salt Salt, graves, most int) Mode {
	if ring == nil {
		return NewClear(d, salt)
	}
	return NewSealed(d, ring, salt, graves, most)
}

// NewClear is the mode without keys. The door has the budgets.
func NewClear(d *door.Door, salt Salt) *Clear { return &Clear{door: d, salt: salt} }

// Open checks the checksum, and for a greeting the budget.
func (c *Clear) Open(in *Arrival) (records []byte, r Refusal) {
	if in.KeyID != 0 {
		return nil, Refusal{Err: codec.ErrSealed}
	}
	records, err := codec.ParseUnsealed(in.Frame, in.Rest, &in.Header)
	if err != nil {
		return nil, Refusal{Err: err}
	}
	if in.Greeting = greeting(records); in.Greeting && !c.door.Hello(in.Now, in.From) {
		return nil, Refusal{Err: ErrRate}
	}
	return records, Refusal{}
}

func greeting(records []byte) bool {
	t, _, _ := codec.NextRecord(records)
	return t == codec.TypeHello || t == codec.TypeHelloReply || t == codec.TypeRefusal
}

// The rest of Mode: in clear a peer is its address.

// Sealed is false.
func (c *Clear) Sealed() bool { return false }

// Flags are none.
func (c *Clear) Flags() codec.Flags { return 0 }

// KeyID is 0.
func (c *Clear) KeyID() uint8 { return 0 }

// Salt tells this boot from others.
func (c *Clear) Salt() Salt { return c.salt }

// Adopt has nothing to keep.
func (c *Clear) Adopt(uint32, *codec.Header) {}

// Meet has nothing to keep.
func (c *Clear) Meet(uint32, *codec.Header) {}

// Other is unknown: frames in clear do not say whose life they are of.
func (c *Clear) Other(uint32, *codec.Header) bool { return false }

// Drop has nothing to forget.
func (c *Clear) Drop(uint32) {}

// Reachable is everybody.
func (c *Clear) Reachable(uint32) bool { return true }

// Finish appends the checksum.
func (c *Clear) Finish(b []byte, _ uint32) ([]byte, error) { return codec.AppendChecksum(b, 0), nil }

// FinishHello appends the checksum.
func (c *Clear) FinishHello(b []byte) ([]byte, error) { return codec.AppendChecksum(b, 0), nil }

// Bury has nothing to keep.
func (c *Clear) Bury(int, uint32) {}

// FinishGrave appends the checksum.
func (c *Clear) FinishGrave(b []byte, _ int) ([]byte, error) { return codec.AppendChecksum(b, 0), nil }

// AppendNotice has no keys to speak of.
func (c *Clear) AppendNotice(b []byte, _ int, _, _ uint32) []byte { return b }

// Acked waits for nothing.
func (c *Clear) Acked(uint32, uint32, uint64) {}

// OnNotice skips what is not for us.
func (c *Clear) OnNotice(uint32, []byte) bool { return true }

// Derived is none.
func (c *Clear) Derived() uint64 { return 0 }

// Close has nothing to erase.
func (c *Clear) Close() {}
