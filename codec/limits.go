package codec

// Sizes of a frame: bytes of UDP payload.
const (
	// FrameBytesDefault is what a node sends unless it is configured otherwise: an Ethernet frame
	// less IPv6, UDP and room for one tunnel.
	FrameBytesDefault = 1400
	// FrameBytesFloor is the smallest frame size that a node may be configured to: it passes IPv6's
	// minimum link of 1,280 bytes (RFC 8200 §5). All limits on what a user may store are computed
	// here.
	FrameBytesFloor = 1200
	// FrameBytesMax is the largest frame that is accepted: an Ethernet frame less IPv4 and UDP.
	FrameBytesMax = 1472
)

// Sizes of the parts of a frame.
const (
	// HeaderBytesFixed is the part of the header that every frame has.
	HeaderBytesFixed = 20
	// HeaderBytesMax is a header with every block.
	HeaderBytesMax = HeaderBytesFixed + sealBytes + flowBytes + CookieBytes + ratesBytes + printsBytes
	// SealBlockAt is where the seal block starts if there is one: the counter, then the boot salt.
	// It is the first block.
	SealBlockAt = HeaderBytesFixed
	// SaltBytes is the length of a boot salt.
	SaltBytes = 16
	// NonceBytes is the length of the nonce in a header.
	NonceBytes = 3
	// CookieBytes is the length of a cookie.
	CookieBytes = 16
	// ChecksumBytes is the trailer of an unsealed frame: CRC32C.
	ChecksumBytes = 4
	// TagBytes is the trailer of a sealed frame: the authentication tag of AES-GCM.
	TagBytes = 16
	// RecordBytes is what stands before the body of each record.
	RecordBytes = 3
	// RecordBodyMax is the longest body that a record's length field can say.
	RecordBodyMax = 1<<16 - 1

	nonceAt     = 5
	sealBytes   = 8 + SaltBytes
	flowBytes   = 4 + 4 + 8 + 2 + 1
	ratesBytes  = 4 + 4 + 8 + 8 + 1
	printsBytes = 8 + 8
)

// Limits on what frames may say.
const (
	// NameBytesMax bounds a node's name; a name has at least one byte.
	NameBytesMax = 128
	// GenerationMax is the highest generation that anybody begins with: the nanoseconds of a wall
	// clock end there too, in the year 2262. What is added to a generation afterwards, a year at
	// most, does not overflow.
	GenerationMax = 1<<63 - 1
	// KeyBytesMax bounds a key.
	KeyBytesMax = 255
	// EntryBytesMax bounds key and value of an entry together. It is a constant of the protocol,
	// the same on every node: the entry, alone in a run, beside the longest introduction of its
	// origin, in a sealed frame with every header block, fits the smallest frame size. So what one
	// node accepts, every node can send.
	EntryBytesMax = 768
	// BatchMax bounds the writes of a batch, and BatchBytesMax what BatchEntryBytes gives for them
	// together. Alone in a run, as an entry of EntryBytesMax is, a batch fits the smallest frame
	// size.
	BatchMax      = 32
	BatchBytesMax = 816
	// VersionMax is the last version of an origin: at a million writes a second, 2,283 years away.
	VersionMax = 1<<56 - 1
)

// Worst cases. A uvarint of a 56-bit number has 8 bytes, of one with one or two flag bits below it
// 9, of a 32-bit one 5.
const (
	addrBytesMax  = 1 + 16 + 2
	nameBytesMax  = 1 + NameBytesMax
	introBytesMax = RecordBytes + introFixed + 9 + nameBytesMax + addrBytesMax
	helloBytesMax = RecordBytes + helloFixed + 9 + nameBytesMax + addrBytesMax
	replyBytesMax = helloBytesMax + SaltBytes + 8 + 1 + CookieBytes
	versionBytes  = 7
	runTailBytes  = 2 * versionBytes
	runBytesMax   = RecordBytes + 8 + 9 + 8 + runTailBytes
	stampBytesMax = 9
	// entryOverheadMax: head, flags, kind, rest, TTL, age, lease, stamp, number or lengths of the
	// key, length of the value.
	entryOverheadMax = 9 + 1 + 1 + 1 + 5 + 5 + 5 + stampBytesMax + 5 + 2

	entryFrameBytesMax = HeaderBytesMax + TagBytes + introBytesMax + runBytesMax + entryOverheadMax + EntryBytesMax
	batchFrameBytesMax = HeaderBytesMax + TagBytes + introBytesMax + runBytesMax + BatchBytesMax
)

// The relations between the limits: a constant that would be negative does not compile.
const (
	_ uint = FrameBytesFloor - entryFrameBytesMax                        // the promise of EntryBytesMax
	_ uint = FrameBytesFloor - entryFrameBytesMax - KeyNoticeBytesMax    // beside a notice of keys, too
	_ uint = FrameBytesFloor - batchFrameBytesMax - KeyNoticeBytesMax    // the promise of BatchBytesMax, likewise
	_ uint = BatchBytesMax - entryOverheadMax - EntryBytesMax            // a batch of one is no less than an entry
	_ uint = FrameBytesFloor - HeaderBytesMax - TagBytes - replyBytesMax // a handshake fits
	_ uint = FrameBytesDefault - FrameBytesFloor                         //
	_ uint = FrameBytesMax - FrameBytesDefault                           //
	_ uint = RecordBodyMax - FrameBytesMax                               // a record's length can't overflow in a frame
	_ uint = EntryBytesMax - KeyBytesMax - 1                             // the longest key still has room for a value
	_ uint = 1<<14 - 1 - EntryBytesMax                                   // two bytes say the length of a value
	_ uint = KeyBytesMax - NameBytesMax                                  //
	_ uint = TagBytes - ChecksumBytes                                    // sealed is the worst case
)
