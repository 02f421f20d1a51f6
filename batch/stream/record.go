package stream

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/quidnunc/quidnunc/batch"
)

// A record is its type 1 and length 3 in clear, which are associated data, and
// the sealed payload of that length. Its number in its direction is the nonce
// and does not travel: a record that is missing, repeated or out of its place
// does not open.
const (
	recordHead = 4
	chunkBytes = 64 << 10 // plain bytes of a body in a record; the last has the rest
	tagMax     = 16
	recordMax  = chunkBytes + 4096 + tagMax // payload, sealed: what s2 may add is below 4 KiB
	numberMax  = 1 << 32                    // records of a direction: its key is worn then
)

// The types of records.
const (
	recOpen   = 1 + iota // window 4: who seals it has the key, and sends so much of bodies without credit
	recBusy              // empty: no more streams here now
	recHead              // tag 4 ‖ answer 1 ‖ body length 4 ‖ want 4 ‖ head
	recRaw               // a chunk as it is
	recS2                // a chunk as an s2 block
	recZstd              // a chunk as a zstd frame
	recCredit            // bytes 4: so many more of bodies were taken
	recEnd               // empty: nothing comes after it
	recTypes
)

const (
	headFixed   = 13
	openBytes   = 4
	windowLeast = 2 * chunkBytes
	windowMost  = 1 << 30
)

// errRecord is any breach of the framing.
var errRecord = errors.New("stream: not a record")

// direction seals or opens the records of one direction.
type direction struct {
	aead   cipher.AEAD
	number uint64
	nonce  [12]byte
	head   [recordHead]byte
}

// next makes the nonce of the next record.
func (d *direction) next() []byte {
	binary.LittleEndian.PutUint64(d.nonce[4:], d.number)
	d.number++
	return d.nonce[:]
}

func putHead(dst []byte, kind uint8, length int) {
	binary.LittleEndian.PutUint32(dst, uint32(length)<<8|uint32(kind))
}

// seal writes a record with this payload into dst, which has room. The payload
// may lie in dst, right behind the head.
func (d *direction) seal(dst []byte, kind uint8, payload []byte) []byte {
	n := len(payload) + d.aead.Overhead()
	putHead(dst, kind, n)
	copy(d.head[:], dst)
	d.aead.Seal(dst[recordHead:recordHead], d.next(), payload, d.head[:])
	return dst[:recordHead+n]
}

// parseRecord finds the record at the start of b. size 0: it is not all there.
// A length that no record has is refused before its bytes are waited for.
func parseRecord(b []byte) (kind uint8, sealed []byte, size int, err error) {
	if len(b) < recordHead {
		return 0, nil, 0, nil
	}
	word := binary.LittleEndian.Uint32(b)
	kind, length := uint8(word), int(word>>8)
	if kind == 0 || kind >= recTypes || length > recordMax {
		return 0, nil, 0, errRecord
	}
	if len(b) < recordHead+length {
		return kind, nil, 0, nil
	}
	return kind, b[recordHead : recordHead+length], recordHead + length, nil
}

// open opens a sealed payload to the end of dst, which must have room and may be
// sealed[:0].
func (d *direction) open(dst []byte, kind uint8, sealed []byte) ([]byte, error) {
	putHead(d.head[:], kind, len(sealed))
	return d.aead.Open(dst, d.next(), sealed, d.head[:])
}

// plain is the cipher of a cluster without keys: a checksum over the record and
// its number. It finds accidents, and nobody's intent.
type plain struct{}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (plain) NonceSize() int { return 12 }
func (plain) Overhead() int  { return 4 }

func (plain) sum(nonce, text, ad []byte) uint32 {
	return crc32.Update(crc32.Update(crc32.Update(0, castagnoli, nonce), castagnoli, ad), castagnoli, text)
}

func (p plain) Seal(dst, nonce, text, ad []byte) []byte {
	sum := p.sum(nonce, text, ad)
	return binary.LittleEndian.AppendUint32(append(dst, text...), sum)
}

func (p plain) Open(dst, nonce, sealed, ad []byte) ([]byte, error) {
	n := len(sealed) - p.Overhead()
	if n < 0 || binary.LittleEndian.Uint32(sealed[n:]) != p.sum(nonce, sealed[:n], ad) {
		return nil, errRecord
	}
	return append(dst, sealed[:n]...), nil
}

// head is a message's start.
type head struct {
	tag    uint32
	answer bool
	body   int
	want   int
	bytes  []byte
}

func appendHead(dst []byte, h *head) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, h.tag)
	answer := byte(0)
	if h.answer {
		answer = 1
	}
	dst = append(dst, answer)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.body))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.want))
	return append(dst, h.bytes...)
}

// parseHead reads a message's start. The bytes are a view.
func parseHead(b []byte) (h head, err error) {
	if len(b) < headFixed || len(b) > headFixed+batch.StreamHeadMax || b[4] > 1 {
		return h, errRecord
	}
	h = head{
		tag: binary.LittleEndian.Uint32(b), answer: b[4] == 1,
		body: int(binary.LittleEndian.Uint32(b[5:])), want: int(binary.LittleEndian.Uint32(b[9:])),
		bytes: b[headFixed:],
	}
	switch {
	case h.body > batch.StreamBodyMax || h.want > batch.StreamBodyMax:
		return h, errRecord
	case h.answer && h.want != 0 || !h.answer && h.body != 0:
		return h, errRecord
	}
	return h, nil
}
