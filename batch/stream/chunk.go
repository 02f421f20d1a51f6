package stream

import (
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// savedMin is the share of a chunk, as 1/savedMin, that compression must save,
// or the chunk goes as it is.
const savedMin = 20

// packer compresses chunks. Its memory is made at the first use of each codec:
// zstd's is 0.7 MB.
type packer struct {
	how Compression
	z   *zstd.Encoder
	out [recordMax]byte
}

// pack gives a chunk as it is to be sent, in memory that is good until the next
// call or the chunk's own, and the type of its record.
func (p *packer) pack(chunk []byte, dense bool) (payload []byte, kind uint8) {
	how := p.how
	if how == Auto {
		if how = S2; dense {
			how = Zstd
		}
	}
	switch how {
	case S2:
		payload, kind = s2.Encode(p.out[:], chunk), recS2
	case Zstd:
		payload, kind = p.encoder().EncodeAll(chunk, p.out[:0]), recZstd
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
