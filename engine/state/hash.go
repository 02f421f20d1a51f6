package state

import (
	"encoding/binary"

	"github.com/dgryski/go-farm"
)

// hash is the 32-bit fingerprint under which a byte string of an owner (the tag of an origin; 0 for
// names) is indexed.
//
// FarmHash has no key: whoever can choose keys can make them collide, and its seeded form hides
// that only from the result, not from the collisions. So the store's secret goes in front of the
// bytes. It is not a cryptographic hash, but who wants to flood a bucket would have to know the
// secret. Short strings are hashed as words that overlap, with their length in the secret, which
// saves a copy of a length that is not known when it is compiled, two thirds of the time. Seeds of
// the hash itself would add nothing to a secret in front but time.
func (s *Store) hash(owner uint32, b []byte) uint32 {
	le, n := binary.LittleEndian, len(b)
	secret := s.secret[0] ^ uint64(owner)*0x9e3779b97f4a7c15 + uint64(n)<<56
	switch {
	case n > 64:
		return uint32(farm.Hash64WithSeeds(b, secret, s.secret[1]) >> 32)
	case n > 32:
		var buf [72]byte
		le.PutUint64(buf[:], secret)
		copy(buf[8:], b)
		return uint32(farm.Hash64(buf[:8+n]) >> 32)
	case n > 16:
		var buf [40]byte
		le.PutUint64(buf[:], secret)
		le.PutUint64(buf[8:], le.Uint64(b))
		le.PutUint64(buf[16:], le.Uint64(b[8:]))
		le.PutUint64(buf[24:], le.Uint64(b[n-16:]))
		le.PutUint64(buf[32:], le.Uint64(b[n-8:]))
		return uint32(farm.Hash64(buf[:]) >> 32)
	}
	first, last := ends(b)
	var buf [24]byte
	le.PutUint64(buf[:], secret)
	le.PutUint64(buf[8:], first)
	le.PutUint64(buf[16:], last)
	return uint32(farm.Hash64(buf[:]) >> 32)
}

// ends returns two words that hold all of at most 16 bytes.
func ends(b []byte) (first, last uint64) {
	le, n := binary.LittleEndian, len(b)
	switch {
	case n >= 8:
		return le.Uint64(b), le.Uint64(b[n-8:])
	case n >= 4:
		return uint64(le.Uint32(b)), uint64(le.Uint32(b[n-4:]))
	case n > 0:
		return uint64(b[0]), uint64(b[n/2])<<8 | uint64(b[n-1])
	}
	return 0, 0
}

// hashID is the fingerprint of an origin's identifier, which is the output of a keyed hash already.
func (s *Store) hashID(id uint64) uint32 { return uint32(mix(id^s.secret[1]) >> 32) }

// mix is the finalizer of MurmurHash3 as improved by Stafford (variant 13): a bijection that
// spreads every bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
