package door

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// The handshake has three frames, so that no address is believed before it
// answered and no state is kept for one that did not:
//
//	A -> B  Hello(challenge for B), padded to be no shorter than the answer
//	B -> A  HelloReply(the challenge back, a cookie)
//	A -> B  the cookie, Intro(A), Sync: B now knows A and its address
//
// B keeps nothing between the second and the third frame, A nothing after the
// first.

// Reply is a frame for somebody who is not a proven peer.
type Reply struct {
	To    netip.AddrPort
	Room  int                   // what may go there
	Echo  [codec.SaltBytes]byte // their challenge, to give back
	Boot  [codec.SaltBytes]byte // their boot salt, which the cookie is for; zero in clear
	Known uint64                // highest generation that we know for their name; the detail of a refusal
	Named uint32                // who that is, if it is higher than theirs
	Kind  codec.Type
	Alive bool
	Bare  bool // not padded: it answers a frame that may be spoofed
	Flags codec.HelloFlags
	Why   codec.RefusalReason // of a refusal
	Plain bool                // a refusal that is a datagram: Echo begins with the nonce
}

// Answer is the reply to a greeting of so many bytes: no longer than that if it
// was padded, else within Room.
func Answer(to netip.AddrPort, size int, h *codec.Hello, boot [codec.SaltBytes]byte) Reply {
	r := Reply{Kind: codec.TypeHelloReply, To: to, Echo: h.Salt, Boot: boot, Room: Room(size)}
	if size >= PaddedBytes {
		r.Room = size
	}
	return r
}

// Replies is a short queue; what does not fit is not answered.
type Replies struct {
	ring    [64]Reply
	head, n uint32
}

// Push reports whether there was room.
func (q *Replies) Push(r *Reply) bool {
	if int(q.n) == len(q.ring) {
		return false
	}
	q.ring[(q.head+q.n)%uint32(len(q.ring))] = *r
	q.n++
	return true
}

// Pop takes the oldest one.
func (q *Replies) Pop(r *Reply) bool {
	if q.n == 0 {
		return false
	}
	*r = q.ring[q.head]
	q.head = (q.head + 1) % uint32(len(q.ring))
	q.n--
	return true
}

// AppendHello appends our greeting of an address to the header; padded unless it is bare, so
// that it is at least as long as what it may be answered with. trailer is what
// the frame will have after its records.
func (d *Door) AppendHello(b []byte, now sched.Instant, me *codec.Hello, r *Reply, trailer int) []byte {
	me.Salt, me.Flags = d.Challenge(now, r.To), r.Flags
	if !r.Bare { // a bare one asks for nothing: it need not be refused
		codec.SetNonce(b, &me.Salt)
	}
	if b = codec.AppendHello(b, me); r.Bare {
		return b
	}
	return codec.AppendPad(b, PaddedBytes-len(b)-trailer)
}

// AppendReply appends our answer to a greeting, or its refusal.
func (d *Door) AppendReply(b []byte, now sched.Instant, me *codec.HelloReply, r *Reply) []byte {
	if r.Kind == codec.TypeRefusal {
		return codec.AppendRefusal(b, &codec.Refusal{Reason: r.Why, Speak: me.Speak, Detail: r.Known, Echo: r.Echo})
	}
	me.Cookie = d.Cookie(now, r.To, &r.Boot)
	me.Echo, me.KnownGen, me.KnownAlive = r.Echo, r.Known, r.Alive
	return codec.AppendHelloReply(b, me)
}
