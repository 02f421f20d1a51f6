package codec

import "encoding/binary"

// Sizes of signatures: those of Ed25519 and SHA-256.
const (
	SignatureBytes = 64
	PublicKeyBytes = 32
	DigestBytes    = 32

	// SignatureBytesMax is the longest Signature record, SuccessionBytes each PublicKey record.
	SignatureBytesMax = RecordBytes + 8 + DigestBytes + PublicKeyBytes + SignatureBytes + 8
	SuccessionBytes   = RecordBytes + 8 + 2*PublicKeyBytes + SignatureBytes
)

// Signature is an owner's word of what its log was when it ended at Version, under a key of its
// own: who holds the cluster's key can't make it.
type Signature struct {
	ID      OriginID
	Version uint64 // not 0
	Digest  [DigestBytes]byte
	Key     [PublicKeyBytes]byte
	Sig     [SignatureBytes]byte
}

// PublicKey says that an owner's key took the place of a former one, in the former one's word.
type PublicKey struct {
	ID     OriginID
	Key    [PublicKeyBytes]byte
	Former [PublicKeyBytes]byte
	Sig    [SignatureBytes]byte
}

// AppendSignature appends a Signature record. It panics on a version that is not from 1 to
// VersionMax.
func AppendSignature(dst []byte, p *Signature) []byte {
	if p.Version == 0 || p.Version > VersionMax {
		panic("codec: version out of range")
	}
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, TypeSignature), uint64(p.ID))
	dst = append(append(append(dst, p.Digest[:]...), p.Key[:]...), p.Sig[:]...)
	return EndRecord(appendUvarint(dst, p.Version), start)
}

// ParseSignature reads the body of a Signature record. Nothing is verified.
func ParseSignature(body []byte, p *Signature) error {
	const fixed = 8 + DigestBytes + PublicKeyBytes + SignatureBytes
	if len(body) <= fixed {
		return ErrBody
	}
	p.ID = OriginID(binary.LittleEndian.Uint64(body))
	if p.ID == 0 {
		return ErrOrigin
	}
	p.Digest = [DigestBytes]byte(body[8:])
	p.Key = [PublicKeyBytes]byte(body[8+DigestBytes:])
	p.Sig = [SignatureBytes]byte(body[8+DigestBytes+PublicKeyBytes:])
	v, n := uvarint(body[fixed:])
	if n == 0 || v-1 >= VersionMax {
		return ErrVarint
	}
	if fixed+n != len(body) {
		return ErrBody
	}
	p.Version = v
	return nil
}

// AppendPublicKey appends a PublicKey record.
func AppendPublicKey(dst []byte, p *PublicKey) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, TypePublicKey), uint64(p.ID))
	return EndRecord(append(append(append(dst, p.Key[:]...), p.Former[:]...), p.Sig[:]...), start)
}

// ParsePublicKey reads the body of a PublicKey record. Nothing is verified.
func ParsePublicKey(body []byte, p *PublicKey) error {
	if len(body) != SuccessionBytes-RecordBytes {
		return ErrBody
	}
	p.ID = OriginID(binary.LittleEndian.Uint64(body))
	if p.ID == 0 {
		return ErrOrigin
	}
	p.Key = [PublicKeyBytes]byte(body[8:])
	p.Former = [PublicKeyBytes]byte(body[8+PublicKeyBytes:])
	p.Sig = [SignatureBytes]byte(body[8+2*PublicKeyBytes:])
	return nil
}

// AppendSigned appends what a Signature signs, in a cluster.
func AppendSigned(dst []byte, tag uint32, p *Signature) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, "quidnunc checkpoint\x00"...), tag)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.ID))
	return append(binary.LittleEndian.AppendUint64(dst, p.Version), p.Digest[:]...)
}

// AppendSucceeded appends what a PublicKey signs, in a cluster.
func AppendSucceeded(dst []byte, tag uint32, p *PublicKey) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, "quidnunc public key\x00"...), tag)
	return append(binary.LittleEndian.AppendUint64(dst, uint64(p.ID)), p.Key[:]...)
}

// AppendDigested appends what the digest of a Signature is over, of one live entry: all but its
// age. Of what lives by a lease the hint is left out, which replicas may hold differently.
func AppendDigested(dst []byte, e *Entry) []byte {
	flags, ttl := e.Flags, e.TTL
	if flags&EntryLeased != 0 {
		flags, ttl = flags&^EntryTTL, 0
	}
	le := binary.LittleEndian
	dst = le.AppendUint64(le.AppendUint64(dst, e.Version), uint64(e.Stamp))
	dst = le.AppendUint32(le.AppendUint32(dst, ttl), e.Lease)
	dst = append(dst, byte(flags), byte(e.Kind), e.Rest, byte(len(e.Key)))
	dst = le.AppendUint16(dst, uint16(len(e.Value)))
	return append(append(dst, e.Key...), e.Value...)
}
