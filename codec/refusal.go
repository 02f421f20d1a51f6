package codec

import "encoding/binary"

// RefusalReason says why a greeting is refused.
type RefusalReason uint8

// The reasons. Detail is what each names; unknown ones are carried.
const (
	RefusedVersion RefusalReason = 1  // none of the greeting's format versions is spoken here
	RefusedCluster RefusalReason = 2  // another cluster
	RefusedKey     RefusalReason = 3  // sealed under a key that is not held here, or not sealed at all
	RefusedMode    RefusalReason = 4  // other settings than the cluster's; Detail: the fingerprint of ours
	RefusedFull    RefusalReason = 5  // no seat is free; Detail: how many there are
	RefusedName    RefusalReason = 6  // a live boot with seniority holds the name; Detail: its seniority
	RefusedBuried  RefusalReason = 7  // that life was buried; Detail: the generation to exceed
	RefusedClock   RefusalReason = 8  // a generation beyond what the cluster believes; Detail: the highest that it does
	RefusedBanned  RefusalReason = 9  // an operator forbids it
	RefusedBusy    RefusalReason = 10 // later; Detail: milliseconds
)

// Refusal answers a greeting that leads nowhere. It has two forms. As a record it stands in a frame
// sealed like the answer to a greeting, and echoes the greeting's salt: what opens is true. As a
// datagram it has a form that no version changes, so that who speaks another version, or holds
// another key, is told too: anybody who sees a greeting can make one, so that it is advice.
type Refusal struct {
	Reason RefusalReason
	Speak  Versions // what is spoken here
	Detail uint64
	Echo   [SaltBytes]byte // the greeting's salt; of the datagram: the first NonceBytes alone, from the greeting's header
}

// refusalBytes is the body of a Refusal record.
const refusalBytes = 1 + 2 + 8 + SaltBytes

// AppendRefusal appends a Refusal record.
func AppendRefusal(dst []byte, r *Refusal) []byte {
	dst = appendVersions(append(dst, byte(TypeRefusal), refusalBytes, 0, byte(r.Reason)), r.Speak)
	dst = binary.LittleEndian.AppendUint64(dst, r.Detail)
	return append(dst, r.Echo[:]...)
}

// ParseRefusal reads the body of a Refusal record.
func ParseRefusal(body []byte, r *Refusal) (err error) {
	if len(body) != refusalBytes {
		return ErrBody
	}
	r.Reason = RefusalReason(body[0])
	if r.Reason == 0 {
		return ErrUnsupported
	}
	r.Speak, err = parseVersions(body[1:])
	r.Detail = binary.LittleEndian.Uint64(body[3:])
	r.Echo = [SaltBytes]byte(body[11:])
	return err
}

// The datagram: 'Q', 0, reason, min, max, nonce 3, cluster tag 4, sender 8, detail 8, CRC32C of all
// that 4. Nonce, cluster tag and sender stand where they stand in a header, in every version.
const (
	// RefusalDatagramBytes is the length of a refusal as a datagram. Whatever is shorter is not
	// answered with one.
	RefusalDatagramBytes = 32

	refusalVersion = 0 // in the place of a format version
)

// What refuses is never longer than the shortest greeting that it answers, sealed or in clear.
const (
	helloBytesMin = HeaderBytesFixed + RecordBytes + helloFixed + 1 + 1 + 1 + 1

	_ uint = helloBytesMin + ChecksumBytes - RefusalDatagramBytes
	_ uint = helloBytesMin - (HeaderBytesFixed + RecordBytes + refusalBytes)
)

// AppendRefusalDatagram appends the datagram that refuses a greeting of a known header; cluster and
// sender are ours.
func AppendRefusalDatagram(dst []byte, r *Refusal, cluster uint32, sender OriginID) []byte {
	le, start := binary.LittleEndian, len(dst)
	dst = appendVersions(append(dst, Magic, refusalVersion, byte(r.Reason)), r.Speak)
	dst = le.AppendUint32(append(dst, r.Echo[:NonceBytes]...), cluster)
	dst = le.AppendUint64(le.AppendUint64(dst, uint64(sender)), r.Detail)
	return AppendChecksum(dst, start)
}

// ParseRefusalDatagram reads a datagram that refuses a greeting. ErrVersion says that it is none.
func ParseRefusalDatagram(b []byte, r *Refusal) (cluster uint32, sender OriginID, err error) {
	if len(b) < 2 || b[0] != Magic || b[1] != refusalVersion {
		return 0, 0, ErrVersion
	}
	if len(b) != RefusalDatagramBytes {
		return 0, 0, ErrShort
	}
	le, end := binary.LittleEndian, len(b)-ChecksumBytes
	if CRC32C(b[:end]) != le.Uint32(b[end:]) {
		return 0, 0, ErrChecksum
	}
	*r = Refusal{Reason: RefusalReason(b[2]), Detail: le.Uint64(b[20:])}
	copy(r.Echo[:], b[nonceAt:nonceAt+NonceBytes])
	if r.Speak, err = parseVersions(b[3:]); err != nil {
		return 0, 0, err
	}
	if cluster, sender = le.Uint32(b[8:]), OriginID(le.Uint64(b[12:])); sender == 0 {
		return 0, 0, ErrOrigin
	}
	if r.Reason == 0 {
		return 0, 0, ErrUnsupported
	}
	return cluster, sender, nil
}

// RefusalNonce gives what a refusal of a datagram echoes, and whether the datagram may be answered
// with one: it is as long as the answer, may be a frame of some version, and has a nonce. It reads
// nothing that a version may change.
func RefusalNonce(b []byte) (nonce [NonceBytes]byte, ok bool) {
	if len(b) < RefusalDatagramBytes || b[0] != Magic || b[1] == refusalVersion {
		return nonce, false
	}
	nonce = [NonceBytes]byte(b[nonceAt:])
	return nonce, nonce != [NonceBytes]byte{}
}
