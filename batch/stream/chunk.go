package stream

import (
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/quidnunc/quidnunc/batch"
)

// savedMin is the share of a chunk, as 1/savedMin, that compression must save,
// or the chunk goes as it is.
const savedMin = 20

// packer compresses chunks. Its memory is made at the first use of each codec:
// zstd's is 0.7 MB.
type packer struct {
	how  Compression
	z    *zstd.Encoder
	out  [recordMax]byte
	last [lastPacked]packed // in a round
	next int
}

// lastPacked is how many chunks are remembered: those who ask for one content ask at the same
// time, and their answers take turns.
const lastPacked = 4

// packed is a chunk of a content with a sum, as it was sent last.
type packed struct {
	sum     [batch.StreamSumSize]byte
	at      int // in the content
	out     []byte
	payload []byte // nil: it did not shrink
	kind    uint8
}

// packOf is pack for the chunk at a place of an order's body. What has a sum is asked for by many.
func (p *packer) packOf(chunk []byte, at int, w *order) (payload []byte, kind uint8) {
	if !w.check {
		return p.pack(p.out[:], chunk, w.dense)
	}
	for i := range p.last {
		if x := &p.last[i]; x.kind != 0 && x.at == at && x.sum == w.sum {
			if x.kind == recRaw {
				return chunk, recRaw
			}
			return x.payload, x.kind
		}
	}
	x := &p.last[p.next]
	if p.next = (p.next + 1) % lastPacked; x.out == nil {
		x.out = make([]byte, recordMax)
	}
	payload, kind = p.pack(x.out, chunk, w.dense)
	if x.sum, x.at, x.payload, x.kind = w.sum, at, payload, kind; kind == recRaw {
		x.payload = nil // the chunk is lent
	}
	return payload, kind
}

// forget lets go of what is remembered.
func (p *packer) forget() { p.last = [lastPacked]packed{} }

// pack gives a chunk as it is to be sent, in out or as it is, and the type of its record.
func (p *packer) pack(out, chunk []byte, dense bool) (payload []byte, kind uint8) {
	how := p.how
	if how == Auto {
		if how = S2; dense {
			how = Zstd
		}
	}
	switch how {
	case S2:
		payload, kind = s2.Encode(out, chunk), recS2
	case Zstd:
		payload, kind = p.encoder().EncodeAll(chunk, out[:0]), recZstd
	default:
		return chunk, recRaw
	}
	if len(payload) > len(chunk)-len(chunk)/savedMin || len(payload)+tagMax > recordMax {
		return chunk, recRaw
	}
	return payload, kind
}

func (p *packer) encoder() *zstd.Encoder {
	if p.z == nil {
		// Without a checksum: the record has a seal. The options are constants, so
		// there is no error.
		p.z, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithWindowSize(chunkBytes),
			zstd.WithAllLitEntropyCompression(true)) // numbers repeat nothing, and have few digits
	}
	return p.z
}

// unpacker decompresses chunks.
type unpacker struct{ z *zstd.Decoder }

// unpack fills dst, which is as long as the chunk was, from a payload. Nothing
// is allocated by what a payload claims, and nothing is written behind dst.
func (u *unpacker) unpack(dst []byte, kind uint8, payload []byte) error {
	switch kind {
	case recS2:
		if n, err := s2.DecodedLen(payload); err != nil || n != len(dst) {
			return errRecord
		}
		_, err := s2.Decode(dst, payload)
		return err
	case recZstd:
		var h zstd.Header
		if err := h.Decode(payload); err != nil || !h.HasFCS || h.FrameContentSize != uint64(len(dst)) || h.WindowSize > chunkBytes {
			return errRecord
		}
		out, err := u.decoder().DecodeAll(payload, dst[:0:len(dst)])
		if err != nil || len(out) != len(dst) {
			return errRecord
		}
		return nil
	}
	return errRecord
}

func (u *unpacker) decoder() *zstd.Decoder {
	if u.z == nil {
		u.z, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20),
			zstd.WithDecodeAllCapLimit(true))
	}
	return u.z
}

func (u *unpacker) close() {
	if u.z != nil {
		u.z.Close()
	}
}
