package door

import (
	"encoding/binary"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// How long the proofs live: from one span to two.
const (
	cookieSpan    = 65_536 * sched.Millisecond
	challengeSpan = 1 << 34 // nanoseconds: 17 s; where a busy host forms a cluster answers wait for long
)

// What a proof is for, so that none passes for another.
const (
	forCookie = iota + 1
	forChallenge
	forBucket
)

// Proofs makes and checks cookies and challenges. All of them end with the key.
type Proofs struct{ key [2]uint64 }

// Key is the key that a secret has, which is erased; without one, one by chance.
func Key(secret *[32]byte, rand *sched.Rand) [2]uint64 {
	key := [2]uint64{binary.LittleEndian.Uint64(secret[:]), binary.LittleEndian.Uint64(secret[8:])}
	if *secret == ([32]byte{}) {
		key = [2]uint64{rand.Uint64(), rand.Uint64()}
	}
	*secret = [32]byte{}
	return key
}

// Init sets the key: random, and new in each life of the node.
func (p *Proofs) Init(key [2]uint64) { p.key = key }

// Close erases the key.
func (p *Proofs) Close() { p.key = [2]uint64{} }

// messageBytes: use, epoch, address, port, salt, half.
const messageBytes = 1 + 8 + 16 + 2 + codec.SaltBytes + 1

// make is the keyed hash (SipHash-2-4, one for each half) of a use, an epoch, an
// address and a salt.
func (p *Proofs) make(use byte, epoch uint64, addr netip.AddrPort, salt *[codec.SaltBytes]byte) (k [16]byte) {
	var m [messageBytes]byte
	m[0] = use
	binary.LittleEndian.PutUint64(m[1:], epoch)
	ip := addr.Addr().As16()
	copy(m[9:], ip[:])
	binary.LittleEndian.PutUint16(m[25:], addr.Port())
	copy(m[27:], salt[:])
	binary.LittleEndian.PutUint64(k[:], codec.SipHash(p.key, m[:]))
	m[messageBytes-1] = 1
	binary.LittleEndian.PutUint64(k[8:], codec.SipHash(p.key, m[:]))
	return k
}

// Cookie is what an answer gives to the boot salt that greeted from an address;
// the salt is zero where frames are in clear.
func (p *Proofs) Cookie(now sched.Instant, to netip.AddrPort, salt *[codec.SaltBytes]byte) [codec.CookieBytes]byte {
	return p.make(forCookie, uint64(now)/cookieSpan, to, salt)
}

// Shows tells whether a cookie was given lately to this salt at this address. It
// takes the same time whatever the cookie.
func (p *Proofs) Shows(now sched.Instant, from netip.AddrPort, salt *[codec.SaltBytes]byte, cookie *[codec.CookieBytes]byte) bool {
	epoch := uint64(now) / cookieSpan
	a, b := p.make(forCookie, epoch, from, salt), p.make(forCookie, epoch-1, from, salt)
	return same(a[:], cookie[:]) || same(b[:], cookie[:])
}

// same compares in constant time.
func same(a, b []byte) bool {
	var d byte
	for i, x := range a {
		d |= x ^ b[i]
	}
	return d == 0
}

var noSalt [codec.SaltBytes]byte

// Challenge is what a greeting asks back. One half is bound to the address that
// is greeted, the other to the time alone.
func (p *Proofs) Challenge(now sched.Instant, to netip.AddrPort) [codec.SaltBytes]byte {
	return p.challenge(uint64(now)/challengeSpan, to)
}

func (p *Proofs) challenge(epoch uint64, to netip.AddrPort) (k [codec.SaltBytes]byte) {
	at, all := p.make(forChallenge, epoch, to, &noSalt), p.make(forChallenge, epoch, netip.AddrPort{}, &noSalt)
	copy(k[:8], at[:])
	copy(k[8:], all[:])
	return k
}

// Answers tells whether an answer comes back from the address that was greeted,
// or, with elsewhere, from another one than that: from a node with several
// addresses, or caught on the way.
func (p *Proofs) Answers(now sched.Instant, from netip.AddrPort, echo *[codec.SaltBytes]byte) (here, elsewhere bool) {
	epoch := uint64(now) / challengeSpan
	for ago := range uint64(2) {
		k := p.challenge(epoch-ago, from)
		here = here || same(k[:8], echo[:8])
		elsewhere = elsewhere || same(k[8:], echo[8:])
	}
	return here, elsewhere && !here
}

// Ours tells whether we made a challenge lately, for whatever address.
func (p *Proofs) Ours(now sched.Instant, challenge *[codec.SaltBytes]byte) bool {
	_, elsewhere := p.Answers(now, netip.AddrPort{}, challenge)
	return elsewhere
}

// Mirrored tells whether a challenge that came from an address is one of ours to it, or to another
// one that was greeted: our own greeting came back.
func (p *Proofs) Mirrored(now sched.Instant, from, to netip.AddrPort, challenge *[codec.SaltBytes]byte) bool {
	back, _ := p.Answers(now, from, challenge)
	here, _ := p.Answers(now, to, challenge)
	return back || here
}

// Bucket spreads sources over tables of fixed size, in a way that nobody outside
// can tell.
func (p *Proofs) Bucket(source netip.AddrPort) uint64 {
	k := p.make(forBucket, 0, source, &noSalt)
	return binary.LittleEndian.Uint64(k[:])
}
