package codec

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// OriginID names an origin, that is, one life of one node, in 8 bytes. 0 is no origin.
type OriginID uint64

// MakeOriginID derives the identifier of the origin (name, generation) under the key of its
// cluster: SipHash-2-4 of the name and the generation in 8 little endian bytes. It gives 0 if the
// name is empty or longer than NameBytesMax, and never otherwise. With 10,000 origins two collide
// with a probability of 3·10⁻¹².
func MakeOriginID(key [2]uint64, name []byte, generation uint64) OriginID {
	if len(name) == 0 || len(name) > NameBytesMax {
		return 0
	}
	var buf [NameBytesMax + 8]byte
	n := copy(buf[:], name)
	binary.LittleEndian.PutUint64(buf[n:], generation)
	id := SipHash(key, buf[:n+8])
	if id == 0 {
		id = 1
	}
	return OriginID(id)
}

// Keys under which a cluster's name is hashed, so that the three results have nothing to do with
// each other.
var (
	frameKeyLow    = [2]uint64{0x7175_6964_6e75_6e63, 0x6672_616d_656b_6579}
	frameKeyHigh   = [2]uint64{0x7175_6964_6e75_6e63, 0x6672_616d_656b_657a}
	clusterTagSeed = [2]uint64{0x7175_6964_6e75_6e63, 0x636c_7573_7465_7274}
)

// FrameKey derives from a cluster's name the SipHash key for origin identifiers. It is public
// knowledge to whoever knows the name: it spreads identifiers, it does not authenticate.
func FrameKey(clusterName []byte) [2]uint64 {
	return [2]uint64{SipHash(frameKeyLow, clusterName), SipHash(frameKeyHigh, clusterName)}
}

// ClusterTag derives the tag in each header that keeps two clusters on one network apart.
func ClusterTag(clusterName []byte) uint32 { return uint32(SipHash(clusterTagSeed, clusterName)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32C is the checksum of unsealed frames (RFC 3720 appendix B.4).
func CRC32C(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// SipHash is SipHash-2-4 (Aumasson, Bernstein 2012) with a 64-bit result.
func SipHash(key [2]uint64, b []byte) uint64 {
	v0, v1 := key[0]^0x736f6d6570736575, key[1]^0x646f72616e646f6d
	v2, v3 := key[0]^0x6c7967656e657261, key[1]^0x7465646279746573
	n := len(b)
	last := uint64(n) << 56
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		m := binary.LittleEndian.Uint64(rest)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	le := binary.LittleEndian
	switch { // the bytes that are left, by words that may overlap
	case n >= 8:
		last |= le.Uint64(b[n-8:]) >> 8 >> (8 * (7 - len(rest)))
	case n >= 4:
		last |= uint64(le.Uint32(b)) | uint64(le.Uint32(b[n-4:]))<<(8*(n-4))
	case n > 0:
		last |= uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
