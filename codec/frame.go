package codec

import "encoding/binary"

const (
	// Magic is the first byte of every frame.
	Magic = 'Q'
	// FormatVersion is the second.
	FormatVersion = 2
)

// Mark is the last byte of the flow block: what the sender asks the receiver for, and tells it.
type Mark uint8

// The marks; the rest are reserved, carried and ignored.
const (
	MarkCongested Mark = 1 << 0 // the sender has a standing queue of received frames
	MarkAsk       Mark = 1 << 1 // answer at once: what you hold of my writes, and your fingerprint
	MarkNow       Mark = 1 << 2 // acknowledge at once
)

// Flags says which blocks a header has, and how the frame is meant.
type Flags uint16

// The low byte names blocks: an unknown one can't be skipped, so that it makes the frame invalid.
// The high byte holds hints without a block: unknown ones are carried and ignored.
const (
	FlagSeal   Flags = 1 << 0  // counter and boot salt; set exactly when KeyID is not 0
	FlagFlow   Flags = 1 << 1  // per-destination sequence, acknowledgement, credit, congestion mark
	FlagCookie Flags = 1 << 2  // address cookie, shown to whoever gave it
	FlagRates  Flags = 1 << 3  // rates and ledger of the flow control between origins
	FlagPrints Flags = 1 << 4  // fingerprints of state and of observed liveness
	FlagHello  Flags = 1 << 8  // sealed with the cluster's hello key: the sender is a stranger to the receiver
	FlagSalt   Flags = 1 << 9  // lowest bit of the receiver's boot salt that the seal is bound to; written by codec/seal
	FlagRepair Flags = 1 << 10 // nothing but repair or bulk inside: who is overloaded may drop it undecoded

	flagBlocks = FlagSeal | FlagFlow | FlagCookie | FlagRates | FlagPrints
)

// IsRepair looks for FlagRepair in a datagram that nobody has parsed yet, at the cost of a
// byte.
func IsRepair(datagram []byte) bool {
	return len(datagram) > 3 && datagram[3]&byte(FlagRepair>>8) != 0
}

// Rates is the header block of the flow control between origins. The ledger is cumulative, so that
// a lost or repeated frame changes nothing: Given and Taken are sums since the two nodes met.
type Rates struct {
	Rho, Tau     uint32 // desired and allowed rate, in bytes a second
	Given, Taken int64  // rate handed to the peer, and received from it, in bytes a second
	Overflow     bool   // the sender's exchange set was over its limit
}

// Header is a frame's header as a plain value. Fields whose block is absent are zero after parsing
// and ignored in encoding. A caller keeps one and uses it again.
type Header struct {
	Sender     OriginID
	Flags      Flags
	Nonce      [NonceBytes]byte // of a greeting: what a refusal of it gives back; 0 in other frames
	KeyID      uint8            // key that the frame is sealed with, 0 = unsealed
	Mark       Mark
	Credit     uint16
	Cluster    uint32
	Counter    uint64
	Salt       [SaltBytes]byte
	Seq, Ack   uint32
	AckMap     uint64
	Cookie     [CookieBytes]byte
	Rates      Rates
	StatePrint uint64
	LivePrint  uint64
}

// blockBytes is the size of the blocks that the low five flags name.
var blockBytes = func() (t [flagBlocks + 1]uint8) {
	for f := range t {
		for i, n := range [...]uint8{sealBytes, flowBytes, CookieBytes, ratesBytes, printsBytes} {
			t[f] += uint8(f>>i&1) * n
		}
	}
	return t
}()

// HeaderBytes is the size of a header with the blocks that flags name.
func HeaderBytes(flags Flags) int { return HeaderBytesFixed + int(blockBytes[flags&flagBlocks]) }

// Bytes is the encoded size of the header, without a trailer.
func (h *Header) Bytes() int { return HeaderBytes(h.Flags) }

// TrailerBytes is what follows the records: a checksum, or the tag of a seal.
func (h *Header) TrailerBytes() int {
	if h.KeyID != 0 {
		return TagBytes
	}
	return ChecksumBytes
}

// SetNonce writes the nonce of a greeting whose header is made: the first bytes of its salt.
func SetNonce(frame []byte, salt *[SaltBytes]byte) { copy(frame[nonceAt:nonceAt+NonceBytes], salt[:]) }

// AppendHeader appends the header. It panics if FlagSeal and KeyID disagree or a flag names an
// unknown block.
func AppendHeader(dst []byte, h *Header) []byte {
	if (h.Flags&FlagSeal != 0) != (h.KeyID != 0) || h.Flags&0xff&^flagBlocks != 0 {
		panic("codec: invalid header flags")
	}
	le := binary.LittleEndian
	n := h.Nonce
	dst = le.AppendUint64(dst, Magic|FormatVersion<<8|uint64(h.Flags)<<16|uint64(h.KeyID)<<32|
		uint64(n[0])<<40|uint64(n[1])<<48|uint64(n[2])<<56)
	dst = le.AppendUint32(dst, h.Cluster)
	dst = le.AppendUint64(dst, uint64(h.Sender))
	if h.Flags&FlagSeal != 0 {
		dst = le.AppendUint64(dst, h.Counter)
		dst = append(dst, h.Salt[:]...)
	}
	if h.Flags&FlagFlow != 0 {
		dst = le.AppendUint32(dst, h.Seq)
		dst = le.AppendUint32(dst, h.Ack)
		dst = le.AppendUint64(dst, h.AckMap)
		dst = append(dst, byte(h.Credit), byte(h.Credit>>8), byte(h.Mark))
	}
	if h.Flags&FlagCookie != 0 {
		dst = append(dst, h.Cookie[:]...)
	}
	if h.Flags&FlagRates != 0 {
		dst = appendRates(dst, &h.Rates)
	}
	if h.Flags&FlagPrints != 0 {
		dst = le.AppendUint64(dst, h.StatePrint)
		dst = le.AppendUint64(dst, h.LivePrint)
	}
	return dst
}

func appendRates(dst []byte, r *Rates) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, r.Rho)
	dst = le.AppendUint32(dst, r.Tau)
	dst = le.AppendUint64(dst, uint64(r.Given))
	dst = le.AppendUint64(dst, uint64(r.Taken))
	return append(dst, boolByte(r.Overflow))
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// AppendChecksum ends an unsealed frame that starts at dst[from]: CRC32C of all its bytes.
func AppendChecksum(dst []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(dst, CRC32C(dst[from:]))
}

// ParseHeader reads the header at the start of a frame into h and gives what follows it, including
// the trailer. It does not look at what follows.
func ParseHeader(b []byte, h *Header) (rest []byte, err error) {
	if len(b) < HeaderBytesFixed {
		return nil, ErrShort
	}
	if len(b) > FrameBytesMax {
		return nil, ErrLong
	}
	if b[0] != Magic {
		return nil, ErrMagic
	}
	if b[1] != FormatVersion {
		return nil, ErrVersion
	}
	le := binary.LittleEndian
	flags, key := Flags(le.Uint16(b[2:])), b[4]
	if flags&0xff&^flagBlocks != 0 || (flags&FlagSeal != 0) != (key != 0) {
		return nil, ErrFlags
	}
	*h = Header{Flags: flags, KeyID: key, Cluster: le.Uint32(b[8:]), Sender: OriginID(le.Uint64(b[12:]))}
	h.Nonce = [NonceBytes]byte(b[nonceAt:])
	n := h.Bytes()
	if len(b) < n+h.TrailerBytes() {
		return nil, ErrShort
	}
	if h.Sender == 0 {
		return nil, ErrOrigin
	}
	if !h.parseBlocks(b[HeaderBytesFixed:n]) {
		return nil, ErrFlags
	}
	return b[n:], nil
}

// parseBlocks reads the blocks; b has exactly their length.
func (h *Header) parseBlocks(b []byte) bool {
	le := binary.LittleEndian
	if h.Flags&FlagSeal != 0 {
		h.Counter = le.Uint64(b)
		h.Salt = [SaltBytes]byte(b[8:])
		b = b[sealBytes:]
	}
	if h.Flags&FlagFlow != 0 {
		_ = b[flowBytes-1]
		h.Seq, h.Ack, h.AckMap = le.Uint32(b), le.Uint32(b[4:]), le.Uint64(b[8:])
		h.Credit, h.Mark = le.Uint16(b[16:]), Mark(b[18])
		b = b[flowBytes:]
	}
	if h.Flags&FlagCookie != 0 {
		h.Cookie = [CookieBytes]byte(b)
		b = b[CookieBytes:]
	}
	if h.Flags&FlagRates != 0 {
		_ = b[ratesBytes-1]
		r := &h.Rates
		r.Rho, r.Tau = le.Uint32(b), le.Uint32(b[4:])
		r.Given, r.Taken = int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))
		r.Overflow = b[24] == 1
		if b[24] > 1 {
			return false
		}
		b = b[ratesBytes:]
	}
	if h.Flags&FlagPrints != 0 {
		h.StatePrint, h.LivePrint = le.Uint64(b), le.Uint64(b[8:])
	}
	return true
}

// ParseFrame is the door for unsealed frames: it checks length, magic, version, header blocks,
// checksum and the framing of all records, reads the header into h and gives the records, a view of
// b. Afterwards NextRecord can't fail on them. The bodies are checked by the parser of each record.
// Whether h.Cluster is ours is the caller's to ask.
func ParseFrame(b []byte, h *Header) (records []byte, err error) {
	rest, err := ParseHeader(b, h)
	if err != nil {
		return nil, err
	}
	return ParseUnsealed(b, rest, h)
}

// ParseUnsealed is the second half of ParseFrame, for who asks something of the header before
// paying for the checksum: rest is what ParseHeader gave for b and h.
func ParseUnsealed(b, rest []byte, h *Header) (records []byte, err error) {
	if h.KeyID != 0 {
		return nil, ErrSealed
	}
	records = rest[: len(rest)-ChecksumBytes : len(rest)-ChecksumBytes]
	end := len(b) - ChecksumBytes
	if CRC32C(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, ErrChecksum
	}
	if err := ParseRecords(records); err != nil {
		return nil, err
	}
	return records, nil
}
