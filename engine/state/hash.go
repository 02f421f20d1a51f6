package state

import (
	"encoding/binary"

	"github.com/dgryski/go-farm"
)

// hash is the 32-bit fingerprint under which a byte string of an owner (the tag of an origin; 0 for names) is indexed.
//
// FarmHash has no key: whoever can choose keys can make them collide, and its seeded form hides that only from the
// result, not from the collisions. So the store's secret goes in front of the bytes. It is not a cryptographic hash,
// but who wants to flood a bucket would have to know the secret.
func (s *Store) hash(owner uint32, b []byte) uint32 {
	secret := s.secret[0] ^ uint64(owner)*0x9e3779b97f4a7c15
	if len(b) > 64 {
		return uint32(farm.Hash64WithSeeds(b, secret, s.secret[1]) >> 32)
	}
	var buf [72]byte
	binary.LittleEndian.PutUint64(buf[:], secret)
	n := copy(buf[8:], b)
	return uint32(farm.Hash64WithSeeds(buf[:8+n], secret, s.secret[1]) >> 32)
}

// hashID is the fingerprint of an origin's identifier, which is the output of a keyed hash already.
func (s *Store) hashID(id uint64) uint32 { return uint32(mix(id^s.secret[1]) >> 32) }

// mix is the finalizer of MurmurHash3 as improved by Stafford (variant 13): a bijection that spreads every bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
