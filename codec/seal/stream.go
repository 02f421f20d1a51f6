package seal

import (
	"crypto/cipher"
	"crypto/sha256"

	"github.com/quidnunc/quidnunc/codec"
)

// StreamKeys gives the ciphers of streams: a copy of a keyring that does not change any more, for
// any goroutine.
//
//	hello mark = first half of SHA-256(HKDF-Expand(prk, "stream mark" ‖ cluster tag) ‖ hello)
//	opener key = HKDF-Expand(prk, "stream opener" ‖ cluster tag ‖ SHA-256(transcript))
//	acceptor key = the same with "stream acceptor"
//
// The transcript holds both boot salts and a fresh nonce of each end, so that no two streams and no
// two directions have a key in common, and records may count from 0. Hellos have one length, so
// that an extension is no hello.
type StreamKeys struct {
	keys    [KeysMax]streamKey
	count   int
	primary uint8
	tag     uint32
}

type streamKey struct {
	clusterKey
	mark [sha256.Size]byte
}

// Streams copies the ring's keys as they are now.
func (r *Keyring) Streams() (*StreamKeys, error) {
	s := &StreamKeys{count: r.count, primary: r.primary, tag: r.tag}
	for i := range s.keys[:s.count] {
		k := &s.keys[i]
		k.clusterKey = r.keys[i]
		mark, err := k.secret("stream mark", r.tag, nil, sha256.Size)
		if err != nil {
			return nil, err
		}
		copy(k.mark[:], mark)
		clear(mark)
	}
	return s, nil
}

// Primary is the id of the key that new streams are sealed with.
func (s *StreamKeys) Primary() uint8 { return s.primary }

func (s *StreamKeys) find(id uint8) *streamKey {
	for i := range s.keys[:s.count] {
		if s.keys[i].id == id {
			return &s.keys[i]
		}
	}
	return nil
}

// helloBytesMax bounds what is marked: with the key it is two blocks of the hash.
const helloBytesMax = 87

// Mark is what nobody without the key can compute for a hello of a stream, of at most 87 bytes. It
// allocates nothing. ok is false when there is no key of this id.
func (s *StreamKeys) Mark(id uint8, hello []byte) (mark [16]byte, ok bool) {
	k := s.find(id)
	if k == nil || len(hello) > helloBytesMax {
		return mark, false
	}
	var m [sha256.Size + helloBytesMax]byte
	n := copy(m[:], k.mark[:])
	n += copy(m[n:], hello)
	sum := sha256.Sum256(m[:n])
	return [16]byte(sum[:16]), true
}

// Ciphers are those of the two directions of the stream with this transcript: the opener's and the
// acceptor's. It allocates, and takes some ten microseconds. It fails with codec.ErrKey if there is
// no key of this id.
func (s *StreamKeys) Ciphers(id uint8, transcript []byte) (opener, acceptor cipher.AEAD, err error) {
	k := s.find(id)
	if k == nil {
		return nil, nil, codec.ErrKey
	}
	sum := sha256.Sum256(transcript)
	if opener, err = k.expand("stream opener", s.tag, sum[:]); err != nil {
		return nil, nil, err
	}
	acceptor, err = k.expand("stream acceptor", s.tag, sum[:])
	return opener, acceptor, err
}
