package door

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
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
	Named state.Origin          // who that is, if it is higher than theirs; of a greeting: who is said to be at At, too
	At    netip.AddrPort
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

// Push reports whether there was room. To where nobody can be nothing goes.
func (q *Replies) Push(r *Reply) bool {
	switch {
	case !codec.Dialable(r.To):
		return true
	case int(q.n) == len(q.ring):
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

// Sender is whose frames these are.
type Sender struct {
	Header *codec.Header // of each frame
	Hello  codec.Hello   // who it is
	Salt   [codec.SaltBytes]byte
	Book   Book
}

// Book knows other origins.
type Book interface {
	// Intro fills in the record that introduces an origin; without a name if the
	// origin is not known any more.
	Intro(o state.Origin, in *codec.Intro)
}

// Append encodes a frame for somebody who is not a proven peer, all but its trailer,
// which a plain refusal has not. Nothing: it may not go there.
func (d *Door) Append(dst []byte, now sched.Instant, s *Sender, r *Reply) []byte {
	switch {
	case r.Plain:
		return codec.AppendRefusalDatagram(dst[:0], r.refusal(), s.Header.Cluster, s.Header.Sender)
	case r.Kind == codec.TypeHello && !r.Bare && !d.mayGreet(now, r.To):
		return dst[:0]
	}
	b, room := codec.AppendHeader(dst[:0], s.Header), codec.FrameBytesFloor
	if r.Kind == codec.TypeHello {
		b = d.appendHello(b, now, s, r)
	} else {
		b, room = d.appendReply(b, now, s, r), r.Room
	}
	if room -= s.Header.TrailerBytes(); len(b) > room {
		*d.busy++
		return b[:0]
	}
	if r.Named == 0 {
		return b
	}
	if s.Book.Intro(r.Named, &d.named); r.Kind == codec.TypeHello {
		d.named.Addr = r.At
	}
	if len(d.named.Name) > 0 && len(b)+codec.IntroBytes(&d.named) <= room { // what does not fit beside it is left out
		b = codec.AppendIntro(b, &d.named)
	}
	d.named.Name = nil // borrowed
	return b
}

// appendHello appends our greeting of an address; padded unless it is bare, so
// that it is at least as long as what it may be answered with.
func (d *Door) appendHello(b []byte, now sched.Instant, s *Sender, r *Reply) []byte {
	me := &s.Hello
	me.Salt, me.Flags = d.Challenge(now, r.To), r.Flags
	if !r.Bare { // a bare one asks for nothing: it need not be refused
		codec.SetNonce(b, &me.Salt)
	}
	if b = codec.AppendHello(b, me); r.Bare {
		return b
	}
	return codec.AppendPad(b, PaddedBytes-len(b)-s.Header.TrailerBytes())
}

// appendReply appends our answer to a greeting, or its refusal.
func (d *Door) appendReply(b []byte, now sched.Instant, s *Sender, r *Reply) []byte {
	if r.Kind == codec.TypeRefusal {
		return codec.AppendRefusal(b, r.refusal())
	}
	me := codec.HelloReply{Hello: s.Hello, Echo: r.Echo, KnownGen: r.Known, KnownAlive: r.Alive}
	me.Salt, me.Cookie = s.Salt, d.Cookie(now, r.To, &r.Boot)
	return codec.AppendHelloReply(b, &me)
}

func (r *Reply) refusal() *codec.Refusal {
	return &codec.Refusal{Reason: r.Why, Detail: r.Known, Echo: r.Echo}
}
